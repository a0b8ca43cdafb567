#include "engine/certificate/widen.h"

#include "engine/artifact/checkpoint.h"

#include <algorithm>
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

}
