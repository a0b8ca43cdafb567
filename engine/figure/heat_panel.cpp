#include "engine/figure/figure_text.h"
#include "engine/figure/panel_frame.h"
#include "engine/figure/series_look.h"
#include "engine/figure/text_width.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace blockcert::figure {

namespace {

constexpr double barWidth = 12;
constexpr int barSteps = 24; // on either side of the threshold

// The range of the colours, with the threshold strictly inside so that both ramps have room.
Range colourRange(const Heat& heat)
{
    std::vector<double> values = {heat.threshold};
    for (const auto& cell : heat.cells)
        if (cell)
            values.push_back(*cell);
    Axis axis;
    axis.scale = heat.scale;
    Range range = rangeFor(values, axis);
    if (heat.scale == Scale::Log) {
        range.lower = std::min(range.lower, heat.threshold / 10);
        range.upper = std::max(range.upper, heat.threshold * 10);
    } else {
        const double room = (range.upper - range.lower) / 10;
        range.lower = std::min(range.lower, heat.threshold - room);
        range.upper = std::max(range.upper, heat.threshold + room);
    }
    return range;
}

Paint paintOf(double value, const Heat& heat, const Range& range)
{
    const double share = std::clamp(shareOf(value, range, heat.scale), 0.0, 1.0);
    const double turn = shareOf(heat.threshold, range, heat.scale);
    if (value <= heat.threshold)
        return {Ink::Covered, 0, share / turn};
    return {Ink::Uncovered, 0, (share - turn) / (1 - turn)};
}

void addColourBar(const Heat& heat, const Range& range, const Box& plot, std::vector<Shape>& shapes)
{
    const double left = plot.right + 14;
    const double turn = shareOf(heat.threshold, range, heat.scale);
    const auto y = [&](double share) { return plot.bottom - share * plot.height(); };
    for (int side = 0; side < 2; ++side)
        for (int i = 0; i < barSteps; ++i) {
            const double from = static_cast<double>(i) / barSteps;
            const double to = static_cast<double>(i + 1) / barSteps;
            const auto at = [&](double share) { return side == 0 ? share * turn : turn + share * (1 - turn); };
            // Half a pixel of overlap, so that no seam shows between the steps.
            const double seam = side == 1 && i == barSteps - 1 ? 0 : 0.5;
            shapes.emplace_back(rectangle({left, y(at(from))}, {left + barWidth, y(at(to)) - seam},
                                          {side == 0 ? Ink::Covered : Ink::Uncovered, 0, (from + to) / 2}));
        }
    Notation notation = Notation::Shortest;
    double widest = 0;
    for (const Tick& tick : ticksFor(range, heat.scale, std::clamp(static_cast<int>(plot.height() / 30), 2, 10))) {
        if (!tick.exponent.empty())
            notation = Notation::PowerOfTen;
        widest = std::max(widest, widthOf(tick));
        const double share = shareOf(tick.value, range, heat.scale);
        if (tick.text.empty() || std::abs(y(share) - y(turn)) < tickSize)
            continue; // the threshold's own label stands there
        shapes.emplace_back(
            LineShape{{{left + barWidth, y(share)}, {left + barWidth + 3, y(share)}}, {Ink::Frame}, 0.8});
        addTickText(tick, {left + barWidth + 6, y(share) + 4}, Anchor::Start, shapes);
    }
    shapes.emplace_back(LineShape{{{left - 3, y(turn)}, {left + barWidth + 3, y(turn)}}, {Ink::Text}, 1.4});
    const Tick threshold = tickAt(heat.threshold, notation);
    widest = std::max(widest, widthOf(threshold));
    addTickText(threshold, {left + barWidth + 6, y(turn) + 4}, Anchor::Start, shapes);
    shapes.emplace_back(TextShape{{left + barWidth + widest + 21, (plot.top + plot.bottom) / 2},
                                  fitted(drawable(heat.name), tickSize, plot.height()),
                                  tickSize,
                                  Anchor::Middle,
                                  {Ink::Secondary},
                                  false,
                                  -90});
}

}

void addHeat(const Panel& panel, const Box& plot, std::vector<Shape>& shapes)
{
    const Heat& heat = *panel.heat;
    if (heat.rows.empty() || heat.columns.empty())
        return;
    const Range range = colourRange(heat);
    const double cellWidth = plot.width() / static_cast<double>(heat.columns.size());
    const double cellHeight = plot.height() / static_cast<double>(heat.rows.size());
    const double gap = std::min(cellWidth, cellHeight) > 6 ? 1 : 0;
    for (std::size_t r = 0; r < heat.rows.size(); ++r)
        for (std::size_t c = 0; c < heat.columns.size(); ++c) {
            const std::size_t index = r * heat.columns.size() + c;
            const Place corner{plot.left + static_cast<double>(c) * cellWidth,
                               plot.top + static_cast<double>(r) * cellHeight};
            const Place opposite{corner.x + cellWidth - gap, corner.y + cellHeight - gap};
            const std::optional<double> value = index < heat.cells.size() ? heat.cells[index] : std::nullopt;
            if (value && !std::isnan(*value)) {
                shapes.emplace_back(rectangle(corner, opposite, paintOf(*value, heat, range)));
            } else {
                shapes.emplace_back(rectangle(corner, opposite, {Ink::Paper}));
                addHatching(corner, opposite, 4, false, {Ink::Frame}, shapes);
            }
        }
    const auto stride = static_cast<std::size_t>(std::max(1.0, std::ceil((tickSize + 1) / cellHeight)));
    for (std::size_t r = 0; r < heat.rows.size(); r += stride) {
        const double middle = plot.top + (static_cast<double>(r) + 0.5) * cellHeight;
        shapes.emplace_back(TextShape{{plot.left - 6, middle + 4},
                                      fittedInTheMiddle(drawable(heat.rows[r]), tickSize, 150),
                                      tickSize,
                                      Anchor::End,
                                      {Ink::Secondary}});
    }
    std::vector<double> places;
    for (std::size_t c = 0; c < heat.columns.size(); ++c)
        places.push_back(plot.left + (static_cast<double>(c) + 0.5) * cellWidth);
    addNames(heat.columns, places, plot.bottom + tickSize, cellWidth, shapes);
    addColourBar(heat, range, plot, shapes);
}

}
