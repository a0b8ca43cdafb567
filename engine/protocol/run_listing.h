// The answer to `show`: what a run says about itself, read but not recomputed (docs/protocol.md).
#pragma once

#include "engine/artifact/checkpoint.h"
#include "engine/base/strict_json.h"

#include <filesystem>

namespace blockcert {
class RunContext;
}

namespace blockcert::protocol {

struct ShowOptions {
    bool tokens = false;
    bool weights = false;               // also the spectra of matrices that were cut to a rank
    std::filesystem::path childProgram; // the blockcert executable, for the archive reader child
    artifact::ModelLocations locations; // to name the tokens of the top five, where the model is still there
};

// A run that is damaged in part is shown as far as it goes, with `damaged` and the rest in `problems`: tensors and
// documents are compared with the digests that certificates and SHA256SUMS name. Throws FileError if the
// folder is no run, FormatError or UnsupportedError if run.json cannot be read.
[[nodiscard]] Json showRun(const std::filesystem::path& run, const ShowOptions& options, const RunContext& context);

}
