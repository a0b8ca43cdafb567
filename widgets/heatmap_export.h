// A map as something to export: a copy of its values that no later change of the view touches.
#pragma once

#include "widgets/change.h"
#include "widgets/view_export.h"

#include <vector>

namespace blockcert::widgets {

class TokenHeatmap;

// The selected cells, or else every row and column in the order shown, under the metric and the colours shown. Long
// maps are drawn with thin rows that show their most striking token. The table has one line for each cell, with all
// digits, of a difference also with both numbers and whether either run covers the token. Call in the GUI thread; what
// it returns may be written in another one.
[[nodiscard]] ViewExport heatmapExport(const TokenHeatmap& heatmap, const ComparedMaps& compared = {});

// The same as pictures of at most so many rows of readable height, each with its axis and the names of its prompts, for
// paper: one picture of a long map is a strip. A prompt is parted only where it has more rows than that. Maps of very
// many rows stay one picture. The first one may have fewer, for what stands above it.
[[nodiscard]] std::vector<ViewExport> heatmapPages(const TokenHeatmap& heatmap, int mostRows, int mostOnTheFirst);

}
