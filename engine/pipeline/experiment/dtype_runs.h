// One run for each baseline dtype, for the experiments that set dtypes beside each other.
#pragma once

#include "engine/pipeline/experiment/experiment_kind.h"

#include <string>
#include <vector>

namespace blockcert::pipeline {

// The experiment's own dtype first, then the others; sub-runs are named after them.
[[nodiscard]] std::vector<std::string> dtypesOf(const ExperimentOptions& options);
[[nodiscard]] std::vector<SubRun> planDtypes(const ExperimentOptions& options, const PlannedModel& model);

// One block under one baseline dtype, prompt by prompt.
struct DtypeBlock {
    std::string dtype;
    Certificate certificate;
    std::vector<PromptNumbers> prompts;
};

// By dtype, then by block. Blocks without certificate are left out.
[[nodiscard]] std::vector<DtypeBlock> readDtypeBlocks(const ExperimentResults& results);

// The line under a figure that sets dtypes beside each other: scopeOf() with all of them.
[[nodiscard]] std::string scopeOverDtypes(const ExperimentResults& results);

// "fp32 baseline" panels get a line for each block, named "block 7".
[[nodiscard]] std::string blockName(const DtypeBlock& block);

}
