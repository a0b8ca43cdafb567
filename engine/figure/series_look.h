// What tells series apart besides colour: dash, marker, and the filling of bars.
#pragma once

#include "engine/figure/drawing.h"

#include <vector>

namespace blockcert::figure {

// Series colours repeat after so many, dashes and markers with other periods, so that no two of the first 40 are alike.
inline constexpr int seriesColours = 8;

[[nodiscard]] std::vector<double> dashOf(int series);

// Of a line that is no measurement.
[[nodiscard]] std::vector<double> dashBetween();

// The marker of a series around a place, `size` times as large as usual; paper-coloured inside for every second marker.
void addMarker(int series, Place at, std::vector<Shape>& shapes, double size = 1);

// An upright bar between two corners, filled plain, hatched or lightly.
void addBar(int series, Place corner, Place opposite, std::vector<Shape>& shapes);

// Lines of 45 degrees, `gap` apart, inside the rectangle; falling ones run from the upper left to the lower right.
void addHatching(Place corner, Place opposite, double gap, bool falling, Paint paint, std::vector<Shape>& shapes);

[[nodiscard]] AreaShape rectangle(Place corner, Place opposite, Paint fill);

}
