// What the parts of a layout share: the room a panel has, type sizes, and the looks of the legend's entries.
#pragma once

#include "engine/figure/drawing.h"
#include "engine/figure/figure.h"
#include "engine/figure/ticks.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace blockcert::figure {

inline constexpr double titleSize = 15;
inline constexpr double labelSize = 12;
inline constexpr double tickSize = 11;
inline constexpr double exponentSize = 8;

struct Box {
    double left = 0;
    double top = 0;
    double right = 0;
    double bottom = 0;

    [[nodiscard]] double width() const { return right - left; }

    [[nodiscard]] double height() const { return bottom - top; }
};

// Entries of the legend in the order of first appearance; series, rules and bands are numbered each for themselves.
struct Looks {
    std::map<std::string, int, std::less<>> series;
    std::map<std::string, int, std::less<>> rules;
    std::map<std::string, int, std::less<>> bands;
};

// Lines between measurements have no look of their own: 0.
[[nodiscard]] inline int lookOf(const Looks& looks, const Series& series)
{
    const auto found = looks.series.find(series.name);
    return found == looks.series.end() ? 0 : found->second;
}

// A panel with the ranges of its axes decided, and the space that its y axis needs to the left.
struct PreparedPanel {
    const Panel* panel = nullptr;
    Range x;
    Range y;
    bool wholeX = false; // all places along x are whole numbers: nothing was measured at a half
    double leftMargin = 0;
};

// `plot` is the frame of the data area itself, and `panel` its number: with the shapes come the marks of what was
// measured.
void addPlot(const PreparedPanel& prepared, const Box& plot, const Looks& looks, int panel, Drawing& drawing);
void addHeat(const Panel& panel, const Box& plot, std::vector<Shape>& shapes);

// Space for the labels of the y axis's ticks, and for the x axis's with its name, beside a data area of this size.
[[nodiscard]] double leftMarginOf(const Panel& panel, const Range& y, double plotHeight);
[[nodiscard]] double bottomMarginOf(const Panel& panel, double plotWidth);
// To the right of the data area: half of the last label, or the colour bar of a heat map.
[[nodiscard]] double rightMarginOf(const Panel& panel);

[[nodiscard]] std::vector<double> dashOfRule(int rule);
[[nodiscard]] Paint paintOfBand(int band);

// A tick label with its exponent, anchored as a whole.
void addTickText(const Tick& tick, Place at, Anchor anchor, std::vector<Shape>& shapes);
[[nodiscard]] double widthOf(const Tick& tick);

// Labels of `names` under places on a line: broken into lines where they would touch, turned where that does not help;
// numbers are thinned out.
void addNames(const std::vector<std::string>& names, const std::vector<double>& places, double baseLine, double slot,
              std::vector<Shape>& shapes);
// Height that addNames() needs.
[[nodiscard]] double heightOfNames(const std::vector<std::string>& names, double slot);

}
