// Experiments that set variants of a surrogate beside the exact one: low-rank baselines and ablations.
#pragma once

#include "engine/pipeline/experiment/experiment_kind.h"

#include <string>
#include <vector>

namespace blockcert::pipeline {

// The first one is what the others are compared with.
struct ComparedRun {
    std::string run;   // name of the sub-run
    std::string label; // for tables and figures
};

struct ComparisonWords {
    std::string tableTitle;
    std::string columnTitle; // of the variants: "surrogate"
    std::string figureTitle;
    std::string caption;
    figure::Mark mark = figure::Mark::Markers;
    bool firstAtTheEnd = false; // of the figure: where the variants come nearer and nearer to the first one
};

// Tables "table" (means over the blocks, on all prompts and on each block's best prompt, with ratios to the first
// variant) and "blocks" (one row for each variant and block), one figure, and the headline.
[[nodiscard]] ExperimentReport compareRuns(const ExperimentResults& results, const std::vector<ComparedRun>& compared,
                                           const ComparisonWords& words);

}
