#include "engine/certificate/widen.h"

#include "engine/base/error.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

namespace blockcert::certificate {

namespace {

double fromHalf(std::uint16_t bits)
{
    const int exponent = bits >> 10 & 0x1F;
    const int mantissa = bits & 0x3FF;
    double magnitude = 0;
    if (exponent == 0x1F)
        magnitude = mantissa == 0 ? std::numeric_limits<double>::infinity() : std::numeric_limits<double>::quiet_NaN();
    else if (exponent == 0)
        magnitude = std::ldexp(mantissa, -24);
    else
        magnitude = std::ldexp(mantissa + 0x400, exponent - 25);
    return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

double fromBrain(std::uint16_t bits)
{
    return static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16));
}

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

template <class Element, class Convert>
std::vector<double> convert(const HostTensor& tensor, Convert toDouble)
{
    const std::vector<Element> stored = elements<Element>(tensor);
    std::vector<double> values(stored.size());
    std::transform(stored.begin(), stored.end(), values.begin(), toDouble);
    return values;
}

}

std::vector<double> widened(const HostTensor& tensor)
{
    switch (tensor.dtype) {
    case DType::F64: return elements<double>(tensor);
    case DType::F32: return convert<float>(tensor, [](float value) { return static_cast<double>(value); });
    case DType::F16: return convert<std::uint16_t>(tensor, fromHalf);
    case DType::BF16: return convert<std::uint16_t>(tensor, fromBrain);
    default: throw ShapeError("A tensor of " + std::string(nameOf(tensor.dtype)) + " holds no floating-point numbers.");
    }
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
    return static_cast<std::size_t>(
        std::find_if(values.begin(), values.end(), [](double v) { return !std::isfinite(v); }) - values.begin());
}

}
