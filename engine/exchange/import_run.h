// Certifies blocks against a baseline that another program ran and recorded: `blockcert import`.
#pragma once

#include "engine/artifact/checkpoint.h"
#include "engine/base/strict_json.h"
#include "engine/values/policy.h"
#include "engine/values/run_manifest.h"

#include <filesystem>
#include <functional>
#include <string>

namespace blockcert {
class RunContext;
}

namespace blockcert::exchange {

struct ImportOptions {
    std::filesystem::path file; // of npz also a folder
    std::string model;          // as `certify` takes it
    std::string blocks = "all"; // of the trace
    std::filesystem::path out;
    bool resume = false;
    bool embedWeights = false;
    // The policy asked for, given the defaults of the trace's dtype.
    std::function<Policy(const Policy&)> policy = [](const Policy& defaults) { return defaults; };
    int threads = 1;

    artifact::ModelLocations locations;
    std::filesystem::path childProgram; // the blockcert executable, for resuming
    std::string created;                // ISO 8601 UTC
    std::string commandLine;
    std::string toolVersion;
    std::string toolBuild;
    Environment environment; // of this machine
};

// Both replay every block in double with the reference interpreter and give the result of `certify` (docs/protocol.md)
// without `seconds`. They throw what TraceFile and NpzBlocks throw, UsageError where file and model do not belong
// together, and everything that RunWriter throws.

// The model's own blocks, their weights cast to the trace's dtype, against the trace (docs/trace.md).
[[nodiscard]] Json importTrace(const ImportOptions& options, const RunContext& context);
// The blocks that the .npz files hold, embedded, against the outputs beside them (docs/npz.md).
[[nodiscard]] Json importNpz(const ImportOptions& options, const RunContext& context);

}
