// The answer to `show` of an experiment's folder: what was asked for, what came of it, and its figures
// (docs/protocol.md).
#pragma once

#include "engine/base/strict_json.h"

#include <filesystem>

namespace blockcert::protocol {

// An experiment's folder has request.json, which a run never has.
[[nodiscard]] bool isExperiment(const std::filesystem::path& folder);

// Read as somebody else's and not recomputed. Throws FileError if it is no experiment, FormatError if request.json
// cannot be read; what else is wrong becomes a problem.
[[nodiscard]] Json showExperiment(const std::filesystem::path& folder);

}
