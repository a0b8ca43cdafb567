// What a family of surrogates does to which weight, and which models it makes sense for.
#pragma once

#include "engine/ir/block_ir.h"
#include "engine/values/surrogate.h"
#include "engine/values/transformer_config.h"
#include "engine/values/weight_reference.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace blockcert::surrogate {

// The weights of a truncated decomposition, or of a quantisation, that a block of this program has: matrices alone.
[[nodiscard]] std::vector<std::string> reducedMatrices(const ir::BlockProgram& program, const SurrogateChoice& choice);

// min(asked for, rows, columns) for a matrix that the family is asked to decompose; nothing for any other weight.
[[nodiscard]] std::optional<std::int64_t> rankOf(const ir::BlockProgram& program, const SurrogateChoice& choice,
                                                 std::string_view name);

// True if the rank is below what the matrix has: only then is there anything to fit.
[[nodiscard]] bool isFitted(const ir::BlockProgram& program, const SurrogateChoice& choice, std::string_view name);

// The reference that leads to the family's weight: that of the baseline, with a round trip for a quantised matrix.
[[nodiscard]] WeightReference familyReference(const SurrogateChoice& choice, std::string_view name,
                                              WeightReference baseline);

// Throws UsageError with one sentence if the family or the ablation makes no sense for this model: no matrix is
// reduced, rows that are no whole storage blocks, no RoPE to drop.
void requireSense(const SurrogateChoice& choice, const Ablation& ablation, const TransformerConfig& config);

// Throws UsageError with one sentence if blocks of `other` cannot stand in for those of `model`.
void requireSameShape(const std::string& model, const TransformerConfig& config, const std::string& other,
                      const TransformerConfig& otherConfig);

}
