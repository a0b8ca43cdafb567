#include "engine/model/row_operations.h"

#include "engine/model/parallel_tasks.h"

#include <ATen/ops/add.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/native_layer_norm.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/rsqrt.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/sub.h>
#include <ATen/ops/tanh.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace blockcert::model {
namespace {

constexpr std::int64_t chunkRows = 16;
constexpr std::int64_t widestLoop = 128; // elements: four vectors of 64 bytes, unrolled, in a 16-bit type

}

void forRowGroups(std::int64_t rows, const RunContext& context,
                  const std::function<void(std::int64_t, std::int64_t)>& work)
{
    runTasks((rows + chunkRows - 1) / chunkRows, context, [&](std::int64_t task) {
        const std::int64_t begin = task * chunkRows;
        work(begin, std::min(chunkRows, rows - begin));
    });
}

bool isChunkable(std::int64_t width)
{
    return width % widestLoop == 0;
}

void forRowChunks(std::int64_t rows, std::int64_t width, bool onCpu, const RunContext& context,
                  const std::function<void(std::int64_t, std::int64_t)>& work)
{
    if (!onCpu) {
        if (rows > 0)
            work(0, rows);
        return;
    }
    if (isChunkable(width))
        return forRowGroups(rows, context, work);
    forRowGroups(rows, context, [&](std::int64_t begin, std::int64_t count) {
        for (std::int64_t row = begin; row < begin + count; ++row)
            work(row, 1);
    });
}

void normalise(const at::Tensor& x, const Norm& norm, at::Tensor out)
{
    if (norm.bias.defined()) {
        out.copy_(std::get<0>(at::native_layer_norm(x, {x.size(1)}, norm.weight, norm.bias, norm.epsilon)));
        return;
    }
    const at::ScalarType wideType = x.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
    const at::Tensor wide = x.to(wideType);
    at::Tensor scale = at::pow(wide, 2).mean(at::IntArrayRef{-1}, true);
    scale.add_(norm.epsilon).rsqrt_();
    at::mul_out(out, norm.weight, at::mul(wide, scale).to(x.scalar_type()));
}

void rotate(const at::Tensor& x, const at::Tensor& cosine, const at::Tensor& sine, std::int64_t heads, at::Tensor out)
{
    const std::int64_t rows = x.size(0);
    const std::int64_t half = cosine.size(1);
    const at::Tensor in = x.view({rows, heads, 2, half});
    at::Tensor target = out.view({rows, heads, 2, half});
    const at::Tensor a = in.select(2, 0);
    const at::Tensor b = in.select(2, 1);
    const at::Tensor cos = cosine.unsqueeze(1);
    const at::Tensor sin = sine.unsqueeze(1);
    at::Tensor first = target.select(2, 0);
    at::Tensor second = target.select(2, 1);
    at::sub_out(first, at::mul(a, cos), at::mul(b, sin));
    at::add_out(second, at::mul(b, cos), at::mul(a, sin));
}

void swiglu(const at::Tensor& gate, const at::Tensor& up, at::Tensor out)
{
    at::silu_out(out, gate);
    out.mul_(up);
}

void geluNew(const at::Tensor& x, at::Tensor out)
{
    const double scale = std::sqrt(2.0 * std::numbers::inv_pi);
    at::Tensor inner = at::pow(x, 3.0).mul_(0.044715);
    inner.add_(x).mul_(scale).tanh_().add_(1.0);
    at::mul_out(out, at::mul(x, 0.5), inner);
}

}
