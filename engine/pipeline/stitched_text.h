// Greedy decoding of a stitched model: every new token is a pass of the whole prompt, for surrogates keep no cache.
#pragma once

#include "engine/generate/greedy.h"
#include "engine/pipeline/stitched_streams.h"
#include "engine/values/ids.h"

#include <span>
#include <vector>

namespace blockcert::pipeline {

// As generate::generateGreedy, with `blocks` (ascending) replaced. All surrogates are in memory at once. Stage
// "stitched" (tokens).
[[nodiscard]] std::vector<generate::Completion>
generateStitched(model::Transformer& transformer, std::span<const std::vector<TokenId>> prompts,
                 std::span<const LayerIndex> blocks, const Replacements& replacements,
                 const generate::GreedyOptions& options, const RunContext& context);

}
