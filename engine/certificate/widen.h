// Tensors from numbers and numbers from tensors.
#pragma once

#include "engine/ir/reference_ops.h"
#include "engine/values/host_tensor.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace blockcert::certificate {

using ir::widened; // floating-point elements as doubles, exactly

// The elements of an integer tensor; the caller has checked the dtype.
[[nodiscard]] std::vector<std::int64_t> int64Elements(const HostTensor& tensor); // I64
[[nodiscard]] std::vector<std::int32_t> int32Elements(const HostTensor& tensor); // I32

// Every value rounded once to `dtype`, as a surrogate's output is where it takes its block's place.
[[nodiscard]] std::vector<double> roundedTo(DType dtype, std::span<const double> values);

// And back into tensors.
[[nodiscard]] HostTensor tensorOf(std::span<const double> values, std::vector<std::int64_t> shape);
[[nodiscard]] HostTensor tensorOf(std::span<const std::int32_t> values, std::vector<std::int64_t> shape);
[[nodiscard]] HostTensor tensorOf(std::span<const std::int64_t> values, std::vector<std::int64_t> shape);

// Index of the first value that is NaN or infinite; values.size() if there is none.
[[nodiscard]] std::size_t firstNotFinite(std::span<const double> values);

// The same of a floating-point tensor (F64, F32, BF16 or F16), without widening it.
[[nodiscard]] std::size_t firstNotFinite(const HostTensor& tensor);

}
