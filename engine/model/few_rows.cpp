#include "engine/model/few_rows.h"

#include "engine/model/row_kernels.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/mean.h>

#include <cmath>
#include <cstddef>
#include <cstring>

// Compiled with -ffp-contract=off: the sum under the root is rounded before the root is taken.
namespace blockcert::model::few_rows {
namespace {

const std::byte* rowOf(const at::Tensor& x, std::int64_t row)
{
    return static_cast<const std::byte*>(x.const_data_ptr()) + row * x.stride(0) * x.element_size();
}

std::byte* rowToFill(const at::Tensor& x, std::int64_t row)
{
    return static_cast<std::byte*>(x.mutable_data_ptr()) + row * x.stride(0) * x.element_size();
}

}

bool handles(const at::Tensor& x)
{
    const at::ScalarType type = x.scalar_type();
    return x.is_cpu() && (type == at::kFloat || type == at::kHalf || type == at::kBFloat16);
}

bool fits(const at::Tensor& x, std::int64_t rows)
{
    return rows <= most && handles(x);
}

bool isBetter(const at::Tensor& x, std::int64_t width)
{
    return handles(x) && !isChunkable(width);
}

void copy(const at::Tensor& from, const at::Tensor& to)
{
    const auto bytes = static_cast<std::size_t>(from.size(1) * from.element_size());
    for (std::int64_t r = 0; r < from.size(0); ++r)
        std::memcpy(rowToFill(to, r), rowOf(from, r), bytes);
}

void add(const at::Tensor& rows, const at::Tensor& change)
{
    const RowKernels& kernels = rowKernels(rows.scalar_type());
    for (std::int64_t r = 0; r < rows.size(0); ++r)
        kernels.add(rowToFill(rows, r), rowOf(change, r), rows.size(1));
}

void multiply(const at::Tensor& rows, const at::Tensor& factor)
{
    const RowKernels& kernels = rowKernels(rows.scalar_type());
    for (std::int64_t r = 0; r < rows.size(0); ++r)
        kernels.multiply(rowToFill(rows, r), rowOf(factor, r), rows.size(1));
}

void normalise(const at::Tensor& x, const Norm& norm, const at::Tensor& out)
{
    const RowKernels& kernels = rowKernels(x.scalar_type());
    const std::int64_t rows = x.size(0);
    const std::int64_t width = x.size(1);
    const at::Tensor squares = at::empty({rows, width}, x.options().dtype(at::kFloat));
    auto* const square = squares.mutable_data_ptr<float>();
    for (std::int64_t r = 0; r < rows; ++r)
        kernels.squares(rowOf(x, r), square + r * width, width);
    // The one sum whose order is LibTorch's own.
    const at::Tensor means = squares.mean(at::IntArrayRef{-1}, true);
    const auto* const mean = means.const_data_ptr<float>();
    for (std::int64_t r = 0; r < rows; ++r)
        kernels.scale(rowOf(x, r), 1.0F / std::sqrt(mean[r] + static_cast<float>(norm.epsilon)),
                      norm.weight.const_data_ptr(), rowToFill(out, r), width);
}

void normaliseRows(const at::Tensor& x, const Norm& norm, const at::Tensor& out, const RunContext& context)
{
    const std::int64_t rows = x.size(0);
    const auto part = [](const at::Tensor& all, std::int64_t begin, std::int64_t count) {
        return all.narrow(0, begin, count);
    };
    if (!norm.bias.defined() && isBetter(x, x.size(1)))
        forRowGroups(rows, context, [&](std::int64_t begin, std::int64_t count) {
            few_rows::normalise(part(x, begin, count), norm, part(out, begin, count));
        });
    else
        forRowChunks(rows, x.size(1), x.is_cpu(), context, [&](std::int64_t begin, std::int64_t count) {
            model::normalise(part(x, begin, count), norm, part(out, begin, count));
        });
}

void rotate(const at::Tensor& x, const at::Tensor& cosine, const at::Tensor& sine, std::int64_t heads,
            const at::Tensor& out)
{
    const RowKernels& kernels = rowKernels(x.scalar_type());
    for (std::int64_t r = 0; r < x.size(0); ++r)
        kernels.rotate(rowOf(x, r), rowOf(cosine, r), rowOf(sine, r), cosine.size(1), heads, rowToFill(out, r));
}

}
