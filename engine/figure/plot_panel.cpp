#include "engine/figure/figure_text.h"
#include "engine/figure/panel_frame.h"
#include "engine/figure/series_look.h"
#include "engine/figure/shared_line.h"
#include "engine/figure/side_by_side.h"
#include "engine/figure/text_width.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <utility>

namespace blockcert::figure {

namespace {

// Between the frame and the ends of the ranges, so that markers at the ends stay inside.
constexpr double inset = 8;
constexpr double tickLength = 4;
// The least room for a label along an axis.
constexpr double labelHeight = 26;
constexpr double labelWidth = 44;

int ticksAlong(double length, double each)
{
    return std::clamp(static_cast<int>(length / each), 2, 12);
}

// Maps values into the data area.
struct Mapping {
    const PreparedPanel* prepared;
    Box plot;

    [[nodiscard]] bool categorical() const { return !prepared->panel->x.categories.empty(); }

    [[nodiscard]] double slot() const
    {
        return plot.width() / static_cast<double>(std::max<std::size_t>(prepared->panel->x.categories.size(), 1));
    }

    [[nodiscard]] double x(double value) const
    {
        if (categorical())
            return plot.left + (value + 0.5) * slot();
        const double share = shareOf(value, prepared->x, prepared->panel->x.scale);
        return plot.left + inset + share * (plot.width() - 2 * inset);
    }

    [[nodiscard]] double y(double value) const
    {
        const double share = shareOf(value, prepared->y, prepared->panel->y.scale);
        return plot.bottom - inset - share * (plot.height() - 2 * inset);
    }

    // Kept inside: an arrow at the edge says that the value lies beyond.
    [[nodiscard]] double insideY(double value) const
    {
        return std::clamp(y(value), plot.top + inset, plot.bottom - inset);
    }

