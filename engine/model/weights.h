// A transformer's weights as LibTorch tensors in the baseline's dtype.
#pragma once

#include "engine/model/row_operations.h"
#include "engine/model/tiled_linear.h"
#include "engine/values/dtype.h"
#include "engine/values/host_tensor.h"
#include "engine/values/ids.h"
#include "engine/values/weight_reference.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <span>

namespace blockcert {
class RunContext;
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
    at::Tensor tokenEmbedding;    // [V, d]; undefined if only rows of it are read when they are needed
    at::Tensor positionEmbedding; // [context, d]; undefined for Llama
    Norm finalNorm;
    std::optional<Linear> head; // [V, d]; shares the embedding's memory when tied; absent with the embedding
};

// Which of the model's two large matrices are kept.
enum class Matrices : bool { None, Both };

// Where a block's weights lie: weights that stay are read again and again, best from large pages; for a block that is
// streamed the usual memory comes and goes by tensor, which takes less of it.
enum class Pages : bool { Usual, Large };

// Told how many bytes have been added to the weights in memory; from any thread.
using LoadProgress = std::function<void(std::int64_t)>;

// Reads, dequantises, rounds to `dtype`, in slabs that share out among the threads. Throws ShapeError for a tensor
// that does not fit the configuration. Polls the context at every slab.
[[nodiscard]] BlockWeights loadBlock(const artifact::Checkpoint& checkpoint, LayerIndex layer, DType dtype,
                                     const at::Device& device, Pages pages, const LoadProgress& progress,
                                     const RunContext& context);
[[nodiscard]] ModelWeights loadModelWeights(const artifact::Checkpoint& checkpoint, DType dtype,
                                            const at::Device& device, Matrices matrices, const LoadProgress& progress,
                                            const RunContext& context);
// The two large matrices apart: the head or `count` of its rows from `begin` on, and rows of the embedding [ids, d].
[[nodiscard]] Linear loadHead(const artifact::Checkpoint& checkpoint, DType dtype, const at::Device& device,
                              const LoadProgress& progress, const RunContext& context);
[[nodiscard]] Linear loadHeadRows(const artifact::Checkpoint& checkpoint, std::int64_t begin, std::int64_t count,
                                  DType dtype, const at::Device& device, const LoadProgress& progress,
                                  const RunContext& context);
[[nodiscard]] at::Tensor loadEmbeddingRows(const artifact::Checkpoint& checkpoint, std::span<const std::int64_t> ids,
                                           DType dtype, const at::Device& device);

// The same for one weight in ordinary memory, in the type its reference ends with.
[[nodiscard]] HostTensor loadWeight(const artifact::Checkpoint& checkpoint, const WeightReference& reference,
                                    const RunContext& context);

// How many numbers the weights are: of one block, and of everything outside the blocks (tied ones once).
struct ParameterCount {
    std::int64_t block = 0;
    std::int64_t model = 0;
};

[[nodiscard]] ParameterCount countParameters(const TransformerConfig& config);

}
