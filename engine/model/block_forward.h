// One residual block of the baseline on the rows of a batch.
#pragma once

#include "engine/model/batch.h"
#include "engine/model/past.h"
#include "engine/model/tiled_linear.h"
#include "engine/model/weights.h"
#include "engine/model/workspace.h"
#include "engine/values/transformer_config.h"

#include <ATen/core/Tensor.h>

namespace blockcert::model {

class KvCache;
class Taps;

// What stays the same for all blocks of one pass.
struct Pass {
    const TransformerConfig& config;
    const Batch& batch;
    const Tiling& tiling;
    Workspace& workspace;
    at::Tensor cosine; // [rows, headDim / 2]; undefined without RoPE
    at::Tensor sine;
    at::Tensor future; // bool [positions, positions]
    KvCache* cache = nullptr;
    Taps* taps = nullptr;
    const Past* past = nullptr;
    KeyValues* kept = nullptr; // receives the block's keys and values of all rows
    bool decoding = false;     // few rows: skinnyLinear instead of tiledLinear
};

// `state` [rows, d] holds the block's input and afterwards its output. Wide intermediate results exist for a group of
// prompts at a time.
void forwardBlock(const Pass& pass, const BlockWeights& weights, LayerIndex layer, at::Tensor& state,
                  const RunContext& context);

// Rows whose wide intermediate results are in memory together, unless one prompt alone has more: enough for the matrix
// products and for all threads.
[[nodiscard]] std::int64_t groupRowsOf(const TransformerConfig& config);

// y = layer(x) by the kernel the pass asks for.
void applyLinear(const Pass& pass, const at::Tensor& x, const Linear& layer, at::Tensor& y, const RunContext& context);

}
