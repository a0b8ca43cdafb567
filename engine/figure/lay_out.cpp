#include "engine/figure/lay_out.h"

#include "engine/figure/figure_text.h"
#include "engine/figure/panel_frame.h"
#include "engine/figure/series_look.h"
#include "engine/figure/side_by_side.h"
#include "engine/figure/text_width.h"

#include <algorithm>
#include <cmath>

namespace blockcert::figure {

namespace {

constexpr double margin = 12;
constexpr double gapBetweenPanels = 16;
constexpr double legendSample = 30;
constexpr double legendRow = 18;
constexpr double lineHeight = 16;

int columnsOf(const Figure& figure)
{
    return std::max(1, std::min(figure.columns, static_cast<int>(figure.panels.size())));
}

Looks looksOf(const Figure& figure)
{
    Looks looks;
    const auto number = [](auto& map, const std::string& name) { map.try_emplace(name, static_cast<int>(map.size())); };
    for (const Panel& panel : figure.panels) {
        for (const Series& series : panel.series)
            if (series.mark != Mark::Between)
                number(looks.series, series.name);
        for (const Rule& rule : panel.rules)
            number(looks.rules, rule.name);
        for (const Band& band : panel.bands)
            number(looks.bands, band.name);
    }
    return looks;
}

void addValues(const Panel& panel, Direction axis, std::vector<double>& values)
{
    for (const Series& series : panel.series)
        for (const Point& point : series.points) {
            if (axis == Direction::Vertical) {
                values.push_back(point.x);
                continue;
            }
            for (const auto& value : {point.y, point.lower, point.upper})
                if (value)
                    values.push_back(*value);
            if (series.mark == Mark::Bars)
                values.push_back(0);
        }
    // A vertical rule stands at an x, a horizontal one at a y.
    for (const Rule& rule : panel.rules)
        if ((rule.direction == Direction::Vertical) == (axis == Direction::Vertical))
            values.push_back(rule.at);
}

Range rangeOf(const Figure& figure, const Panel& panel, Direction axis)
{
    const auto axisOf = [&](const Panel& p) -> const Axis& { return axis == Direction::Vertical ? p.x : p.y; };
    const Axis& own = axisOf(panel);
    std::vector<double> values;
    for (const Panel& other : figure.panels) {
        const bool shares = figure.sameRange && axisOf(other).label == own.label && axisOf(other).scale == own.scale;
        if (&other == &panel || shares)
            addValues(other, axis, values);
    }
    Range range = rangeFor(values, own);
    // Round ends waste room along x, where the data already end at whole numbers.
    if (axis == Direction::Vertical && !own.ticks.empty()) {
        const auto [low, high] = std::ranges::minmax(values.empty() ? own.ticks : values);
        if (low < high && (own.scale == Scale::Linear || low > 0))
            range = {own.lower.value_or(low), own.upper.value_or(high)};
    }
    return range;
}

// One entry of the legend: its sample at the left, its name beside it.
struct Entry {
    enum class Kind : std::uint8_t { Series, Bars, Rule, Band } kind = Kind::Series;
    std::string name;
    int look = 0;
    Mark mark = Mark::LineMarkers;

