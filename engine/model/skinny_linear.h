// Matrix products with few rows, for decoding: every weight is read once, in its stored type.
#pragma once

#include <cstdint>

namespace at {
class Tensor;
}

namespace blockcert {
class RunContext;
}

namespace blockcert::model {

class Linear;

// y = x · weightᵀ + bias for x [rows, in], y [rows, out], row-major, on the CPU in fp32, bf16 or fp16. Sums run in
// fp32 in an order that depends on `in` alone: a row's bits depend neither on the other rows nor on the threads.
// They differ from tiledLinear's in the last digits.
void skinnyLinear(const at::Tensor& x, const Linear& layer, at::Tensor& y, const RunContext& context);

// The same from fp32 values to fp32 sums that are not rounded yet: x [rows, layer.weight().size(1)], zero where that is
// more than layer.inputs(); y [rows, layer.outputs()]; both dense.
void skinnyLinear(const float* x, std::int64_t rows, const Linear& layer, float* y, const RunContext& context);

}
