// Ablations of a block: RoPE dropped, the mask inverted, W_V emptied, W_Q made noisy (paper, Table 3).
#pragma once

#include "engine/ir/block_ir.h"
#include "engine/values/host_tensor.h"
#include "engine/values/ids.h"
#include "engine/values/surrogate.h"

#include <cstdint>
#include <string_view>

namespace blockcert::surrogate {

// True for the one weight that the ablation changes.
[[nodiscard]] bool ablatesWeight(const Ablation& ablation, std::string_view name);

// Changes that weight. Noise is drawn in C order from the seed's stream of this block, has the standard deviation
// `scale` times that of the matrix's own elements, and leaves F32 (F64 stays F64); zeros keep their type.
void ablateWeight(const Ablation& ablation, std::uint64_t seed, LayerIndex layer, HostTensor& weight);

// Changes the mask or the positional tables, if the ablation does.
void ablateTables(const Ablation& ablation, ir::BlockIr& block);

}