    [[nodiscard]] double width() const { return legendSample + 6 + textWidth(drawable(name), labelSize) + 16; }
};

bool isSame(const Entry& a, const Entry& b)
{
    return a.name == b.name && a.kind == b.kind;
}

std::vector<Entry> entriesOf(const Panel& panel, const Looks& looks)
{
    std::vector<Entry> entries;
    const auto add = [&](Entry entry) {
        if (!entry.name.empty() &&
            std::ranges::none_of(entries, [&](const Entry& other) { return isSame(other, entry); }))
            entries.push_back(std::move(entry));
    };
    for (const Series& series : panel.series)
        add({series.mark == Mark::Bars ? Entry::Kind::Bars : Entry::Kind::Series, series.name, lookOf(looks, series),
             series.mark});
    for (const Rule& rule : panel.rules)
        add({Entry::Kind::Rule, rule.name, looks.rules.at(rule.name)});
    for (const Band& band : panel.bands)
        add({Entry::Kind::Band, band.name, looks.bands.at(band.name)});
    return entries;
}

// What every panel has stands once above them all, the rest in the panel that has it.
struct Legends {
    std::vector<Entry> common;
    std::vector<std::vector<Entry>> own; // by panel
};

Legends legendsOf(const Figure& figure, const Looks& looks)
{
    Legends legends;
    for (const Panel& panel : figure.panels)
        legends.own.push_back(entriesOf(panel, looks));
    const std::vector<std::vector<Entry>> before = legends.own;
    std::vector<Entry> all;
    for (const std::vector<Entry>& entries : before)
        for (const Entry& entry : entries)
            if (std::ranges::none_of(all, [&](const Entry& other) { return isSame(other, entry); }))
                all.push_back(entry);
    for (const Entry& entry : all) {
        const auto has = [&](const std::vector<Entry>& entries) {
            return entries.empty() ||
                   std::ranges::any_of(entries, [&](const Entry& other) { return isSame(other, entry); });
        };
        if (!std::ranges::all_of(before, has))
            continue;
        legends.common.push_back(entry);
        for (std::vector<Entry>& entries : legends.own)
            std::erase_if(entries, [&](const Entry& other) { return isSame(other, entry); });
    }
    return legends;
}

void addSample(const Entry& entry, Place at, std::vector<Shape>& shapes)
{
    const Place end{at.x + legendSample, at.y};
    const Place middle{at.x + legendSample / 2, at.y};
    switch (entry.kind) {
    case Entry::Kind::Series:
        if (entry.mark == Mark::Between) {
            shapes.emplace_back(LineShape{{at, end}, {Ink::Secondary}, 1.2, dashBetween()});
            break;
        }
        if (entry.mark == Mark::LineMarkers || entry.mark == Mark::Steps)
            shapes.emplace_back(
                LineShape{{at, end}, {Ink::Series, entry.look % seriesColours}, 1.6, dashOf(entry.look)});
        if (entry.mark != Mark::Steps)
            addMarker(entry.look, middle, shapes);
        break;
    case Entry::Kind::Bars: addBar(entry.look, {middle.x - 8, at.y + 5}, {middle.x + 8, at.y - 5}, shapes); break;
    case Entry::Kind::Rule:
        shapes.emplace_back(LineShape{{at, end}, {Ink::Threshold}, 1.2, dashOfRule(entry.look)});
        break;
    case Entry::Kind::Band:
        shapes.emplace_back(rectangle({at.x, at.y - 5}, {end.x, at.y + 5}, paintOfBand(entry.look)));
        break;
    }
}

// Entries from left to right in as many rows as they need; returns the height used.
double addLegend(const std::vector<Entry>& entries, Place at, double width, std::vector<Shape>& shapes)
{
    if (entries.empty())
        return 0;
    Place place{at.x, at.y + legendRow / 2};
    for (const Entry& entry : entries) {
        if (place.x > at.x && place.x + entry.width() > at.x + width + 16)
            place = {at.x, place.y + legendRow};
        addSample(entry, place, shapes);
        const double room = at.x + width - place.x - legendSample - 6;
        shapes.emplace_back(TextShape{{place.x + legendSample + 6, place.y + 4},
                                      fitted(drawable(entry.name), labelSize, room),
                                      labelSize,
                                      Anchor::Start,
                                      {Ink::Text}});
        place.x += entry.width();
    }
    return place.y + legendRow / 2 - at.y + 8;
}

double addLines(const std::string& text, Place at, double width, double size, Paint paint, bool strong,
                std::vector<Shape>& shapes)
{
    double used = 0;
    for (const std::string& line : wrapped(drawable(text), size * (strong ? 1.125 : 1), width)) {
        used += size + 4;
        shapes.emplace_back(TextShape{{at.x, at.y + used - 4}, line, size, Anchor::Start, paint, strong});
    }
    return used;
}

void addPanelLabels(const Panel& panel, const Box& plot, const Box& cell, bool withYLabel, std::vector<Shape>& shapes)
{
    if (!panel.title.empty())
        shapes.emplace_back(TextShape{{plot.left, cell.top + labelSize},
                                      fitted(drawable(panel.title), labelSize, cell.right - plot.left, true),
                                      labelSize,
                                      Anchor::Start,
                                      {Ink::Text},
                                      true});
    if (!panel.x.label.empty())
        shapes.emplace_back(TextShape{{(plot.left + plot.right) / 2, cell.bottom - 4},
                                      fitted(drawable(panel.x.label), labelSize, cell.width()),
                                      labelSize,
                                      Anchor::Middle,
                                      {Ink::Text}});
    if (withYLabel)
        shapes.emplace_back(TextShape{{cell.left + labelSize, (plot.top + plot.bottom) / 2},
                                      fitted(drawable(panel.y.label), labelSize, cell.height()),
                                      labelSize,
                                      Anchor::Middle,
                                      {Ink::Text},
                                      false,
                                      -90});
}

// Said once for a row of panels that share the axis: one name and one range.
bool hasYLabel(const Figure& figure, std::size_t panel)
{
    const Axis& axis = figure.panels[panel].y;
    if (axis.label.empty() || panel % static_cast<std::size_t>(columnsOf(figure)) == 0)
        return !axis.label.empty();
    const Axis& before = figure.panels[panel - 1].y;
    const bool isOneRange = figure.sameRange || (axis == before && axis.lower && axis.upper);
    return axis.label != before.label || !isOneRange;
}

// The columns of a figure: margins are those of the widest panel, data areas are equally wide.
struct Columns {
    std::vector<double> left; // where the data area begins
    std::vector<double> margin;
    double plotWidth = 0;
};

Columns columnsFor(const Figure& figure, const std::vector<PreparedPanel>& panels)
{
    const auto count = static_cast<std::size_t>(columnsOf(figure));
    Columns columns;
    columns.margin.resize(count);
    std::vector<double> right(count);
    for (std::size_t i = 0; i < panels.size(); ++i) {
        double& widest = columns.margin[i % count];
        widest = std::max(widest, panels[i].leftMargin);
        right[i % count] = std::max(right[i % count], rightMarginOf(*panels[i].panel));
    }
    double free = figure.width - 2 * margin - gapBetweenPanels * static_cast<double>(count - 1);
    for (std::size_t c = 0; c < count; ++c)
        free -= columns.margin[c] + right[c];
    columns.plotWidth = free / static_cast<double>(count);
    double x = margin;
    for (std::size_t c = 0; c < count; ++c) {
        columns.left.push_back(x + columns.margin[c]);
        x += columns.margin[c] + columns.plotWidth + right[c] + gapBetweenPanels;
    }
    return columns;
}

bool hasWholeX(const Panel& panel)
{
    std::vector<double> values;
    addValues(panel, Direction::Vertical, values);
    return panel.x.scale == Scale::Linear && !values.empty() &&
           std::ranges::all_of(values, [](double x) { return std::isfinite(x) && x == std::round(x); });
}

std::vector<PreparedPanel> preparedPanels(const Figure& figure)
{
    std::vector<PreparedPanel> prepared;
    for (const Panel& panel : figure.panels) {
        PreparedPanel one{&panel, rangeOf(figure, panel, Direction::Vertical),
                          rangeOf(figure, panel, Direction::Horizontal)};
        one.wholeX = hasWholeX(panel);
        one.leftMargin = leftMarginOf(panel, one.y, figure.panelHeight - 60) +
                         (hasYLabel(figure, prepared.size()) ? labelSize + 8 : 0);
        prepared.push_back(one);
    }
    return prepared;
}

// Row by row, a row as high as its highest legend and a panel need; returns the height used.
double addPanels(const Figure& figure, const std::vector<PreparedPanel>& prepared, const Looks& looks,
                 const Legends& legends, double top, Drawing& drawing)
{
    std::vector<Shape>& shapes = drawing.shapes;
    const Columns columns = columnsFor(figure, prepared);
    const std::size_t count = columns.left.size();
    const double begin = top;
    for (std::size_t row = 0; row < prepared.size(); row += count) {
        const std::size_t end = std::min(prepared.size(), row + count);
        double bottom = 0;
        double legendHeight = 0;
        for (std::size_t i = row; i < end && columns.plotWidth >= 20; ++i) {
            std::vector<Shape> measured;
            bottom = std::max(bottom, bottomMarginOf(*prepared[i].panel, columns.plotWidth));
            legendHeight = std::max(legendHeight, addLegend(legends.own[i], {}, columns.plotWidth, measured));
        }
        for (std::size_t i = row; i < end; ++i) {
            const Panel& panel = *prepared[i].panel;
            Box cell;
            cell.left = columns.left[i % count] - columns.margin[i % count];
            cell.top = top;
            cell.right = columns.left[i % count] + columns.plotWidth + rightMarginOf(panel);
            cell.bottom = cell.top + legendHeight + figure.panelHeight;
            const Box plot{columns.left[i % count], cell.top + labelSize + 10 + legendHeight,
                           columns.left[i % count] + columns.plotWidth, cell.bottom - bottom};
            if (plot.width() < 20 || plot.height() < 20)
                continue; // no room for data
            addLegend(legends.own[i], {plot.left, cell.top + labelSize + 6}, columns.plotWidth, shapes);
            if (panel.heat) {
                addHeat(panel, plot, shapes);
            } else {
                addPlot(prepared[i], plot, looks, static_cast<int>(i), drawing);
            }
            addPanelLabels(panel, plot, cell, hasYLabel(figure, i), shapes);
        }
        top += legendHeight + figure.panelHeight + gapBetweenPanels;
    }
    return top - begin;
}

}

Drawing layOut(const Figure& figure)
{
    Drawing drawing;
    drawing.width = figure.width;
    std::vector<Shape>& shapes = drawing.shapes;
    AreaShape page{{}, {Ink::Paper}}; // as high as everything upon it
    shapes.emplace_back(page);
    const double inner = figure.width - 2 * margin;
    double y = margin;
    y += addLines(figure.title, {margin, y}, inner, titleSize, {Ink::Text}, true, shapes);
    y += addLines(figure.scope, {margin, y}, inner, labelSize, {Ink::Secondary}, false, shapes) + 8;
    const Looks looks = looksOf(figure);
    const Legends legends = legendsOf(figure, looks);
    const std::vector<PreparedPanel> prepared = preparedPanels(figure);
    y += addLegend(legends.common, {margin, y}, inner, shapes);
    y += addPanels(figure, prepared, looks, legends, y, drawing);
    std::string caption = figure.caption;
    // Also under a picture without a caption: without it a curve seems to be missing.
    if (const std::string agreements = agreementsIn(figure, prepared); !agreements.empty())
        caption += (caption.empty() ? "" : " ") + agreements;
    y += addLines(caption, {margin, y}, inner, labelSize, {Ink::Secondary}, false, shapes);
    drawing.height = std::ceil(y + margin);
    page.points = rectangle({0, 0}, {drawing.width, drawing.height}, {}).points;
    shapes.front() = page;
    return drawing;
}

}
