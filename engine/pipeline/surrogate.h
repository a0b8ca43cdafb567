// The surrogate of a block: an exact copy of its weights as an explicit program.
#pragma once

#include "engine/artifact/checkpoint.h"
#include "engine/ir/block_ir.h"
#include "engine/values/ids.h"
#include "engine/values/run_manifest.h"

#include <cstdint>

namespace blockcert {
class RunContext;
}

namespace blockcert::pipeline {

// Program, weights with their digests and references (or embedded), causal mask [positions, positions] and the RoPE
// tables of the baseline's dtype. The checkpoint's files must have been hashed. `request` says dtype, origin of the
// weights and whether they are embedded.
[[nodiscard]] ir::BlockIr exactSurrogate(const artifact::Checkpoint& checkpoint, LayerIndex layer,
                                         const RunRequest& request, std::int64_t positions, const RunContext& context);

// U8 [tokens, tokens], 1 on and below the diagonal.
[[nodiscard]] HostTensor causalMask(std::int64_t tokens);

}
