// The edited blocks of a finished run: programs, recorded inputs, and ε_edit by replay of edited against unedited.
#pragma once

#include "engine/edit/patch_tensors.h"
#include "engine/ir/block_ir.h"
#include "engine/model/tiled_linear.h"
#include "engine/pipeline/stitch_source.h"
#include "engine/values/edit_certificate.h"
#include "engine/values/patch.h"

#include <map>
#include <string>
#include <vector>

namespace blockcert::model {
class Transformer;
}

namespace blockcert::pipeline {

// Throws UsageError unless the run's surrogates are exact copies of a native baseline's blocks.
void requireExact(const RunManifest& manifest);

// The unedited programs with all weights, digests checked. Throws UsageError naming a block that the run has not.
[[nodiscard]] std::map<LayerIndex, ir::BlockIr> uneditedBlocks(const StitchSource& source, const Patch& patch,
                                                               const artifact::Checkpoint& model,
                                                               const RunContext& context);

// The blocks that a patch edits, as the model's files have them: exact programs with all weights.
[[nodiscard]] std::map<LayerIndex, ir::BlockIr> modelBlocks(const artifact::Checkpoint& model,
                                                            const std::vector<LayerIndex>& blocks, DType baseline,
                                                            const RunContext& context);

// Why there is no certificate for a patch whose receipt is empty.
[[nodiscard]] std::string noOpReason(const Patch& patch);
// The same for one that touches tensors, and still nothing that was measured of the native model differs.
[[nodiscard]] std::string noEffectReason(const Patch& patch, std::size_t touched, DType dtype);

// The receipt over all edited blocks, which `blocks` holds; empty if the edit changes nothing.
[[nodiscard]] std::vector<TouchedTensor> receiptOf(const std::map<LayerIndex, ir::BlockIr>& blocks, const Patch& patch,
                                                   const edit::PatchTensors& tensors, const TransformerConfig& config,
                                                   DType baseline);

// [B, N] ‖edited − unedited‖₂ of every recorded token. Stage "replay edit" (prompts).
[[nodiscard]] std::vector<double> editErrors(const StitchSource& source,
                                             const std::map<LayerIndex, ir::BlockIr>& blocks, const Patch& patch,
                                             const edit::PatchTensors& tensors, const model::Transformer& transformer,
                                             const model::Tiling& tiling, DType replayDtype, const RunContext& context);

}
