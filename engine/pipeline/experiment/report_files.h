// Turns an experiment's report into the files of its folder and the value that result.json holds.
#pragma once

#include "engine/pipeline/experiment/experiment_folder.h"

#include <string>
#include <vector>

namespace blockcert::pipeline {

// The words that stand in every file about how to repeat and check an experiment.
struct ExperimentCommands {
    std::string whole;               // the experiment
    std::vector<std::string> runs;   // one certify each
    std::vector<std::string> verify; // one verify each
};

// The same as commands.txt gives them, to be run in the experiment's own folder, wherever that has been moved: what is
// verified lies below it, and what is made anew goes beside it.
inline constexpr const char* repeatedFolder = "../repeated";
// Its runs one at a time go here, so that commands.txt can be run as a whole.
inline constexpr const char* repeatedRunsFolder = "../repeated-runs";

// Where the folder keeps prompts that were typed and have no file: parameters of `certify` with `content`.
[[nodiscard]] std::string typedPromptsFile(const Json& parameters);

struct ToolStatement {
    std::string version;
    std::string build;
};

// Writes tables, figures, README.md, commands.txt, result.json, and SHA256SUMS last. Returns result.json's content.
[[nodiscard]] Json writeReport(const ExperimentFolder& folder, const ExperimentKind& kind,
                               const ExperimentResults& results, const ExperimentCommands& commands,
                               const ExperimentCommands& fromWithin, const ToolStatement& tool,
                               ExperimentReport report);

}
