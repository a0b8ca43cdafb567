#include "engine/artifact/weight_loader.h"

#include "engine/artifact/checkpoint.h"
#include "engine/artifact/shown.h"
#include "engine/base/error.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace blockcert::artifact {

namespace {

constexpr std::int64_t chunkElements = 1 << 18; // 1 MiB of fp32 at a time: stays in the cache

// Every step but Cast only selects and reorders rows and columns. A tensor is seen as [rows, columns] (a vector as
// [n, 1]), and the result at (i, j) is the stored element (rowOf[i], columnOf[j]), or the other way round if
// transposed.
struct Layout {
    std::vector<std::int64_t> first;  // stored index along the result's first dimension
    std::vector<std::int64_t> second; // along its second
    bool transposed = false;          // `first` indexes stored columns
    std::vector<DType> casts;
    std::optional<DType> roundTrip; // nothing may follow it
};

[[noreturn]] void refuse(const WeightReference& reference, const std::string& what)
{
    throw ShapeError(reference.file + ": tensor " + shown(reference.tensor) + " " + what + ".");
}

std::vector<std::int64_t> identity(std::int64_t count)
{
    std::vector<std::int64_t> indices(static_cast<std::size_t>(count));
    std::iota(indices.begin(), indices.end(), 0);
    return indices;
}

// Rows [heads, half, 2] -> [heads, 2, half].
std::vector<std::int64_t> unpermuted(const std::vector<std::int64_t>& rows, std::int64_t heads)
{
    std::vector<std::int64_t> result;
    result.reserve(rows.size());
    const auto perHead = static_cast<std::int64_t>(rows.size()) / heads;
    for (std::int64_t head = 0; head < heads; ++head) {
        for (std::int64_t part = 0; part < 2; ++part) {
            for (std::int64_t i = 0; i < perHead / 2; ++i)
                result.push_back(rows[static_cast<std::size_t>(head * perHead + 2 * i + part)]);
        }
    }
    return result;
}

void apply(const WeightTransform& transform, const WeightReference& reference, Layout& layout)
{
    const auto rows = static_cast<std::int64_t>(layout.first.size());
    if (layout.roundTrip)
        refuse(reference, "has a transform after its round trip through a quantised type");
    switch (transform.kind) {
    case WeightTransform::Kind::Transpose:
        if (reference.storedShape.size() != 2)
            refuse(reference, "is not a matrix and cannot be transposed");
        std::swap(layout.first, layout.second);
        layout.transposed = !layout.transposed;
        return;
    case WeightTransform::Kind::Rows:
        if (reference.storedShape.empty() || transform.begin < 0 || transform.end < transform.begin ||
            transform.end > rows)
            refuse(reference,
                   "has no rows " + std::to_string(transform.begin) + " to " + std::to_string(transform.end));
        layout.first =
            std::vector<std::int64_t>(layout.first.begin() + transform.begin, layout.first.begin() + transform.end);
        return;
    case WeightTransform::Kind::UnpermuteHeads:
        if (reference.storedShape.empty() || transform.begin < 1 || rows % transform.begin != 0 ||
            rows / transform.begin % 2 != 0)
            refuse(reference, "has " + std::to_string(rows) + " rows, which are not " +
                                  std::to_string(transform.begin) + " heads of even width");
        layout.first = unpermuted(layout.first, transform.begin);
        return;
    case WeightTransform::Kind::Cast:
        if (!isFloating(transform.dtype))
            throw UnsupportedError(reference.file + ": tensor " + shown(reference.tensor) + " cannot be cast to " +
                                   std::string(nameOf(transform.dtype)) + ".");
        layout.casts.push_back(transform.dtype);
        return;
    case WeightTransform::Kind::RoundTrip: layout.roundTrip = transform.dtype; return;
    }
}

struct Matrix {
    std::int64_t rows = 1;
    std::int64_t columns = 1;
};

// A vector is a column, so that Rows cuts it; higher ranks keep their first dimension.
Matrix matrixOf(const std::vector<std::int64_t>& shape)
{
    Matrix matrix;
    for (std::size_t i = 0; i < shape.size(); ++i)
        (i == 0 ? matrix.rows : matrix.columns) *= shape[i];
    return matrix;
}

// Where each stored index goes in the result, -1 if nowhere.
std::vector<std::int64_t> inverted(const std::vector<std::int64_t>& indices, std::int64_t count)
{
    std::vector<std::int64_t> positions(static_cast<std::size_t>(count), -1);
    for (std::size_t i = 0; i < indices.size(); ++i)
        positions[static_cast<std::size_t>(indices[i])] = static_cast<std::int64_t>(i);
    return positions;
}

// Turns a run of stored elements into the result's type, through every cast in order.
class ElementReader {
public:
    ElementReader(const WeightReference& reference, const InputFile& input, const std::vector<DType>& casts)
        : m_reference(reference)
        , m_input(input)
        , m_types({reference.storedDtype == DType::F64 ? DType::F64 : DType::F32})
    {
        m_types.insert(m_types.end(), casts.begin(), casts.end());
    }

