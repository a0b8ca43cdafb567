// Whether a saved wave may be gone on with, and which of its models a run still needs.
#pragma once

#include "engine/pipeline/baseline_pass.h"
#include "engine/pipeline/missing_work.h"
#include "engine/pipeline/variants.h"
#include "engine/pipeline/wave_file.h"
#include "engine/values/run_manifest.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace blockcert::pipeline {

// The state was made by this program for these prompts of the run, and is about all that are `needed` (ascending).
[[nodiscard]] bool isOfThisRun(const WaveState& saved, const std::string& origin, const PromptSet& prompts,
                               const std::vector<std::int64_t>& needed);

// The models with a block replaced that the blocks in `wanted` still need of it, taken out of `saved`. Nothing if the
// state lacks something: the wave then begins anew, and finished cells are kept all the same. `baseline` is a pass over
// the state's prompts; `layers` is the model's number of blocks.
[[nodiscard]] std::optional<std::vector<Variant>> takeVariants(WaveState& saved, const std::vector<Wanted>& wanted,
                                                               const BaselinePass& baseline, std::int32_t layers);

}
