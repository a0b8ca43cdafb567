// The wall between host tensors and LibTorch's: dtypes and bytes in both directions.
#pragma once

#include "engine/values/dtype.h"
#include "engine/values/host_tensor.h"

#include <cstdint>
#include <vector>

namespace at {
class Tensor;
}

namespace c10 {
struct Device;
enum class ScalarType : std::int8_t;
}

namespace blockcert {
class RunContext;
}

namespace blockcert::model {

// Throws UnsupportedError for types that no tensor of this project computes with.
[[nodiscard]] c10::ScalarType scalarTypeOf(DType dtype);
[[nodiscard]] DType dtypeOf(c10::ScalarType type);

// A copy in LibTorch's own, 64-byte aligned memory on `device`.
[[nodiscard]] at::Tensor toTensor(const HostTensor& source, const c10::Device& device);
// Writes the elements of `source` over `target`, which has the same dtype and element count.
void copyInto(const HostTensor& source, at::Tensor& target);

// The same in another floating type, converted in slabs that share out among the threads.
[[nodiscard]] at::Tensor toTensorAs(c10::ScalarType type, const HostTensor& source, const c10::Device& device,
                                    const RunContext& context);

// A row-major copy in ordinary memory.
[[nodiscard]] HostTensor toHost(const at::Tensor& source);
// The same as doubles; every floating type widens exactly.
[[nodiscard]] std::vector<double> toDoubles(const at::Tensor& source);

}