    [[nodiscard]] DType dtype() const { return m_types.back(); }

    // Elements first … first+count-1 of the tensor, both at storage block boundaries; valid until the next call.
    const std::byte* read(std::int64_t first, std::int64_t count)
    {
        const StorageBlock block = storageBlock(m_reference.storedDtype);
        m_raw.resize(static_cast<std::size_t>(count / block.elements * block.bytes));
        m_input.readAt(m_reference.begin + static_cast<std::uint64_t>(first / block.elements * block.bytes), m_raw);
        m_values.resize(static_cast<std::size_t>(count * storageBlock(m_types.front()).bytes));
        if (m_types.front() == DType::F64)
            std::memcpy(m_values.data(), m_raw.data(), m_raw.size());
        else
            dequantise(m_reference.storedDtype, m_raw.data(), count, reinterpret_cast<float*>(m_values.data()));
        for (std::size_t i = 1; i < m_types.size(); ++i) {
            m_raw.resize(static_cast<std::size_t>(count * storageBlock(m_types[i]).bytes));
            convertElements(m_types[i - 1], m_values.data(), m_types[i], m_raw.data(), count);
            std::swap(m_raw, m_values);
        }
        return m_values.data();
    }

private:
    const WeightReference& m_reference;
    const InputFile& m_input;
    std::vector<DType> m_types; // the type before the casts, then each cast's
    std::vector<std::byte> m_raw;
    std::vector<std::byte> m_values;
};

template <class Element>
void scatterTransposed(const std::byte* source, std::int64_t rows, std::int64_t columns, const std::int64_t* rowTarget,
                       const std::vector<std::int64_t>& columnTarget, std::int64_t width, std::byte* target)
{
    for (std::int64_t column = 0; column < columns; ++column) {
        const std::int64_t to = columnTarget[static_cast<std::size_t>(column)];
        if (to < 0)
            continue;
        for (std::int64_t row = 0; row < rows; ++row) {
            if (rowTarget[row] >= 0)
                std::memcpy(target + (to * width + rowTarget[row]) * static_cast<std::int64_t>(sizeof(Element)),
                            source + (row * columns + column) * static_cast<std::int64_t>(sizeof(Element)),
                            sizeof(Element));
        }
    }
}

// Copies stored rows into the result's rows; columns are all kept in order.
void scatterRows(const std::byte* source, std::int64_t rows, std::int64_t rowBytes, const std::int64_t* rowTarget,
                 std::byte* target)
{
    for (std::int64_t row = 0; row < rows;) {
        std::int64_t run = 1; // neighbours that stay neighbours are copied together
        while (row + run < rows && rowTarget[row] >= 0 && rowTarget[row + run] == rowTarget[row] + run)
            ++run;
        if (rowTarget[row] >= 0)
            std::memcpy(target + rowTarget[row] * rowBytes, source + row * rowBytes,
                        static_cast<std::size_t>(run * rowBytes));
        row += run;
    }
}

std::vector<std::int64_t> resultShape(const WeightReference& reference, const Layout& layout)
{
    std::vector<std::int64_t> shape = reference.storedShape;
    if (shape.size() == 2 && layout.transposed)
        std::swap(shape[0], shape[1]);
    if (!shape.empty())
        shape[0] = static_cast<std::int64_t>(layout.first.size());
    if (shape.size() == 2)
        shape[1] = static_cast<std::int64_t>(layout.second.size());
    return shape;
}

}

