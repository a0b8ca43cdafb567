// The charts of a run, as figures: computed from its map, painted by FigureView, written by the exporter.
#pragma once

#include "engine/figure/figure.h"
#include "widgets/values.h"

#include <QString>

#include <cstdint>
#include <span>
#include <vector>

namespace blockcert::widgets {

enum class Chart : std::uint8_t {
    CoverageByThreshold, // share of covered tokens over τ
    PromptSetSize,       // smallest coverage of any block over the first k prompts
    MeanErrorByBlock,
    ErrorQuantiles,
};

inline constexpr Chart allCharts[] = {Chart::CoverageByThreshold, Chart::PromptSetSize, Chart::MeanErrorByBlock,
                                      Chart::ErrorQuantiles};

[[nodiscard]] QString chartName(Chart chart); // "Coverage by threshold", for a choice
// Under the error that decides (absolute or relative). `block` is drawn beside the rest where a chart has no block
// axis; −1: none. Sorts every error, so it belongs in the background for large maps. Nothing measured: an empty panel
// and a caption that says so.
[[nodiscard]] figure::Figure chartFigure(const TokenMap& map, Chart chart, int block = -1);

// The share of values ≤ threshold. `sorted` is ascending; missing without values.
[[nodiscard]] double shareWithin(std::span<const double> sorted, double threshold);
// By nearest rank, as certificates do: the smallest value that at least `share` of all do not exceed.
[[nodiscard]] double nearestRank(std::span<const double> sorted, double share);

}
