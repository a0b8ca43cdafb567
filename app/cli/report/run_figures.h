// The figures of a run's report.
#pragma once

#include "app/cli/report/run_facts.h"
#include "engine/figure/figure.h"

#include <vector>

namespace blockcert::cli {

// Error and coverage by block, prompts by blocks, and coverage by threshold; those that have data. A figure's metadata
// name the run's digest, so that it can be told what it was drawn from when it stands alone.
[[nodiscard]] std::vector<figure::Figure> runFigures(const ReportedRun& run);

}
