#include "engine/ir/reference_ops.h"

#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/ir/share_out.h"
#include "engine/ir/tile_kernel.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <cstring>
#include <string>

namespace blockcert::ir {

namespace {

constexpr auto panelOutputs = static_cast<std::int64_t>(panelWidth);

// Inputs of a panel that are widened at a time: 512 × 32 doubles stay in the second-level cache.
constexpr std::int64_t inputsAtOnce = 512;

// Rows of logits held at a time.
constexpr std::int64_t lossRowsAtOnce = 32;

std::size_t at(std::int64_t index)
{
    return static_cast<std::size_t>(index);
}

// sign | 5 exponent bits, bias 15 | 10 mantissa bits. Every half is a float; NaN stays NaN.
float fromHalf(std::uint16_t bits)
{
    const std::uint32_t magnitude = bits & 0x7fffU;
    float value = 0;
    if (magnitude < 0x0400U) // subnormal: mantissa · 2⁻²⁴
        value = std::ldexp(static_cast<float>(magnitude), -24);
    else if (magnitude < 0x7c00U) // the exponent's bias is 112 less than a float's
        value = std::bit_cast<float>((magnitude << 13U) + (112U << 23U));
    else
        value = magnitude == 0x7c00U ? HUGE_VALF : NAN;
    return (bits & 0x8000U) != 0 ? -value : value;
}

// The upper half of a float.
float fromBrain(std::uint16_t bits)
{
    return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16U);
}

template <class T>
T elementAt(const HostTensor& tensor, std::int64_t index)
{
    T value;
    std::memcpy(&value, tensor.bytes.data() + at(index) * sizeof(T), sizeof(T)); // bytes need not be aligned
    return value;
}

float singleAt(const HostTensor& tensor, std::int64_t index)
{
    switch (tensor.dtype) {
    case DType::F16: return fromHalf(elementAt<std::uint16_t>(tensor, index));
    case DType::BF16: return fromBrain(elementAt<std::uint16_t>(tensor, index));
    default: return elementAt<float>(tensor, index);
    }
}

// Calls put(position in the packed array, output, input) for every element of one panel.
template <class Put>
void forPanel(std::int64_t panel, std::int64_t outputs, std::int64_t inputs, Put put)
{
    const std::int64_t begin = panel * panelOutputs;
    const std::int64_t end = std::min(begin + panelOutputs, outputs);
    for (std::int64_t i = 0; i < inputs; ++i)
        for (std::int64_t o = begin; o < end; ++o)
            put(at((panel * inputs + i) * panelOutputs + o - begin), o, i);
}

}

Rows widened(const HostTensor& tensor)
{
    assert(isFloating(tensor.dtype));
    Rows values(at(tensor.elementCount()));
    for (std::int64_t i = 0; i < tensor.elementCount(); ++i)
        values[at(i)] =
            tensor.dtype == DType::F64 ? elementAt<double>(tensor, i) : static_cast<double>(singleAt(tensor, i));
    return values;
}

PackedMatrix::PackedMatrix(const HostTensor& weight, int threads)
    : m_outputs(weight.shape.at(0))
    , m_inputs(weight.shape.at(1))
{
    assert(isFloating(weight.dtype));
    const std::size_t size = at(panels() * panelOutputs * m_inputs);
    const bool wide = weight.dtype == DType::F64;
    wide ? m_double.resize(size) : m_single.resize(size);
    shareOut(threads, panels(), [&](std::int64_t panel) {
        if (wide)
            forPanel(panel, m_outputs, m_inputs, [&](std::size_t position, std::int64_t o, std::int64_t i) {
                m_double[position] = elementAt<double>(weight, o * m_inputs + i);
            });
        else
            forPanel(panel, m_outputs, m_inputs, [&](std::size_t position, std::int64_t o, std::int64_t i) {
                m_single[position] = singleAt(weight, o * m_inputs + i);
            });
    });
}

PackedMatrix::PackedMatrix(std::span<const double> values, std::int64_t outputs, std::int64_t outputStride,
                           std::int64_t inputs, std::int64_t inputStride)
    : m_outputs(outputs)
    , m_inputs(inputs)
    , m_double(at(panels() * panelOutputs * inputs))
{
    for (std::int64_t panel = 0; panel < panels(); ++panel)
        forPanel(panel, outputs, inputs, [&](std::size_t position, std::int64_t o, std::int64_t i) {
            m_double[position] = values[at(o * outputStride + i * inputStride)];
        });
}

std::int64_t PackedMatrix::panelsFor(std::int64_t outputs) const
{
    return (outputs + panelOutputs - 1) / panelOutputs;
}

const double* PackedMatrix::panel(std::int64_t panel, std::int64_t begin, std::int64_t count, Rows& scratch) const
{
    const std::size_t position = at((panel * m_inputs + begin) * panelOutputs);
    if (!m_double.empty())
        return m_double.data() + position;
    scratch.resize(at(count * panelOutputs));
    std::copy_n(m_single.begin() + static_cast<std::ptrdiff_t>(position), scratch.size(), scratch.begin());
    return scratch.data();
}

