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

}
