// Makes the map a real table for screen readers: rows, columns, cells with names, and the cell cursor.
#pragma once

#include "widgets/heatmap_geometry.h"

namespace blockcert::widgets {

class TokenHeatmap;

// Registers the interface once per process; repeatable.
void installHeatmapAccessibility();
// Events for assistive software; nothing happens while none is active.
void announceHeatmapCell(TokenHeatmap& heatmap, GridPosition position);
void announceHeatmapReset(TokenHeatmap& heatmap);

}
