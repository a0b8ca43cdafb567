// A surrogate for prompts that are longer than those it was recorded on: its mask and its RoPE tables as its family
// makes them.
#pragma once

#include "engine/ir/block_ir.h"
#include "engine/values/surrogate.h"
#include "engine/values/transformer_config.h"

#include <cstdint>

namespace blockcert::pipeline {

// Nothing is done if the block takes so many positions already. Throws UnsupportedError if its mask or its tables are
// not the beginning of what `ablation` makes of the model's: how they would go on, nobody has said.
[[nodiscard]] ir::BlockIr lengthened(ir::BlockIr block, std::int64_t positions, const TransformerConfig& config,
                                     DType baselineDtype, const Ablation& ablation);

}
