// The operations of row_operations.h on the CPU as plain loops: for one row LibTorch's calls cost more than what they
// do. Every rounding is the same, so the bits are, too.
#pragma once

#include "engine/model/row_operations.h"

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace blockcert::model::few_rows {

// Where the loops are possible: the tensors of one call have the type of x, and their last dimension is dense.
[[nodiscard]] bool handles(const at::Tensor& x);

// Where they are not worth a second thread either.
constexpr std::int64_t most = 4;
[[nodiscard]] bool fits(const at::Tensor& x, std::int64_t rows);

// Where the calls would have to be made row by row.
[[nodiscard]] bool isBetter(const at::Tensor& x, std::int64_t width);

void copy(const at::Tensor& from, const at::Tensor& to);
void add(const at::Tensor& rows, const at::Tensor& change);                   // rows += change
void multiply(const at::Tensor& rows, const at::Tensor& factor);              // rows *= factor
void normalise(const at::Tensor& x, const Norm& norm, const at::Tensor& out); // RMSNorm alone
// norm(x) row by row in parallel, by whichever way is the faster one.
void normaliseRows(const at::Tensor& x, const Norm& norm, const at::Tensor& out, const RunContext& context);
void rotate(const at::Tensor& x, const at::Tensor& cosine, const at::Tensor& sine, std::int64_t heads,
            const at::Tensor& out);

}