namespace {

// All steps but a round trip.
void loadElements(const WeightReference& reference, const Layout& layout, const InputFile& input, HostTensor& into)
{
    const Matrix stored = matrixOf(reference.storedShape);
    ElementReader reader(reference, input, layout.casts);
    into.dtype = reader.dtype();
    into.shape = resultShape(reference, layout);
    const std::int64_t elementBytes = storageBlock(into.dtype).bytes;
    const auto width = static_cast<std::int64_t>(layout.second.size());
    into.bytes.resize(layout.first.size() * layout.second.size() * static_cast<std::size_t>(elementBytes));

    const std::vector<std::int64_t>& rowsUsed = layout.transposed ? layout.second : layout.first;
    const std::vector<std::int64_t>& columnsUsed = layout.transposed ? layout.first : layout.second;
    const std::vector<std::int64_t> rowTarget = inverted(rowsUsed, stored.rows);
    const std::vector<std::int64_t> columnTarget = inverted(columnsUsed, stored.columns);
    if (rowsUsed.empty() || columnsUsed.empty())
        return;
    if (!layout.transposed && columnsUsed != identity(stored.columns))
        refuse(reference, "would have its columns reordered, which no model needs");

    // Chunks begin at storage blocks: whole rows, or for a quantised vector multiples of the block.
    const std::int64_t block = storageBlock(reference.storedDtype).elements;
    const std::int64_t unit = stored.columns % block == 0 ? 1 : block;
    const auto [lowest, highest] = std::minmax_element(rowsUsed.begin(), rowsUsed.end());
    const std::int64_t step = std::max<std::int64_t>(1, chunkElements / (stored.columns * unit)) * unit;
    const std::int64_t end = std::min(stored.rows, (*highest / unit + 1) * unit); // nothing behind is read
    for (std::int64_t row = *lowest / unit * unit; row < end; row += step) {
        const std::int64_t rows = std::min(step, end - row);
        const std::byte* values = reader.read(row * stored.columns, rows * stored.columns);
        const std::int64_t* targets = rowTarget.data() + row;
        if (!layout.transposed)
            scatterRows(values, rows, stored.columns * elementBytes, targets, into.bytes.data());
        else if (elementBytes == 8)
            scatterTransposed<std::uint64_t>(values, rows, stored.columns, targets, columnTarget, width,
                                             into.bytes.data());
        else if (elementBytes == 4)
            scatterTransposed<std::uint32_t>(values, rows, stored.columns, targets, columnTarget, width,
                                             into.bytes.data());
        else
            scatterTransposed<std::uint16_t>(values, rows, stored.columns, targets, columnTarget, width,
                                             into.bytes.data());
    }
}

}

void loadWeight(const WeightReference& reference, const InputFile& input, HostTensor& into)
{
    if (!isFloating(reference.storedDtype) && !isQuantised(reference.storedDtype))
        throw UnsupportedError(reference.file + ": tensor " + shown(reference.tensor) + " has type " +
                               std::string(nameOf(reference.storedDtype)) + ", which is not a weight's.");
    const Matrix stored = matrixOf(reference.storedShape);
    Layout layout{.first = identity(stored.rows),
                  .second = identity(stored.columns),
                  .transposed = false,
                  .casts = {},
                  .roundTrip = {}};
    for (const WeightTransform& transform : reference.transforms)
        apply(transform, reference, layout);
    loadElements(reference, layout, input, into);
    if (layout.roundTrip)
        roundTrip(*layout.roundTrip, into);
}

}
