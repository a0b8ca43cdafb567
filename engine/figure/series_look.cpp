#include "engine/figure/series_look.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace blockcert::figure {

namespace {

constexpr double usualRadius = 3.4;
constexpr int markerKinds = 8;

std::vector<Place> regular(Place at, int corners, double turn, double radius)
{
    std::vector<Place> points;
    for (int i = 0; i < corners; ++i) {
        const double angle = turn + 2 * std::numbers::pi * i / corners;
        points.push_back({at.x + radius * std::sin(angle), at.y - radius * std::cos(angle)});
    }
    return points;
}

std::vector<Place> markerOutline(int kind, Place at, double radius)
{
    switch (kind) {
    case 1: return regular(at, 4, std::numbers::pi / 4, radius * 1.25); // square
    case 2: return regular(at, 3, 0, radius * 1.35);                    // triangle
    case 3: return regular(at, 4, 0, radius * 1.35);                    // diamond
    case 5: return regular(at, 3, std::numbers::pi, radius * 1.35);     // triangle on its tip
    case 6: return regular(at, 5, 0, radius * 1.2);                     // pentagon
    case 7: return regular(at, 6, 0, radius * 1.15);                    // hexagon
    default: return {};
    }
}

}

std::vector<double> dashOf(int series)
{
    static const std::array<std::vector<double>, 5> dashes = {
        {{}, {7, 3}, {2, 2.5}, {9, 3, 2, 3}, {4, 2, 1.5, 2, 1.5, 2}}};
    return dashes[static_cast<std::size_t>(series) % dashes.size()];
}

std::vector<double> dashBetween()
{
    return {2, 3};
}

void addMarker(int series, Place at, std::vector<Shape>& shapes, double size)
{
    const double radius = usualRadius * size;
    const Paint colour{Ink::Series, series % seriesColours};
    const int kind = series % markerKinds;
    const bool open = kind == 1 || kind == 4 || kind == 5 || kind == 7;
    const Paint fill = open ? Paint{Ink::Paper} : colour;
    if (kind == 0 || kind == 4)
        shapes.emplace_back(DiscShape{at, radius, fill, colour, 1.3});
    else
        shapes.emplace_back(AreaShape{markerOutline(kind, at, radius), fill, colour, 1.3});
}

AreaShape rectangle(Place corner, Place opposite, Paint fill)
{
    return {{corner, {opposite.x, corner.y}, opposite, {corner.x, opposite.y}}, fill};
}

void addHatching(Place corner, Place opposite, double gap, bool falling, Paint paint, std::vector<Shape>& shapes)
{
    const double left = std::min(corner.x, opposite.x);
    const double top = std::min(corner.y, opposite.y);
    const double width = std::abs(opposite.x - corner.x);
    const double height = std::abs(opposite.y - corner.y);
    const double step = gap * std::numbers::sqrt2;
    for (double along = step / 2; along < width + height; along += step) {
        // Where the line x + y = along (rising, measured from the upper left corner) enters and leaves.
        const Place low{std::max(0.0, along - height), std::min(along, height)};
        const Place high{std::min(along, width), std::max(0.0, along - width)};
        const auto place = [&](Place p) { return Place{left + (falling ? width - p.x : p.x), top + p.y}; };
        shapes.emplace_back(LineShape{{place(low), place(high)}, paint, 0.8});
    }
}

void addBar(int series, Place corner, Place opposite, std::vector<Shape>& shapes)
{
    const Paint colour{Ink::Series, series % seriesColours};
    const int filling = series % 4;
    AreaShape bar = rectangle(corner, opposite, filling == 0 ? colour : Paint{Ink::Paper});
    bar.outline = colour;
    bar.outlineWidth = 1;
    shapes.emplace_back(bar);
    if (filling == 1 || filling == 3)
        addHatching(corner, opposite, 3.2, false, colour, shapes);
    if (filling == 2)
        addHatching(corner, opposite, 5.5, true, colour, shapes);
    if (filling == 3)
        addHatching(corner, opposite, 3.2, true, colour, shapes);
}

}
