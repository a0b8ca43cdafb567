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
constexpr std::size_t mostLines = 3;
constexpr double lineHeight = tickSize + 2;
constexpr double pageEdge = 12; // names that are turned reach to the left of their place

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

// The name on lines of at most `width`, broken behind blanks, hyphens and colons; none where a part is longer or more
// lines would be needed.
std::vector<std::string> broken(const std::string& name, double width)
{
    const auto trimmed = [](std::string line) {
        while (line.ends_with(' '))
            line.pop_back();
        return line;
    };
    const std::string text = drawable(name);
    std::vector<std::string> lines = {""};
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = std::min(text.find_first_of(" -:", begin), text.size() - 1) + 1;
        const std::string part = text.substr(begin, end - begin);
        begin = end;
        if (textWidth(trimmed(part), tickSize) > width)
            return {};
        if (!lines.back().empty() && textWidth(trimmed(lines.back() + part), tickSize) > width)
            lines.emplace_back();
        lines.back() += part;
    }
    std::ranges::transform(lines, lines.begin(), trimmed);
    return lines.size() <= mostLines ? lines : std::vector<std::string>();
}

enum class Writing : std::uint8_t { Level, Broken, Turned };

Writing writingOf(const std::vector<std::string>& names, double slot)
{
    if (areNumbers(names) || widest(names) + gapBetweenNames <= slot)
        return Writing::Level;
    const bool breaks = std::ranges::none_of(
        names, [&](const std::string& name) { return broken(name, slot - gapBetweenNames).empty(); });
    return breaks ? Writing::Broken : Writing::Turned;
}

std::size_t linesOf(const std::vector<std::string>& names, double slot)
{
    std::size_t most = 1;
    for (const std::string& name : names)
        most = std::max(most, broken(name, slot - gapBetweenNames).size());
    return most;
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
    const Writing writing = writingOf(names, slot);
    if (writing == Writing::Level)
        return tickSize + 6;
    if (writing == Writing::Broken)
        return static_cast<double>(linesOf(names, slot)) * lineHeight + 4;
    const double length = std::min(widest(names), longestName);
    return length * std::sin(-turn * std::numbers::pi / 180) + tickSize + 4;
}

void addNames(const std::vector<std::string>& names, const std::vector<double>& places, double baseLine, double slot,
              std::vector<Shape>& shapes)
{
    const Writing writing = writingOf(names, slot);
    if (writing == Writing::Broken) {
        for (std::size_t i = 0; i < names.size(); ++i) {
            double base = baseLine + 3;
            for (const std::string& line : broken(names[i], slot - gapBetweenNames)) {
                shapes.emplace_back(TextShape{{places[i], base}, line, tickSize, Anchor::Middle, {Ink::Secondary}});
                base += lineHeight;
            }
        }
        return;
    }
    const bool turned = writing == Writing::Turned;
    const double needed = turned ? tickSize + 2 : widest(names) + gapBetweenNames;
    const auto stride = static_cast<std::size_t>(std::max(1.0, std::ceil(needed / std::max(slot, 0.1))));
    for (std::size_t i = 0; i < names.size(); i += stride) {
        const double room = (places[i] + 4 - pageEdge) / std::cos(turn * std::numbers::pi / 180);
        if (turned)
            shapes.emplace_back(TextShape{{places[i] + 4, baseLine + 1},
                                          fitted(drawable(names[i]), tickSize, std::min(longestName, room)),
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
