// The paper's experiments as plain functions: certified runs in, a table, figures and the commands to repeat it out.
#pragma once

#include "engine/base/strict_json.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace blockcert {
class RunContext;
}

namespace blockcert::pipeline {

class ModelCache;

// What an experiment does, it does through the verbs: parameters in the protocol's form in, the documented value
// out. So every run that stands behind a number is one that a command repeats.
struct ExperimentVerbs {
    using Work = std::function<Json(const Json& parameters, const RunContext& context)>;

    Work certify;
    Work estimate;
    Work stitch;
    // The blockcert command that does the same.
    std::function<std::string(const std::string& verb, const Json& parameters)> command;
    std::function<double()> seconds; // of a steady clock
};

// The names of `experiment`, in the order of the paper.
[[nodiscard]] const std::vector<std::string>& experimentKinds();

struct ExperimentOptions {
    std::string kind;
    // Options shared by all sub-runs, as parameters of `certify`: model, dtype, replay_dtype, device, threads,
    // prompts or content + format + name, max_tokens, loss, policy, seed, …; without blocks and out.
    Json shared;
    std::string blocks;                         // "all", "0,5,10-12", or empty: the experiment's own choice
    std::vector<std::int64_t> ranks = {};       // low-rank; empty: 64, 128, 256
    std::string noise = "0.01";                 // ablations: share of W_Q's standard deviation
    std::string shiftedPrompts = "stress";      // prompt-shift: a bundled set or a path
    std::int64_t repeats = 3;                   // timing
    std::vector<std::string> besideDtypes = {}; // thresholds, prompt-size; empty: fp32, bf16, fp16
    std::filesystem::path out;
    bool resume = false;
    std::string created; // ISO 8601 UTC
    std::string commandLine;
    std::string repeatLine = {}; // the same experiment into `repeatedFolder`, for commands.txt
    bool plainFigures = false;   // SVGs without title, scope and caption: a paper has its own
};

// The same parameters for a command that is typed in the experiment's folder: models and prompt files by absolute
// paths, and prompts that were typed by the file that the folder keeps of them.
[[nodiscard]] Json repeatable(Json parameters);

// Writes the folder that docs/run-directory.md, "Experiments", describes, and returns the content of its result.json
// with the key `out`. Finished sub-runs are reused with `resume`. Throws UsageError for a folder that is not empty,
// for an experiment that a folder to be resumed does not hold, and for options that the experiment does not take.
[[nodiscard]] Json experiment(const ExperimentOptions& options, const ExperimentVerbs& verbs, ModelCache& cache,
                              const RunContext& context);

// {"runs", "cells", "tokens", "memory_bytes", "disk_bytes", "flops", "notes"}: sums over the sub-runs, the largest
// memory, every note once.
[[nodiscard]] Json estimateExperiment(const ExperimentOptions& options, const ExperimentVerbs& verbs, ModelCache& cache,
                                      const RunContext& context);

}
