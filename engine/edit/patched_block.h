// A patch worked into a block's explicit program: the edited surrogate, and the receipt of what that changed.
#pragma once

#include "engine/edit/patch_tensors.h"
#include "engine/ir/block_ir.h"
#include "engine/values/edit_certificate.h"
#include "engine/values/patch.h"
#include "engine/values/transformer_config.h"

#include <optional>
#include <string>
#include <vector>

namespace blockcert::edit {

// The block with the patch's steps for it: touched weights become F64 (computed in double and not rounded), and a
// residual direction becomes operations behind the block's output. A block without steps comes back as it is, so that
// an edit of strength one differs in no bit. `block` is an exact surrogate with all weights.
[[nodiscard]] ir::BlockIr patchedBlock(const ir::BlockIr& block, const Patch& patch, const PatchTensors& tensors,
                                       const TransformerConfig& config);

// The shapes of a model of so many blocks like this one: what the checks of a patch need, without the model.
[[nodiscard]] TransformerConfig shapesOf(const ir::BlockProgram& program, std::int32_t layers);

// What the edit changes once it is rounded to the type that the model has it in, in order of role. Empty: the edit
// changes nothing in this block.
[[nodiscard]] std::vector<TouchedTensor> touchedTensors(const ir::BlockIr& before, const ir::BlockIr& after,
                                                        DType baseline);

// A weight of the edited block rounded once to the type of the model's own.
[[nodiscard]] HostTensor roundedWeight(const HostTensor& edited, DType dtype);

// Why a checkpoint of this architecture cannot hold the edited block; nothing if it can.
[[nodiscard]] std::optional<std::string> inexpressible(const std::vector<TouchedTensor>& touched);

}
