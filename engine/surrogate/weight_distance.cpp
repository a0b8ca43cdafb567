#include "engine/surrogate/weight_distance.h"

#include "engine/artifact/checkpoint.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <span>

// Compiled with -ffp-contract=off.
namespace blockcert::surrogate {

namespace {

constexpr std::int64_t chunkElements = 4096;

// Elements first … first+count-1 as doubles.
class Widened {
public:
    explicit Widened(const HostTensor& tensor)
        : m_tensor(tensor)
    {
    }

    std::span<const double> read(std::int64_t first, std::int64_t count)
    {
        const std::int64_t bytes = storageBlock(m_tensor.dtype).bytes;
        artifact::convertElements(m_tensor.dtype, m_tensor.bytes.data() + first * bytes, DType::F64,
                                  reinterpret_cast<std::byte*>(m_values.data()), count);
        return std::span(m_values).first(static_cast<std::size_t>(count));
    }

private:
    const HostTensor& m_tensor;
    std::array<double, chunkElements> m_values{};
};

}

double frobeniusNorm(const HostTensor& tensor)
{
    Widened values(tensor);
    const std::int64_t elements = tensor.elementCount();
    double sum = 0;
    for (std::int64_t first = 0; first < elements; first += chunkElements)
        for (const double value : values.read(first, std::min(chunkElements, elements - first)))
            sum += value * value;
    return std::sqrt(sum);
}

double frobeniusDistance(const HostTensor& baseline, const HostTensor& surrogate)
{
    assert(baseline.shape == surrogate.shape);
    Widened left(baseline);
    Widened right(surrogate);
    const std::int64_t elements = baseline.elementCount();
    double sum = 0;
    for (std::int64_t first = 0; first < elements; first += chunkElements) {
        const std::int64_t count = std::min(chunkElements, elements - first);
        const std::span<const double> a = left.read(first, count);
        const std::span<const double> b = right.read(first, count);
        for (std::size_t i = 0; i < a.size(); ++i)
            sum += (a[i] - b[i]) * (a[i] - b[i]);
    }
    return std::sqrt(sum);
}

std::optional<WeightDistance> distanceOf(const std::string& name, const HostTensor& baseline,
                                         const HostTensor& surrogate, std::optional<std::int64_t> rank)
{
    const bool same = baseline == surrogate;
    if (same && !rank)
        return std::nullopt;
    return WeightDistance{name, rank, frobeniusNorm(baseline), same ? 0 : frobeniusDistance(baseline, surrogate)};
}

}
