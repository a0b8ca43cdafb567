// Curves that lie upon each other along an axis of numbers: nobody is moved; they share the line dash by dash.
#pragma once

#include "engine/figure/drawing.h"
#include "engine/figure/side_by_side.h"

#include <cstddef>
#include <vector>

namespace blockcert::figure {

// An unbroken line of one curve, in pixels.
struct CurveLine {
    std::size_t series = 0;
    std::vector<Place> points;
};

// A part of a curve that it has alone (one sharer), or together with others: then it has every so-many-th dash.
struct LinePiece {
    std::size_t series = 0;
    std::vector<Place> points;
    std::size_t turn = 0; // place among the sharers, in the order of the series
    std::size_t sharers = 1;
};

// The lines cut where they come together and part, as far as a pixel shows. Each line's pieces in its own direction,
// lines in the order given.
[[nodiscard]] std::vector<LinePiece> piecesOf(const std::vector<CurveLine>& lines);

// What a shared piece is drawn with: lengths drawn and left out in turn, and where in them the line begins.
struct SharedDash {
    std::vector<double> dash;
    double phase = 0;
};

[[nodiscard]] SharedDash sharedDash(const LinePiece& piece);

// How large each marker is drawn, in the order of `places`: 1, or, where markers of several curves stand upon each
// other, 0 for all but one of them, which changes from place to place. Where there are fewer such places than curves,
// all are drawn, those behind larger. Of several markers of one curve upon each other one is drawn.
[[nodiscard]] std::vector<double> markerSizes(const std::vector<CurvePlace>& places);

}
