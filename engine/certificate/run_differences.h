// Decides whether a run may be continued with a new request, and says what stands in the way.
#pragma once

#include "engine/certificate/run_codec.h"

#include <filesystem>
#include <string>
#include <vector>

namespace blockcert::certificate {

// One sentence part per difference, such as "loss is exact here and none in the run". Empty if the new manifest
// asks for the same, for more blocks, or for more prompts at the end.
[[nodiscard]] std::vector<std::string> differences(const RunManifest& run, const RunManifest& asked);

// run.json of a run that is to be continued.
[[nodiscard]] RunDocument readRunDocument(const std::filesystem::path& run);

// Throws UsageError with every difference if the run may not be continued with what is asked.
void requireSameRequest(const std::filesystem::path& run, const RunManifest& manifest, const RunManifest& asked);

// True if prompts were added.
[[nodiscard]] bool addsPrompts(const RunManifest& run, const RunManifest& asked);

// The same prompt for every purpose but display.
[[nodiscard]] bool samePrompt(const EncodedPrompt& a, const EncodedPrompt& b);

}
