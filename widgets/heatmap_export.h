// A map as something to export: a copy of its values that no later change of the view touches.
#pragma once

#include "widgets/view_export.h"

namespace blockcert::widgets {

class TokenHeatmap;

// The selected cells, or else every row and column in the order shown, under the metric and the colours shown. Long
// maps are drawn with thin rows that show their most striking token. The table has one line for each cell, with all
// digits. Call in the GUI thread; what it returns may be written in another one.
[[nodiscard]] ViewExport heatmapExport(const TokenHeatmap& heatmap);

}
