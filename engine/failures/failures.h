// The anatomy of a run's failures: `blockcert failures` as a value and as files (docs/protocol.md, "failures").
#pragma once

#include "engine/artifact/checkpoint.h"
#include "engine/base/strict_json.h"

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace blockcert {
class RunContext;
}

namespace blockcert::failures {

struct FailuresOptions {
    std::filesystem::path model;        // for weights by reference; empty: run.json's hint
    artifact::ModelLocations locations; // where such a hint may lead
    std::filesystem::path childProgram; // the blockcert executable, for the archive reader child
    int threads = 1;
};

// Reads and replays every finished block; errors and norms of residuals are the recorded ones. Where run.json's hint
// leads to no model, key and value norms are null and `problems` says why. Throws FileError, FormatError, UsageError if
// no block is finished.
[[nodiscard]] Json findFailures(const std::filesystem::path& run, const FailuresOptions& options,
                                const RunContext& context);

// One row of failures.csv for each of failures[].
[[nodiscard]] std::string failuresToCsv(const Json& anatomy);

// run.blockcert -> run.failures, beside it.
[[nodiscard]] std::filesystem::path folderBeside(const std::filesystem::path& run, const std::string& extension);

// Throws UsageError if `out` is the run directory or lies in it: SHA256SUMS lists what a run holds, and nothing may be
// added to it.
void requireOutside(const std::filesystem::path& run, const std::filesystem::path& out);

// Writes failures.json and failures.csv into `folder` as writeTogether() does.
void writeFailures(const Json& anatomy, const std::filesystem::path& folder);

// Names and contents of files, into a folder that is made if need be: all of them, whole, or what lay there before. A
// folder that was made for them is gone again if they cannot be written. Throws OutputError.
void writeTogether(const std::filesystem::path& folder, const std::vector<std::pair<std::string, std::string>>& files);

}
