// From a figure to its drawing: ranges, margins, legend, and every mark at its place.
#pragma once

#include "engine/figure/drawing.h"
#include "engine/figure/figure.h"

namespace blockcert::figure {

// Depends on the figure alone: equal figures give equal drawings. Values that are not finite are treated as missing,
// a panel without data is an empty frame, and nothing throws but what runs out of memory.
[[nodiscard]] Drawing layOut(const Figure& figure);

}
