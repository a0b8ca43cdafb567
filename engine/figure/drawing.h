// A figure after its layout: lines, areas and texts at their places. SVG is written from it, and a window may paint it.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace blockcert::figure {

// Colours by role; whoever paints decides what they are.
enum class Ink : std::uint8_t {
    Paper,
    Text,
    Secondary,
    Faint,     // grid lines
    Frame,     // axes
    Threshold, // rules
    Band,
    Series,    // index: which series
    Covered,   // at: place on the cool ramp, 0 … 1
    Uncovered, // at: place on the warm ramp, 0 … 1
};

struct Paint {
    Ink ink = Ink::Text;
    int index = 0;
    double at = 0;

    friend bool operator==(const Paint&, const Paint&) = default;
};

// x to the right, y down, from the upper left corner.
struct Place {
    double x = 0;
    double y = 0;

    friend bool operator==(const Place&, const Place&) = default;
};

struct LineShape {
    std::vector<Place> points;
    Paint paint;
    double width = 1;
    std::vector<double> dash = {}; // lengths drawn and left out in turn; empty: solid
    double phase = 0;              // how far into the dash the line begins

    friend bool operator==(const LineShape&, const LineShape&) = default;
};

// A closed polygon, filled and outlined; an outline of width 0 is none.
struct AreaShape {
    std::vector<Place> points;
    Paint fill;
    Paint outline = {};
    double outlineWidth = 0;

    friend bool operator==(const AreaShape&, const AreaShape&) = default;
};

struct DiscShape {
    Place centre;
    double radius = 0;
    Paint fill;
    Paint outline = {};
    double outlineWidth = 0;

    friend bool operator==(const DiscShape&, const DiscShape&) = default;
};

enum class Anchor : std::uint8_t { Start, Middle, End };

struct TextShape {
    Place at; // on the base line
    std::string text;
    double size = 11;
    Anchor anchor = Anchor::Start;
    Paint paint = {};
    bool strong = false;
    double turned = 0; // degrees, clockwise, around `at`

    friend bool operator==(const TextShape&, const TextShape&) = default;
};

using Shape = std::variant<LineShape, AreaShape, DiscShape, TextShape>;

// Where one measurement is drawn; the numbers count panels, their series and the series' points from 0.
struct DataMark {
    Place at;
    int panel = 0;
    int series = 0;
    int point = 0;

    friend bool operator==(const DataMark&, const DataMark&) = default;
};

// Shapes in the order of painting.
struct Drawing {
    double width = 0;
    double height = 0;
    std::vector<Shape> shapes;
    std::vector<DataMark> marks; // ascending; values that are missing have none, those beyond an axis stand at its edge

    friend bool operator==(const Drawing&, const Drawing&) = default;
};

}
