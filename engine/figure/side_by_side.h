// Keeps curves over categories from hiding each other: their markers stand side by side; and says which curves agree.
#pragma once

#include "engine/figure/drawing.h"
#include "engine/figure/figure.h"
#include "engine/figure/panel_frame.h"

#include <string>
#include <vector>

namespace blockcert::figure {

// The place of one measurement of a curve, in pixels.
struct CurvePlace {
    std::size_t series = 0;
    std::size_t point = 0;
    Place at;
};

// Over categories, where x is no number: how far each place moves along x so that markers that would lie upon each
// other are all seen; 0 for the others. `widest` bounds how far the outer ones of a group are apart. In the order of
// `places`.
[[nodiscard]] std::vector<double> sideBySide(const std::vector<CurvePlace>& places, double widest);

// One sentence for every set of curves of a panel that show the same, or nothing.
[[nodiscard]] std::string agreementsIn(const Figure& figure, const std::vector<PreparedPanel>& panels);

}
