// Blocks of a run as .npz files with the paper's names: `blockcert export npz` (docs/npz.md).
#pragma once

#include "engine/artifact/checkpoint.h"
#include "engine/base/strict_json.h"

#include <filesystem>

namespace blockcert {
class RunContext;
}

namespace blockcert::exchange {

struct ExportNpzOptions {
    std::filesystem::path model;        // for weights by reference; empty: run.json's hint
    artifact::ModelLocations locations; // where such a hint may lead
    std::filesystem::path childProgram; // the blockcert executable, for the archive reader child
    std::filesystem::path out;          // a folder, made if need be
};

// Writes block_BB.npz for every finished block, each whole or not at all. The result: {"run", "files": [{"block",
// "path", "arrays"}]}. Throws UsageError where the weights are not found, FormatError for a damaged run, OutputError.
[[nodiscard]] Json exportNpz(const std::filesystem::path& run, const ExportNpzOptions& options,
                             const RunContext& context);

}
