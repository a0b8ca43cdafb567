// A transformer's weights as LibTorch tensors in the baseline's dtype.
#pragma once

#include "engine/model/row_operations.h"
#include "engine/model/tiled_linear.h"
#include "engine/values/dtype.h"
#include "engine/values/ids.h"

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace blockcert {
struct TransformerConfig;
}

namespace blockcert::artifact {
class Checkpoint;
}

namespace blockcert::model {

struct BlockWeights {
    Norm attentionNorm;
    Linear queryKeyValue; // [q + 2·kv, d]: one product instead of three
    Linear output;        // [d, q]
    Norm mlpNorm;
    Linear up;   // GPT-2: [ff, d]; Llama: [2·ff, d], gate above up
    Linear down; // [d, ff]
};

struct ModelWeights {
    at::Tensor tokenEmbedding;    // [V, d]
    at::Tensor positionEmbedding; // [context, d]; undefined for Llama
    Norm finalNorm;
    Linear head; // [V, d]; shares the embedding's memory when tied
};

// Reads, dequantises, rounds to `dtype`. Throws ShapeError for a tensor that does not fit the configuration.
// May be called from several threads.
[[nodiscard]] BlockWeights loadBlock(const artifact::Checkpoint& checkpoint, LayerIndex layer, DType dtype,
                                     const at::Device& device);
[[nodiscard]] ModelWeights loadModelWeights(const artifact::Checkpoint& checkpoint, DType dtype,
                                            const at::Device& device);

// How many numbers the weights are: of one block, and of everything outside the blocks (tied ones once).
struct ParameterCount {
    std::int64_t block = 0;
    std::int64_t model = 0;
};

[[nodiscard]] ParameterCount countParameters(const TransformerConfig& config);

}
