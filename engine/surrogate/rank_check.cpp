#include "engine/surrogate/rank_check.h"

#include "engine/artifact/checkpoint.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

namespace blockcert::surrogate {

namespace {

double dot(std::span<const double> a, std::span<const double> b)
{
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
        sum += a[i] * b[i];
    return sum;
}

class Rows {
public:
    explicit Rows(const HostTensor& matrix)
        : m_width(static_cast<std::size_t>(matrix.shape.at(1)))
        , m_values(static_cast<std::size_t>(matrix.elementCount()))
        , m_squares(static_cast<std::size_t>(matrix.shape.at(0)))
    {
        artifact::convertElements(matrix.dtype, matrix.bytes.data(), DType::F64,
                                  reinterpret_cast<std::byte*>(m_values.data()), matrix.elementCount());
        for (std::size_t i = 0; i < m_squares.size(); ++i)
            m_squares[i] = dot(row(i), row(i));
    }

    [[nodiscard]] double squares() const
    {
        double sum = 0;
        for (const double square : m_squares)
            sum += square;
        return sum;
    }

    // Takes the direction of the longest row out of all rows. False if nothing is left.
    bool deflate()
    {
        const auto pivot =
            static_cast<std::size_t>(std::max_element(m_squares.begin(), m_squares.end()) - m_squares.begin());
        const double length = std::sqrt(m_squares[pivot]);
        if (!(length > 0))
            return false;
        std::vector<double> direction(row(pivot).begin(), row(pivot).end());
        for (double& value : direction)
            value /= length;
        for (std::size_t i = 0; i < m_squares.size(); ++i) {
            const std::span<double> values = row(i);
            const double share = dot(values, direction);
            double square = 0;
            for (std::size_t j = 0; j < values.size(); ++j) {
                values[j] -= share * direction[j];
                square += values[j] * values[j];
            }
            m_squares[i] = square;
        }
        return true;
    }

private:
    [[nodiscard]] std::span<double> row(std::size_t i) { return std::span(m_values).subspan(i * m_width, m_width); }

    std::size_t m_width;
    std::vector<double> m_values;
    std::vector<double> m_squares; // of each row's length, as it now is
};

}

double distanceFromRank(const HostTensor& matrix, std::int64_t rank)
{
    Rows rows(matrix);
    const double all = rows.squares();
    if (!(all > 0))
        return 0;
    for (std::int64_t step = 0; step < rank; ++step)
        if (!rows.deflate())
            return 0;
    return std::sqrt(rows.squares() / all);
}

}
