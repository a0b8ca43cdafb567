// A figure as a value: what is drawn and what it says, independent of how it is painted.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace blockcert::figure {

enum class Scale : std::uint8_t { Linear, Log };

struct Axis {
    std::string label;
    Scale scale = Scale::Linear;
    std::optional<double> lower = {}; // absent: as the data need; a Log axis takes positive limits only
    std::optional<double> upper = {};
    std::vector<std::string> categories = {}; // names of the positions 0, 1, …; the scale is then not used
    std::vector<double> ticks = {};           // where to put ticks; empty: at round numbers. Labels that would touch
                                              // their neighbours are left out

    friend bool operator==(const Axis&, const Axis&) = default;
};

// A missing y breaks a line and draws nothing. lower and upper are the ends of an interval around y.
struct Point {
    double x = 0;
    std::optional<double> y = {};
    std::optional<double> lower = {};
    std::optional<double> upper = {};

    friend bool operator==(const Point&, const Point&) = default;
};

enum class Mark : std::uint8_t {
    Markers,     // measurements that no line may join
    LineMarkers, // dots are measurements, the line only joins them
    Steps,       // the value holds up to the next point's x and changes there at once; points ascend along x, every
                 // change is a measurement, and no dots are drawn
    Bars,        // from 0 on a linear axis; several series stand side by side
    Between,     // a dashed line between measurements that are a series of their own: interpolated, not measured
};

// Series of one name look the same in every panel of a figure and have one entry in its legend.
struct Series {
    std::string name;
    Mark mark = Mark::LineMarkers;
    std::vector<Point> points;

    friend bool operator==(const Series&, const Series&) = default;
};

enum class Direction : std::uint8_t { Horizontal, Vertical };

// A line at one value, such as a threshold: horizontal at a y, vertical at an x. Named in the legend.
struct Rule {
    Direction direction = Direction::Horizontal;
    double at = 0;
    std::string name;

    friend bool operator==(const Rule&, const Rule&) = default;
};

// A shaded range behind the data, horizontal from y to y or vertical from x to x. Named in the legend.
struct Band {
    Direction direction = Direction::Horizontal;
    double from = 0;
    double to = 0;
    std::string name;

    friend bool operator==(const Band&, const Band&) = default;
};

// Cells on a scale that turns from cool to warm exactly at the threshold. A missing cell is hatched: not measured is
// no number. cells is [row, column], row-major.
struct Heat {
    std::vector<std::string> columns;
    std::vector<std::string> rows;
    std::vector<std::optional<double>> cells;
    Scale scale = Scale::Log;
    double threshold = 0;
    std::string name; // of the quantity, at the colour bar

    friend bool operator==(const Heat&, const Heat&) = default;
};

// Curves and bars over two axes, or cells (then the axes give their labels and nothing else).
struct Panel {
    std::string title;
    Axis x;
    Axis y;
    std::vector<Series> series;
    std::vector<Rule> rules = {};
    std::vector<Band> bands = {};
    std::optional<Heat> heat = {};

    friend bool operator==(const Panel&, const Panel&) = default;
};

// Lengths are in CSS pixels (1/96 inch). Texts may hold anything: they are made safe when they are drawn.
struct Figure {
    std::string title;
    std::string scope; // one line under the title: what was measured on what
    std::string caption;
    std::vector<Panel> panels;
    int columns = 1;       // panels in a row
    bool sameRange = true; // panels with an axis of the same label and scale share its range
    double width = 720;
    double panelHeight = 232;
    std::vector<std::pair<std::string, std::string>> metadata; // in the order of writing: model digest, command, …

    friend bool operator==(const Figure&, const Figure&) = default;
};

}
