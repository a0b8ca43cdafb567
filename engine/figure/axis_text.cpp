#include "engine/figure/figure_text.h"
#include "engine/figure/panel_frame.h"
#include "engine/figure/text_width.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace blockcert::figure {

namespace {

constexpr double gapBetweenNames = 8;
constexpr double longestName = 128;
constexpr double turn = -38; // degrees

// Numbers may be left out between others, as on any axis; names may not.
bool areNumbers(const std::vector<std::string>& names)
{
    return std::ranges::all_of(names, [](const std::string& name) {
        return !name.empty() && name.find_first_not_of("0123456789") == std::string::npos;
    });
}

double widest(const std::vector<std::string>& names)
{
    double width = 0;
    for (const std::string& name : names)
        width = std::max(width, textWidth(drawable(name), tickSize));
    return width;
}

bool mustTurn(const std::vector<std::string>& names, double slot)
{
    return !areNumbers(names) && widest(names) + gapBetweenNames > slot;
}

}

double widthOf(const Tick& tick)
{
    return textWidth(tick.text, tickSize) + textWidth(tick.exponent, exponentSize);
}

void addTickText(const Tick& tick, Place at, Anchor anchor, std::vector<Shape>& shapes)
{
    if (tick.exponent.empty()) {
        shapes.emplace_back(TextShape{at, tick.text, tickSize, anchor, {Ink::Secondary}});
        return;
    }
    // Base and exponent meet at one place, so that it does not matter how wide the painter's font is.
    const double exponent = textWidth(tick.exponent, exponentSize);
    const double base = textWidth(tick.text, tickSize);
    double seam = at.x + base;
    if (anchor == Anchor::End)
        seam = at.x - exponent;
    else if (anchor == Anchor::Middle)
        seam = at.x + (base - exponent) / 2;
    shapes.emplace_back(TextShape{{seam, at.y}, tick.text, tickSize, Anchor::End, {Ink::Secondary}});
    shapes.emplace_back(
        TextShape{{seam + 0.5, at.y - 4.5}, tick.exponent, exponentSize, Anchor::Start, {Ink::Secondary}});
}

double heightOfNames(const std::vector<std::string>& names, double slot)
{
    if (!mustTurn(names, slot))
        return tickSize + 6;
    const double length = std::min(widest(names), longestName);
    return length * std::sin(-turn * std::numbers::pi / 180) + tickSize + 4;
}

void addNames(const std::vector<std::string>& names, const std::vector<double>& places, double baseLine, double slot,
              std::vector<Shape>& shapes)
{
    const bool turned = mustTurn(names, slot);
    const double needed = turned ? tickSize + 2 : widest(names) + gapBetweenNames;
    const auto stride = static_cast<std::size_t>(std::max(1.0, std::ceil(needed / std::max(slot, 0.1))));
    for (std::size_t i = 0; i < names.size(); i += stride) {
        if (turned)
            shapes.emplace_back(TextShape{{places[i] + 4, baseLine + 1},
                                          fitted(drawable(names[i]), tickSize, longestName),
                                          tickSize,
                                          Anchor::End,
                                          {Ink::Secondary},
                                          false,
                                          turn});
        else
            shapes.emplace_back(
                TextShape{{places[i], baseLine + 3}, drawable(names[i]), tickSize, Anchor::Middle, {Ink::Secondary}});
    }
}

}
