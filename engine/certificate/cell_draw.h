// Draws the cells of a spot replay with the verifier's own seed.
#pragma once

#include "engine/values/ids.h"

#include <cstdint>
#include <set>
#include <utility>
#include <vector>

namespace blockcert::certificate {

using CellIndex = std::pair<LayerIndex, PromptIndex>;

// `count` different cells of blocks × prompts, every subset equally likely; all of them if there are not more.
// std::mt19937_64 and rejection, so that a seed means the same everywhere.
[[nodiscard]] std::set<CellIndex> drawCells(const std::vector<LayerIndex>& blocks, std::int64_t prompts,
                                            std::int64_t count, std::uint64_t seed);

}
