// What a run still lacks, block by block, when its work begins or is resumed.
#pragma once

#include "engine/certificate/run_writer.h"
#include "engine/values/ids.h"
#include "engine/values/run_manifest.h"

#include <cstdint>
#include <string>
#include <vector>

namespace blockcert::pipeline {

// What a block without certificate still needs. Prompts are those of the run, ascending.
struct Wanted {
    LayerIndex block;
    std::vector<std::int64_t> cells;  // prompts without a cell
    std::vector<std::int64_t> losses; // prompts whose cell has no losses yet, those without a cell included
};

struct MissingWork {
    std::vector<Wanted> blocks;  // ascending
    std::int64_t blocksDone = 0; // have their certificates
    std::int64_t cellsDone = 0;  // are there, those of finished blocks included
};

[[nodiscard]] MissingWork missingWork(const RunManifest& manifest, const certificate::RunWriter& writer);

// Token ids of some of the run's prompts, and the digest of such a list.
[[nodiscard]] std::vector<std::vector<TokenId>> idsOf(const PromptSet& set, const std::vector<std::int64_t>& prompts);
[[nodiscard]] std::string digestOf(const std::vector<std::vector<TokenId>>& prompts);

}