    [[nodiscard]] bool isBeyond(double value) const
    {
        const double place = y(value);
        return place < plot.top + inset - 0.5 || place > plot.bottom - inset + 0.5;
    }
};

std::vector<Tick> ticksOf(const Axis& axis, const Range& range, int most, bool whole = false)
{
    const std::vector<double> chosen =
        axis.ticks.empty() && whole ? wholeTicks(range.lower, range.upper, most) : axis.ticks;
    if (chosen.empty())
        return ticksFor(range, axis.scale, most);
    std::vector<Tick> ticks;
    for (const double value : chosen)
        ticks.push_back(tickAt(value));
    return ticks;
}

void addGridAndTicks(const Mapping& map, std::vector<Shape>& shapes)
{
    const Panel& panel = *map.prepared->panel;
    const Box& plot = map.plot;
    for (const Tick& tick : ticksOf(panel.y, map.prepared->y, ticksAlong(plot.height(), labelHeight))) {
        const double y = map.y(tick.value);
        if (y < plot.top - 0.5 || y > plot.bottom + 0.5)
            continue;
        if (tick.text.empty()) {
            shapes.emplace_back(LineShape{{{plot.left - tickLength / 2, y}, {plot.left, y}}, {Ink::Frame}, 0.7});
            continue;
        }
        shapes.emplace_back(LineShape{{{plot.left, y}, {plot.right, y}}, {Ink::Faint}, 0.7});
        shapes.emplace_back(LineShape{{{plot.left - tickLength, y}, {plot.left, y}}, {Ink::Frame}, 0.8});
        addTickText(tick, {plot.left - tickLength - 3, y + 4}, Anchor::End, shapes);
    }
    if (map.categorical()) {
        std::vector<double> places;
        for (std::size_t i = 0; i < panel.x.categories.size(); ++i)
            places.push_back(map.x(static_cast<double>(i)));
        addNames(panel.x.categories, places, plot.bottom + tickSize + 2, map.slot(), shapes);
        return;
    }
    double free = -1e9;
    for (const Tick& tick :
         ticksOf(panel.x, map.prepared->x, ticksAlong(plot.width(), labelWidth), map.prepared->wholeX)) {
        const double x = map.x(tick.value);
        if (x < plot.left - 0.5 || x > plot.right + 0.5)
            continue;
        const bool major = !tick.text.empty();
        shapes.emplace_back(
            LineShape{{{x, plot.bottom}, {x, plot.bottom + (major ? tickLength : tickLength / 2)}}, {Ink::Frame}, 0.8});
        const double half = widthOf(tick) / 2;
        if (!major || x - half < free)
            continue;
        addTickText(tick, {x, plot.bottom + tickLength + tickSize + 1}, Anchor::Middle, shapes);
        free = x + half + 6;
    }
}

void addBands(const Mapping& map, const Looks& looks, std::vector<Shape>& shapes)
{
    const Box& plot = map.plot;
    for (const Band& band : map.prepared->panel->bands) {
        const Paint fill = paintOfBand(looks.bands.at(band.name));
        const bool flat = band.direction == Direction::Horizontal;
        const auto clampX = [&](double x) { return std::clamp(map.x(x), plot.left, plot.right); };
        const auto clampY = [&](double y) { return std::clamp(map.y(y), plot.top, plot.bottom); };
        const Place from = flat ? Place{plot.left, clampY(band.from)} : Place{clampX(band.from), plot.bottom};
        const Place to = flat ? Place{plot.right, clampY(band.to)} : Place{clampX(band.to), plot.top};
        shapes.emplace_back(rectangle(from, to, fill));
    }
}

void addRules(const Mapping& map, const Looks& looks, std::vector<Shape>& shapes)
{
    const Box& plot = map.plot;
    for (const Rule& rule : map.prepared->panel->rules) {
        const bool flat = rule.direction == Direction::Horizontal;
        const double at = flat ? map.y(rule.at) : map.x(rule.at);
        if (flat ? at < plot.top || at > plot.bottom : at < plot.left || at > plot.right)
            continue;
        std::vector<Place> ends = {{plot.left, at}, {plot.right, at}};
        if (!flat)
            ends = {{at, plot.bottom}, {at, plot.top}};
        shapes.emplace_back(LineShape{ends, {Ink::Threshold}, 1.2, dashOfRule(looks.rules.at(rule.name))});
    }
}

void addWhisker(const Mapping& map, double x, const Point& point, Paint paint, std::vector<Shape>& shapes)
{
    if (!point.lower || !point.upper)
        return;
    const double low = map.insideY(*point.lower);
    const double high = map.insideY(*point.upper);
    shapes.emplace_back(LineShape{{{x, low}, {x, high}}, paint, 1.2});
    for (const double y : {low, high})
        shapes.emplace_back(LineShape{{{x - 4, y}, {x + 4, y}}, paint, 1.2});
}

// A small arrow towards a value outside the range, or not positive on a log axis.
void addClipMark(const Mapping& map, double x, double value, Paint paint, std::vector<Shape>& shapes)
{
    const bool below = map.y(value) > map.insideY(value);
    const double tip = below ? map.plot.bottom - 1 : map.plot.top + 1;
    const double base = below ? tip - 6 : tip + 6;
    shapes.emplace_back(AreaShape{{{x, tip}, {x - 4, base}, {x + 4, base}}, paint, paint, 0.8});
}

bool isDrawn(const Point& point)
{
    return point.y && !std::isnan(*point.y) && std::isfinite(point.x);
}

bool hasMarkers(const Series& series)
{
    return series.mark == Mark::Markers || series.mark == Mark::LineMarkers;
}

bool isCurveLine(const Series& series)
{
    return series.mark == Mark::LineMarkers || series.mark == Mark::Steps;
}

// Where the measurements of the panel's curves are drawn along x, in pixels, and how large their markers are, of the
// usual size; both [series][point].
struct CurvePlaces {
    std::vector<std::vector<double>> x;
    std::vector<std::vector<double>> size;
};

CurvePlaces curvePlaces(const Mapping& map)
{
    const std::vector<Series>& all = map.prepared->panel->series;
    CurvePlaces found{std::vector<std::vector<double>>(all.size()), std::vector<std::vector<double>>(all.size())};
    std::vector<CurvePlace> places;
    for (std::size_t s = 0; s < all.size(); ++s) {
        found.size[s].assign(all[s].points.size(), 1);
        for (const Point& point : all[s].points)
            found.x[s].push_back(map.x(point.x));
        if (!hasMarkers(all[s]))
            continue;
        for (std::size_t i = 0; i < all[s].points.size(); ++i)
            if (isDrawn(all[s].points[i]))
                places.push_back({s, i, {found.x[s][i], map.insideY(*all[s].points[i].y)}});
    }
    if (map.categorical()) { // beyond a category's slot there is its neighbour
        const std::vector<double> shifts = sideBySide(places, map.slot() * 0.8);
        for (std::size_t i = 0; i < places.size(); ++i)
            found.x[places[i].series][places[i].point] += shifts[i];
    } else { // a number stands where the axis says, whoever else stands there
        const std::vector<double> sizes = markerSizes(places);
        for (std::size_t i = 0; i < places.size(); ++i)
            found.size[places[i].series][places[i].point] = sizes[i];
    }
    return found;
}

// A series' line, in as many parts as missing values leave of it.
std::vector<CurveLine> linesOf(const Mapping& map, std::size_t number, const std::vector<double>& x)
{
    const Series& series = map.prepared->panel->series[number];
    std::vector<CurveLine> lines;
    CurveLine run{number, {}};
    const auto endRun = [&] {
        if (run.points.size() > 1)
            lines.push_back(run);
        run.points.clear();
    };
    for (std::size_t i = 0; i < series.points.size(); ++i) {
        const Point& point = series.points[i];
        if (!isDrawn(point)) {
            endRun();
            continue;
        }
        const double y = map.insideY(*point.y);
        if (series.mark == Mark::Steps && !run.points.empty() && run.points.back().y != y)
            run.points.push_back({x[i], run.points.back().y});
        run.points.push_back({x[i], y});
    }
    endRun();
    return lines;
}

// Lines that are no measurement; they lie below all others.
void addBetween(const Mapping& map, const CurvePlaces& places, std::vector<Shape>& shapes)
{
    for (std::size_t s = 0; s < places.x.size(); ++s)
        if (map.prepared->panel->series[s].mark == Mark::Between)
            for (const CurveLine& line : linesOf(map, s, places.x[s]))
                shapes.emplace_back(LineShape{line.points, {Ink::Secondary}, 1.2, dashBetween()});
}

void addCurveLines(const Mapping& map, const Looks& looks, const CurvePlaces& places, std::vector<Shape>& shapes)
{
    const std::vector<Series>& all = map.prepared->panel->series;
    std::vector<CurveLine> lines;
    for (std::size_t s = 0; s < all.size(); ++s)
        if (isCurveLine(all[s]))
            std::ranges::move(linesOf(map, s, places.x[s]), std::back_inserter(lines));
    for (const LinePiece& piece : piecesOf(lines)) {
        const int look = lookOf(looks, all[piece.series]);
        const SharedDash dash = piece.sharers > 1 ? sharedDash(piece) : SharedDash{dashOf(look)};
        shapes.emplace_back(LineShape{piece.points, {Ink::Series, look % seriesColours}, 1.6, dash.dash, dash.phase});
    }
}

void addMarkers(const Mapping& map, const Series& series, const std::vector<double>& x, const std::vector<double>& size,
                int look, std::vector<Shape>& shapes)
{
    const Paint colour{Ink::Series, look % seriesColours};
    for (std::size_t i = 0; i < series.points.size(); ++i) {
        const Point& point = series.points[i];
        if (!isDrawn(point))
            continue;
        addWhisker(map, x[i], point, colour, shapes);
        if (map.isBeyond(*point.y))
            addClipMark(map, x[i], *point.y, colour, shapes);
        else if (size[i] > 0)
            addMarker(look, {x[i], map.y(*point.y)}, shapes, size[i]);
    }
}

// How many measurements a marker stands for, beside it, where a curve has several at one place.
void addCounts(const Mapping& map, const CurvePlaces& places, std::vector<Shape>& shapes)
{
    struct Group {
        Place at;
        std::size_t points = 0;
        std::set<std::size_t> series;
    };

    if (map.categorical()) // there they stand side by side
        return;
    const std::vector<Series>& all = map.prepared->panel->series;
    std::map<std::pair<long, long>, Group> groups; // by pixel
    for (std::size_t s = 0; s < all.size(); ++s)
        for (std::size_t i = 0; i < all[s].points.size() && hasMarkers(all[s]); ++i) {
            if (!isDrawn(all[s].points[i]) || map.isBeyond(*all[s].points[i].y))
                continue;
            const Place at{places.x[s][i], map.y(*all[s].points[i].y)};
            Group& group = groups[{std::lround(at.x), std::lround(at.y)}];
            group.at = at;
            ++group.points;
            group.series.insert(s);
        }
    constexpr double gap = 8; // beside a marker with others behind it
    for (const auto& [pixel, group] : groups) {
        if (group.points == group.series.size())
            continue;
        const std::string text = "×" + std::to_string(group.points);
        const bool isAtRight = group.at.x + gap + textWidth(text, tickSize) > map.plot.right;
        const bool isAtTop = group.at.y - 5 - tickSize < map.plot.top;
        shapes.emplace_back(
            TextShape{{group.at.x + (isAtRight ? -gap : gap), group.at.y + (isAtTop ? tickSize + 4 : -5)},
                      text,
                      tickSize,
                      isAtRight ? Anchor::End : Anchor::Start,
                      {Ink::Text}});
    }
}

// Of several series of bars each has its place in a group around x.
double barWidth(const Mapping& map, std::size_t count)
{
    const double group = map.categorical() ? map.slot() * 0.72 : 24;
    return std::min(group / static_cast<double>(count), 44.0);
}

double barLeft(const Mapping& map, double x, std::size_t place, std::size_t count)
{
    return map.x(x) + (static_cast<double>(place) - static_cast<double>(count) / 2) * barWidth(map, count) + 1;
}

void addBars(const Mapping& map, const Series& series, int look, std::size_t place, std::size_t count,
             std::vector<Shape>& shapes)
{
    const double width = barWidth(map, count);
    const double base = map.prepared->panel->y.scale == Scale::Linear ? map.insideY(0) : map.plot.bottom - inset;
    for (const Point& point : series.points) {
        if (!isDrawn(point))
            continue;
        const double left = barLeft(map, point.x, place, count);
        const double x = left + (width - 2) / 2;
        addBar(look, {left, base}, {left + width - 2, map.insideY(*point.y)}, shapes);
        addWhisker(map, x, point, {Ink::Text}, shapes);
        if (map.isBeyond(*point.y))
            addClipMark(map, x, *point.y, {Ink::Text}, shapes);
    }
}

// Where the measurements are, each once.
void addMarks(const Mapping& map, const std::vector<std::vector<double>>& places, std::size_t bars, int panel,
              std::vector<DataMark>& marks)
{
    const std::vector<Series>& all = map.prepared->panel->series;
    std::size_t bar = 0;
    for (std::size_t series = 0; series < all.size(); ++series) {
        if (all[series].mark == Mark::Between)
            continue;
        const bool isBars = all[series].mark == Mark::Bars;
        for (std::size_t i = 0; i < all[series].points.size(); ++i) {
            const Point& point = all[series].points[i];
            if (!isDrawn(point))
                continue;
            const double x =
                isBars ? barLeft(map, point.x, bar, bars) + (barWidth(map, bars) - 2) / 2 : places[series][i];
            marks.push_back({{x, map.insideY(*point.y)}, panel, static_cast<int>(series), static_cast<int>(i)});
        }
        bar += isBars ? 1 : 0;
    }
}

}

std::vector<double> dashOfRule(int rule)
{
    static const std::array<std::vector<double>, 4> dashes = {{{5, 3}, {1.5, 2.5}, {8, 3, 1.5, 3}, {3, 1.5}}};
    return dashes[static_cast<std::size_t>(rule) % dashes.size()];
}

Paint paintOfBand(int band)
{
    return {Ink::Band, band};
}

double leftMarginOf(const Panel& panel, const Range& y, double plotHeight)
{
    double widest = 0;
    if (panel.heat) {
        for (const std::string& row : panel.heat->rows)
            widest = std::max(widest, std::min(textWidth(drawable(row), tickSize), 150.0));
    } else {
        for (const Tick& tick : ticksOf(panel.y, y, ticksAlong(plotHeight, labelHeight)))
            widest = std::max(widest, widthOf(tick));
    }
    return widest + tickLength + 6;
}

double bottomMarginOf(const Panel& panel, double plotWidth)
{
    const std::vector<std::string>& names = panel.heat ? panel.heat->columns : panel.x.categories;
    const double label = panel.x.label.empty() ? 0 : labelSize + 5;
    if (names.empty())
        return tickLength + tickSize + 4 + label;
    return heightOfNames(names, plotWidth / static_cast<double>(names.size())) + 4 + label;
}

double rightMarginOf(const Panel& panel)
{
    return panel.heat ? 78 : 12;
}

void addPlot(const PreparedPanel& prepared, const Box& plot, const Looks& looks, int number, Drawing& drawing)
{
    std::vector<Shape>& shapes = drawing.shapes;
    const Mapping map{&prepared, plot};
    const Panel& panel = *prepared.panel;
    addBands(map, looks, shapes);
    addGridAndTicks(map, shapes);
    shapes.emplace_back(
        LineShape{{{plot.left, plot.top}, {plot.left, plot.bottom}, {plot.right, plot.bottom}}, {Ink::Frame}, 1});
    addRules(map, looks, shapes);
    const auto isBars = [](const Series& series) { return series.mark == Mark::Bars; };
    const auto bars = static_cast<std::size_t>(std::ranges::count_if(panel.series, isBars));
    const CurvePlaces places = curvePlaces(map);
    addBetween(map, places, shapes);
    addCurveLines(map, looks, places, shapes);
    std::size_t bar = 0;
    for (std::size_t s = 0; s < panel.series.size(); ++s) {
        const Series& series = panel.series[s];
        const int look = lookOf(looks, series);
        if (isBars(series))
            addBars(map, series, look, bar++, bars, shapes);
        else if (hasMarkers(series))
            addMarkers(map, series, places.x[s], places.size[s], look, shapes);
    }
    addCounts(map, places, shapes);
    addMarks(map, places.x, bars, number, drawing.marks);
}

}