void multiplyPanel(const PackedMatrix& matrix, std::int64_t panel, std::int64_t inputs, RowView in, double* out,
                   std::int64_t outStride)
{
    // Sums begin at +0 and take their terms in index order; that they rest in `sums` between two stretches of inputs
    // changes no bit.
    Rows sums(at(in.rows * panelOutputs), 0.0);
    Rows scratch;
    for (std::int64_t begin = 0; begin < inputs; begin += inputsAtOnce) {
        const std::int64_t count = std::min(inputsAtOnce, inputs - begin);
        accumulate(matrix.panel(panel, begin, count, scratch), at(count), in.values + begin, at(in.stride), at(in.rows),
                   sums.data());
    }
    const std::int64_t first = panel * panelOutputs;
    const std::int64_t width = std::min(panelOutputs, matrix.outputs() - first);
    for (std::int64_t t = 0; t < in.rows; ++t)
        std::copy_n(sums.data() + t * panelOutputs, width, out + t * outStride + first);
}

Rows linearRows(std::span<const double> in, const PackedMatrix& weight, std::span<const double> bias, int threads,
                const RunContext& context)
{
    const std::int64_t rows = static_cast<std::int64_t>(in.size()) / weight.inputs();
    assert(static_cast<std::int64_t>(in.size()) == rows * weight.inputs());
    Rows out(at(rows * weight.outputs()));
    const int helpers = threadsWorthwhile(threads, rows * weight.inputs() * weight.outputs());
    shareOut(helpers, weight.panels(), [&](std::int64_t panel) {
        context.step();
        multiplyPanel(weight, panel, weight.inputs(), {in.data(), rows, weight.inputs()}, out.data(), weight.outputs());
    });
    if (!bias.empty())
        for (std::size_t row = 0; row < out.size(); row += bias.size())
            for (std::size_t o = 0; o < bias.size(); ++o)
                out[row + o] += bias[o];
    return out;
}

Rows rmsNormRows(std::span<const double> in, std::span<const double> weight, double epsilon)
{
    const std::size_t width = weight.size();
    Rows out(in.size());
    for (std::size_t row = 0; row < in.size(); row += width) {
        double squares = 0;
        for (std::size_t i = 0; i < width; ++i)
            squares += in[row + i] * in[row + i];
        const double root = std::sqrt(squares / static_cast<double>(width) + epsilon);
        for (std::size_t i = 0; i < width; ++i)
            out[row + i] = in[row + i] / root * weight[i];
    }
    return out;
}

Rows layerNormRows(std::span<const double> in, std::span<const double> weight, std::span<const double> bias,
                   double epsilon)
{
    const std::size_t width = weight.size();
    Rows out(in.size());
    for (std::size_t row = 0; row < in.size(); row += width) {
        double sum = 0;
        for (std::size_t i = 0; i < width; ++i)
            sum += in[row + i];
        const double mean = sum / static_cast<double>(width);
        double squares = 0;
        for (std::size_t i = 0; i < width; ++i)
            squares += (in[row + i] - mean) * (in[row + i] - mean);
        const double root = std::sqrt(squares / static_cast<double>(width) + epsilon);
        for (std::size_t i = 0; i < width; ++i)
            out[row + i] = (in[row + i] - mean) / root * weight[i] + bias[i];
    }
    return out;
}

double silu(double x)
{
    return x / (1 + std::exp(-x));
}

double geluNew(double x)
{
    constexpr double slope = 0.79788456080286535588; // √(2/π)
    return 0.5 * x * (1 + std::tanh(slope * (x + 0.044715 * x * x * x)));
}

std::vector<double> lossRows(std::span<const double> in, const PackedMatrix& head, std::span<const TokenId> target,
                             int threads, const RunContext& context)
{
    const auto rows = static_cast<std::int64_t>(target.size());
    assert(static_cast<std::int64_t>(in.size()) == rows * head.inputs());
    std::vector<double> loss(target.size());
    for (std::int64_t begin = 0; begin < rows; begin += lossRowsAtOnce) {
        const std::int64_t count = std::min(lossRowsAtOnce, rows - begin);
        const Rows logits =
            linearRows(in.subspan(at(begin * head.inputs()), at(count * head.inputs())), head, {}, threads, context);
        shareOut(threads, count, [&](std::int64_t t) {
            const TokenId id = target[at(begin + t)];
            if (id < 0 || id >= head.outputs())
                throw ShapeError("the token id " + std::to_string(id) + " is outside the vocabulary of " +
                                 std::to_string(head.outputs()) + ".");
            const std::span<const double> row(logits.data() + t * head.outputs(), at(head.outputs()));
            const double largest = *std::max_element(row.begin(), row.end());
            double sum = 0;
            for (const double logit : row)
                sum += std::exp(logit - largest);
            loss[at(begin + t)] = largest + std::log(sum) - row[static_cast<std::size_t>(id)];
        });
    }
    return loss;
}

}
