#include "engine/pipeline/low_rank.h"

#include "engine/artifact/checkpoint.h"
#include "engine/base/error.h"
#include "engine/model/tensor_bridge.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/linalg_svd.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/mul.h>

#include <algorithm>
#include <tuple>

namespace blockcert::pipeline {

LowRank truncated(const std::string& name, const HostTensor& matrix, std::int64_t rank)
{
    const at::Tensor wide = model::toTensor(matrix, at::Device(at::kCPU)).to(at::kDouble);
    if (!at::isfinite(wide).all().item<bool>())
        throw NumericError("The weight " + name +
                           " holds a value that is not finite, so it has no singular value decomposition.");
    const auto [left, values, right] = at::linalg_svd(wide, false);
    LowRank result{matrix, model::toHost(values)};
    if (rank >= values.size(0))
        return result;
    const at::Tensor product =
        at::matmul(at::mul(left.narrow(1, 0, rank), values.narrow(0, 0, rank)), right.narrow(0, 0, rank));
    const HostTensor exact = model::toHost(product);
    result.matrix.dtype = matrix.dtype == DType::F64 ? DType::F64 : DType::F32;
    const std::int64_t count = matrix.elementCount();
    result.matrix.bytes.resize(static_cast<std::size_t>(count * storageBlock(result.matrix.dtype).bytes));
    artifact::convertElements(DType::F64, exact.bytes.data(), result.matrix.dtype, result.matrix.bytes.data(), count);
    return result;
}

}
