// Runs the baseline and the stitched model side by side, block by block, and keeps how far their streams are apart.
#pragma once

#include "engine/certificate/stitch_metrics.h"
#include "engine/model/batch.h"
#include "engine/model/tiled_linear.h"
#include "engine/values/ids.h"
#include "engine/values/stitch_certificate.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace blockcert {
class RunContext;
}

namespace blockcert::model {
class Transformer;
}

namespace blockcert::ir {
struct BlockIr;
}

namespace blockcert::pipeline {

// What stands in a block's place: its input [rows, d] -> its output, rounded once to the baseline's dtype.
using Replacement = std::function<at::Tensor(const at::Tensor& input, const model::Batch& batch)>;
// Makes the replacement of a block when its turn comes, so that one surrogate is in memory at a time.
using Replacements = std::function<Replacement(LayerIndex block)>;

// The block's program run by LibTorch in `dtype`, some prompts at a time.
[[nodiscard]] Replacement replayOf(ir::BlockIr block, DType dtype, const model::Transformer& transformer,
                                   const model::Tiling& tiling, const RunContext& context);

// Fills every column but labelId. `blocks` are ascending; with none of them the two streams are the same, bit for bit.
// Reports stages "stitch" (blocks) and "predict" (tokens). Throws NumericError for a value that is not finite.
[[nodiscard]] certificate::StitchColumns runStitched(model::Transformer& transformer,
                                                     std::span<const std::vector<TokenId>> prompts,
                                                     std::span<const LayerIndex> blocks,
                                                     const Replacements& replacements, const RunContext& context);

// Takes the two events of `columns` apart: the first token whose argmax differs, and the largest change of a loss.
// An event that did not happen has no entry. Stage "bisect" (blocks).
[[nodiscard]] std::vector<Bisection> bisect(model::Transformer& transformer,
                                            std::span<const std::vector<TokenId>> prompts,
                                            std::span<const LayerIndex> blocks, const Replacements& replacements,
                                            const certificate::StitchColumns& columns, const RunContext& context);

}
