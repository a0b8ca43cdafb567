#include "engine/model/tensor_bridge.h"

#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/model/parallel_tasks.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <algorithm>
#include <cstring>
#include <string>

namespace blockcert::model {

at::ScalarType scalarTypeOf(DType dtype)
{
    switch (dtype) {
    case DType::F64: return at::kDouble;
    case DType::F32: return at::kFloat;
    case DType::F16: return at::kHalf;
    case DType::BF16: return at::kBFloat16;
    case DType::I64: return at::kLong;
    case DType::I32: return at::kInt;
    case DType::U8: return at::kByte;
    default: break;
    }
    throw UnsupportedError("no tensor can be computed with in the storage type " + std::string(nameOf(dtype)));
}

DType dtypeOf(at::ScalarType type)
{
    switch (type) {
    case at::kDouble: return DType::F64;
    case at::kFloat: return DType::F32;
    case at::kHalf: return DType::F16;
    case at::kBFloat16: return DType::BF16;
    case at::kLong: return DType::I64;
    case at::kInt: return DType::I32;
    case at::kByte: return DType::U8;
    default: break;
    }
    throw UnsupportedError(std::string("a tensor of type ") + c10::toString(type) + " has no name in this project");
}

void copyInto(const HostTensor& source, at::Tensor& target)
{
    if (target.numel() != source.elementCount() || target.scalar_type() != scalarTypeOf(source.dtype))
        throw ShapeError("a tensor of " + std::to_string(source.elementCount()) + " elements of " +
                         std::string(nameOf(source.dtype)) + " was to be copied where " +
                         std::to_string(target.numel()) + " of another kind belong");
    if (target.is_cpu() && target.is_contiguous()) {
        if (!source.bytes.empty())
            std::memcpy(target.mutable_data_ptr(), source.bytes.data(), source.bytes.size());
        return;
    }
    // from_blob only reads here; its signature is not const-correct.
    auto* bytes = const_cast<std::byte*>(source.bytes.data());
    target.copy_(at::from_blob(bytes, target.sizes(), at::TensorOptions().dtype(target.scalar_type())));
}

at::Tensor toTensor(const HostTensor& source, const at::Device& device)
{
    at::Tensor tensor = at::empty(source.shape, at::TensorOptions().dtype(scalarTypeOf(source.dtype)).device(device));
    copyInto(source, tensor);
    return tensor;
}

at::Tensor toTensorAs(at::ScalarType type, const HostTensor& source, const at::Device& device,
                      const RunContext& context)
{
    constexpr std::int64_t slab = std::int64_t{1} << 21; // elements
    const at::TensorOptions options = at::TensorOptions().dtype(type).device(device);
    at::Tensor target = at::empty({source.elementCount()}, options);
    // from_blob only reads here; its signature is not const-correct.
    auto* bytes = const_cast<std::byte*>(source.bytes.data());
    const at::Tensor given =
        at::from_blob(bytes, target.sizes(), at::TensorOptions().dtype(scalarTypeOf(source.dtype)));
    runTasks((target.numel() + slab - 1) / slab, context, [&](std::int64_t task) {
        const std::int64_t begin = task * slab;
        const std::int64_t count = std::min(slab, target.numel() - begin);
        target.narrow(0, begin, count).copy_(given.narrow(0, begin, count));
    });
    return target.view(source.shape);
}

HostTensor toHost(const at::Tensor& source)
{
    const at::Tensor dense = source.cpu().contiguous();
    HostTensor host;
    host.dtype = dtypeOf(dense.scalar_type());
    host.shape.assign(dense.sizes().begin(), dense.sizes().end());
    const auto* bytes = static_cast<const std::byte*>(dense.const_data_ptr());
    host.bytes.assign(bytes, bytes + dense.nbytes());
    return host;
}

std::vector<double> toDoubles(const at::Tensor& source)
{
    std::vector<double> values(static_cast<std::size_t>(source.numel()));
    if (values.empty())
        return values;
    at::Tensor target = at::from_blob(values.data(), source.sizes(), at::TensorOptions().dtype(at::kDouble));
    target.copy_(source);
    return values;
}

}
