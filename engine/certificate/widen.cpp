#include "engine/certificate/widen.h"

#include "engine/artifact/checkpoint.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <cstring>

namespace blockcert::certificate {

namespace {

template <class Element>
std::vector<Element> elements(const HostTensor& tensor)
{
    std::vector<Element> values(tensor.bytes.size() / sizeof(Element));
    if (!values.empty())
        std::memcpy(values.data(), tensor.bytes.data(), values.size() * sizeof(Element));
    return values;
}

template <class Element>
HostTensor store(DType dtype, std::span<const Element> values, std::vector<std::int64_t> shape)
{
    HostTensor tensor{dtype, std::move(shape), {}};
    tensor.bytes.resize(values.size_bytes());
    if (!values.empty())
        std::memcpy(tensor.bytes.data(), values.data(), values.size_bytes());
    return tensor;
}

// The first element whose exponent is all ones: NaN or infinite. Whole pieces are judged first, so that the compiler
// can take many elements at once.
template <class Bits>
std::size_t firstWithAll(Bits exponent, const std::vector<std::byte>& bytes)
{
    constexpr std::size_t piece = 256;
    const std::size_t count = bytes.size() / sizeof(Bits);
    std::array<Bits, piece> bits{};
    const auto isBad = [exponent](Bits each) { return (each & exponent) == exponent; };
    for (std::size_t begin = 0; begin < count; begin += piece) {
        const std::size_t size = std::min(piece, count - begin);
        std::memcpy(bits.data(), bytes.data() + begin * sizeof(Bits), size * sizeof(Bits));
        bool anyBad = false;
        for (std::size_t i = 0; i < size; ++i)
            anyBad |= isBad(bits[i]);
        if (anyBad)
            return begin + static_cast<std::size_t>(std::find_if(bits.begin(), bits.end(), isBad) - bits.begin());
    }
    return count;
}

}

std::vector<double> roundedTo(DType dtype, std::span<const double> values)
{
    const auto count = static_cast<std::int64_t>(values.size());
    HostTensor rounded{dtype, {count}, {}};
    rounded.bytes.resize(static_cast<std::size_t>(count * storageBlock(dtype).bytes));
    artifact::convertElements(DType::F64, reinterpret_cast<const std::byte*>(values.data()), dtype,
                              rounded.bytes.data(), count);
    return widened(rounded);
}

std::vector<std::int64_t> int64Elements(const HostTensor& tensor)
{
    return elements<std::int64_t>(tensor);
}

std::vector<std::int32_t> int32Elements(const HostTensor& tensor)
{
    return elements<std::int32_t>(tensor);
}

HostTensor tensorOf(std::span<const double> values, std::vector<std::int64_t> shape)
{
    return store(DType::F64, values, std::move(shape));
}

HostTensor tensorOf(std::span<const std::int32_t> values, std::vector<std::int64_t> shape)
{
    return store(DType::I32, values, std::move(shape));
}

HostTensor tensorOf(std::span<const std::int64_t> values, std::vector<std::int64_t> shape)
{
    return store(DType::I64, values, std::move(shape));
}

std::size_t firstNotFinite(std::span<const double> values)
{
    const auto bad = std::find_if(values.begin(), values.end(), [](double v) { return !std::isfinite(v); });
    return static_cast<std::size_t>(bad - values.begin());
}

std::size_t firstNotFinite(const HostTensor& tensor)
{
    switch (tensor.dtype) {
    case DType::F64: return firstWithAll<std::uint64_t>(0x7FF0'0000'0000'0000, tensor.bytes);
    case DType::F32: return firstWithAll<std::uint32_t>(0x7F80'0000, tensor.bytes);
    case DType::BF16: return firstWithAll<std::uint16_t>(0x7F80, tensor.bytes);
    default: assert(tensor.dtype == DType::F16); return firstWithAll<std::uint16_t>(0x7C00, tensor.bytes);
    }
}

}
