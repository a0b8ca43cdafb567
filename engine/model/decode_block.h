// One block for a few rows while decoding on the CPU, without LibTorch's calls between the matrix products: for one row
// they cost more than what they do. The bits are those of forwardBlock()'s other ways.
#pragma once

#include "engine/values/ids.h"

namespace at {
class Tensor;
}

namespace blockcert {
class RunContext;
}

namespace blockcert::model {

struct BlockWeights;
struct Pass;

// Whether this pass is one for decodeBlock(): few rows from a cache, a Llama model in fp32, bf16 or fp16, and nobody
// who wants to see what is inside the block.
[[nodiscard]] bool canDecodeBlock(const Pass& pass, const BlockWeights& weights, const at::Tensor& state);

// `state` [rows, d] holds the block's input and afterwards its output; the pass's cache receives keys and values.
void decodeBlock(const Pass& pass, const BlockWeights& weights, LayerIndex layer, at::Tensor& state,
                 const RunContext& context);

}
