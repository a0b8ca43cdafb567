// What cutting matrices to a rank did to them: ranks, distances and singular values, as tables and figures.
#pragma once

#include "engine/pipeline/experiment/compared_runs.h"

#include <vector>

namespace blockcert::pipeline {

// Adds tables "matrices" (one row for each variant, block and matrix) and "spectrum" (every singular value of the
// baseline's matrices), and the figures spectrum.svg and distance.svg. `variants` are runs with low-rank surrogates of
// the same matrices, `ranks` what each of them asked for.
void addMatrices(const ExperimentResults& results, const std::vector<ComparedRun>& variants,
                 const std::vector<std::int64_t>& ranks, ExperimentReport& report);

}
