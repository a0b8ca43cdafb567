// Certifies this program's surrogates against a baseline that another runtime ran: `blockcert import trace`.
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

struct ImportTraceOptions {
    std::filesystem::path file;
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

// Every block is replayed in double by the reference interpreter, from weights cast to the trace's dtype. Throws what
// TraceFile throws, UsageError where trace and model do not belong together, and everything that RunWriter throws.
// The result is that of `certify` (docs/protocol.md), without `seconds`.
[[nodiscard]] Json importTrace(const ImportTraceOptions& options, const RunContext& context);

}
