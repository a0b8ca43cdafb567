// The wave between two blocks as one self-checking file, so that a killed run goes on from there.
#pragma once

#include "engine/pipeline/variants.h"
#include "engine/values/run_manifest.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace blockcert {
class RunContext;
}

namespace blockcert::pipeline {

struct WaveState {
    std::string origin;                 // program and machine that computed it
    std::string tokenIdsSha256;         // of the pass's prompts
    std::vector<std::int64_t> prompts;  // of the run, in the order of the pass
    bool shared = false;                // rows are shared: BaselinePass::isShared()
    LayerIndex next;                    // the block that runs next
    at::Tensor baseline;                // its input, [rows, d]
    std::vector<Variant> variants;      // ascending
    std::vector<BlockFailure> failures; // blocks before `next` that have no variant because they failed
};

// Written under a temporary name, flushed and renamed. Polls the context every few megabytes; a stop leaves the old
// file.
void saveWave(const std::filesystem::path& path, const WaveState& state, const RunContext& context);

// Nothing if there is no file, or one that is damaged, not of this form or of another width or type.
[[nodiscard]] std::optional<WaveState> loadWave(const std::filesystem::path& path, std::int64_t width, DType dtype,
                                                const RunContext& context);

// True if the tree is one over prompts of these lengths, beside a pass of `baseRows` rows: what a file says is looked
// at before it is used.
[[nodiscard]] bool isSound(const model::RowTree& tree, const std::vector<std::int64_t>& lengths, std::int64_t baseRows);

}
