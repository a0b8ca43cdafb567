// The answer to `diff`: two runs aligned by block and by prompt, and what the second claims less of (docs/protocol.md).
#pragma once

#include "engine/base/strict_json.h"

#include <filesystem>

namespace blockcert::protocol {

struct DiffOptions {
    double tolerance = 0; // numbers count as equal up to this part of the larger one
};

// From manifests and certificates alone: nothing is recomputed. Throws as readRun().
[[nodiscard]] Json diffRuns(const std::filesystem::path& a, const std::filesystem::path& b, const DiffOptions& options);

}
