// Reverse mode by explicit formulas: how the loss depends on the states between the blocks, one prompt at a time.
#pragma once

#include "engine/model/weights.h"
#include "engine/values/ids.h"
#include "engine/values/transformer_config.h"

#include <ATen/core/Tensor.h>

#include <span>

namespace blockcert {
class RunContext;
}

namespace blockcert::model {

// All of this is computed in fp32, whatever the dtype of state and weights, and every product has a shape that depends
// on the prompt alone: no bit depends on other prompts or on the number of threads. A prompt begins at position 0.

// What a block needs besides its weights, for a prompt of S tokens.
struct PullBackSetting {
    const TransformerConfig& config;
    LayerIndex layer;
    at::Tensor cosine; // [S, headDim / 2]; undefined without RoPE
    at::Tensor sine;
    at::Tensor future; // bool [≥ S, ≥ S], true above the diagonal
};

// The gradient at the block's input, [S, d] fp32, from `gradient` at its output; `input` [S, d] is what the block was
// given. The block runs once more, up to its last product.
[[nodiscard]] at::Tensor pullBackBlock(const PullBackSetting& setting, const BlockWeights& weights,
                                       const at::Tensor& input, const at::Tensor& gradient, const RunContext& context);

// The gradient of the summed NLL of tokens 1 … S − 1 at the state [S, d] after the last block: [S, d] fp32, in nats.
// Logits exist for a chunk of rows at a time.
[[nodiscard]] at::Tensor pullBackHead(const Norm& finalNorm, const Linear& head, const at::Tensor& state,
                                      std::span<const TokenId> ids, const RunContext& context);

}
