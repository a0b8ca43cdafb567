// Operations that work on each row by itself, with the rounding order of the released models' own code.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>

namespace blockcert {
class RunContext;
}

namespace blockcert::model {

struct Norm {
    at::Tensor weight; // [d]
    at::Tensor bias;   // [d]; undefined for RMSNorm
    double epsilon = 0;
};

// Calls work(begin, count) over all rows, in parallel, in chunks of a few rows.
void forRowGroups(std::int64_t rows, const RunContext& context,
                  const std::function<void(std::int64_t, std::int64_t)>& work);

// Whether LibTorch's element-wise kernels give a row of `width` elements the same bits in a chunk as alone: where it is
// no multiple of the widest vector, they treat a chunk's last elements differently from the others.
[[nodiscard]] bool isChunkable(std::int64_t width);

// The same in chunks that keep a row's bits independent of its neighbours: each row is a chunk of its own where `width`
// is not chunkable. On a GPU there is one chunk.
void forRowChunks(std::int64_t rows, std::int64_t width, bool onCpu, const RunContext& context,
                  const std::function<void(std::int64_t, std::int64_t)>& work);

// RMSNorm: x to fp32, · rsqrt(mean(x²) + ε), to the model's dtype, · weight. LayerNorm: LibTorch's own.
void normalise(const at::Tensor& x, const Norm& norm, at::Tensor out);

// Rotates pairs (i, i + headDim/2) of every head: x and out [rows, heads · headDim] (views with any row stride),
// cosine and sine [rows, headDim / 2] in x's dtype; products and sum are each rounded.
void rotate(const at::Tensor& x, const at::Tensor& cosine, const at::Tensor& sine, std::int64_t heads, at::Tensor out);

// out = silu(gate) · up, each rounded.
void swiglu(const at::Tensor& gate, const at::Tensor& up, at::Tensor out);

// out = 0.5·x·(1 + tanh(√(2/π)·(x + 0.044715·x³))), every step rounded.
void geluNew(const at::Tensor& x, at::Tensor out);

}
