// The charts of two runs: A's and B's curves over what both measured, in the same panels.
#pragma once

#include "widgets/chart_figures.h"

namespace blockcert::widgets {

// `b` is laid over a's blocks and prompts and judged by a's thresholds. A curve of each run in every panel, with one
// range for all of them; cells that one of the runs did not measure are in neither curve. As costly as two charts of
// one run: belongs in the background.
[[nodiscard]] figure::Figure comparedChart(const TokenMap& a, const TokenMap& b, Chart chart, int block = -1);

}
