// What a patch may ask of a model: everything that can be refused before a weight is read.
#pragma once

#include "engine/values/patch.h"
#include "engine/values/transformer_config.h"

#include <string>
#include <string_view>
#include <vector>

namespace blockcert::edit {

[[nodiscard]] std::string_view nameOf(PatchTarget target);       // "mlp", "attention", "head", "residual"
[[nodiscard]] std::string_view nameOf(PatchOperation operation); // "scale", "zero", "add-direction", …

// "block 15: MLP output scaled by 0.33"
[[nodiscard]] std::string textOf(const PatchStep& step);

// Throws UsageError naming the step: a block, head or matrix the model does not have, an operation its target cannot
// take, a strength that is not finite, a rank-k step behind the steps that scale its own product.
void requireSense(const Patch& patch, const TransformerConfig& config);

// Throws FormatError unless the patch names exactly the digests of these files.
void requireModel(const Patch& patch, std::vector<std::string> modelSha256, std::string_view modelName);

// The edited blocks, ascending, each once.
[[nodiscard]] std::vector<LayerIndex> editedBlocks(const Patch& patch);

}
