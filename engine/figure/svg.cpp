#include "engine/figure/svg.h"

#include "engine/figure/figure_text.h"
#include "engine/figure/lay_out.h"
#include "engine/figure/text_runs.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

namespace blockcert::figure {

namespace {

constexpr std::string_view fonts = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif";

struct Colour {
    int red = 0;
    int green = 0;
    int blue = 0;
};

// What is painted in one appearance; the same as the window's (widgets/theme.cpp, figure_view.cpp).
struct Palette {
    Colour paper;
    Colour text;
    Colour secondary;
    Colour faint;
    Colour frame;
    std::array<Colour, 8> series; // 4.5 : 1 against the paper, and different in lightness as well
    std::array<Colour, 2> bands;
    std::array<Colour, 5> cool;
    std::array<Colour, 5> warm;
};

constexpr Palette light = {
    {0xFF, 0xFF, 0xFF},
    {0x1B, 0x20, 0x27},
    {0x5B, 0x66, 0x75},
    {0xE1, 0xE5, 0xEA},
    {0x8D, 0x97, 0xA5},
    {{{0x2B, 0x66, 0xD9},
      {0xB8, 0x3D, 0x1B},
      {0x0B, 0x7A, 0x61},
      {0x7A, 0x3F, 0xA6},
      {0x8A, 0x5A, 0x00},
      {0x1B, 0x20, 0x27},
      {0xB0, 0x2A, 0x7B},
      {0x3B, 0x6E, 0x8F}}},
    {{{0xE8, 0xF0, 0xFE}, {0xFB, 0xF0, 0xDA}}},
    {{{0xF1, 0xF5, 0xF8}, {0xDC, 0xE8, 0xF0}, {0xBF, 0xD4, 0xE4}, {0x97, 0xB6, 0xD1}, {0x6C, 0x93, 0xBA}}},
    {{{0xF6, 0xC6, 0x67}, {0xEE, 0x9A, 0x3A}, {0xDE, 0x6A, 0x22}, {0xB8, 0x3D, 0x1B}, {0x7A, 0x1D, 0x14}}}};

constexpr Palette dark = {
    {0x1A, 0x1E, 0x24},
    {0xE7, 0xEA, 0xEF},
    {0xA0, 0xAA, 0xB8},
    {0x2B, 0x32, 0x3B},
    {0x6F, 0x7A, 0x89},
    {{{0x74, 0xA5, 0xFF},
      {0xFF, 0x87, 0x63},
      {0x4C, 0xC9, 0xA8},
      {0xC7, 0x9B, 0xF2},
      {0xE6, 0xB4, 0x50},
      {0xE7, 0xEA, 0xEF},
      {0xF0, 0x8C, 0xC8},
      {0x8F, 0xBE, 0xDD}}},
    {{{0x1D, 0x2C, 0x47}, {0x34, 0x29, 0x0F}}},
    {{{0x20, 0x26, 0x2E}, {0x26, 0x32, 0x3F}, {0x2F, 0x43, 0x57}, {0x3B, 0x58, 0x74}, {0x4C, 0x72, 0x97}}},
    light.warm};

Colour onRamp(const std::array<Colour, 5>& ramp, double at)
{
    const double place = std::clamp(at, 0.0, 1.0) * static_cast<double>(ramp.size() - 1);
    const auto index = std::min(static_cast<std::size_t>(place), ramp.size() - 2);
    const double share = place - static_cast<double>(index);
    const auto mix = [&](int a, int b) { return static_cast<int>(std::lround(a + (b - a) * share)); };
    const Colour& from = ramp[index];
    const Colour& to = ramp[index + 1];
    return {mix(from.red, to.red), mix(from.green, to.green), mix(from.blue, to.blue)};
}

// Writes shapes in the colours of one palette.
class ShapeWriter {
public:
    explicit ShapeWriter(const Palette& palette)
        : m_palette(palette)
    {
    }

    std::string operator()(const LineShape& line) const;
    std::string operator()(const AreaShape& area) const;
    std::string operator()(const DiscShape& disc) const;
    std::string operator()(const TextShape& text) const;

private:
    [[nodiscard]] Colour colourOf(const Paint& paint) const;
    [[nodiscard]] std::string hex(const Paint& paint) const;
    [[nodiscard]] std::string outlineOf(const Paint& paint, double width) const;

    const Palette& m_palette;
};

Colour ShapeWriter::colourOf(const Paint& paint) const
{
    const auto index = static_cast<std::size_t>(std::max(paint.index, 0));
    switch (paint.ink) {
    case Ink::Paper: return m_palette.paper;
    case Ink::Text: return m_palette.text;
    case Ink::Secondary:
    case Ink::Threshold: return m_palette.secondary;
    case Ink::Faint: return m_palette.faint;
    case Ink::Frame: return m_palette.frame;
    case Ink::Band: return m_palette.bands[index % m_palette.bands.size()];
    case Ink::Series: return m_palette.series[index % m_palette.series.size()];
    case Ink::Covered: return onRamp(m_palette.cool, paint.at);
    case Ink::Uncovered: return onRamp(m_palette.warm, paint.at);
    }
    return {};
}

std::string ShapeWriter::hex(const Paint& paint) const
{
    const Colour colour = colourOf(paint);
    return fmt::format("#{:02X}{:02X}{:02X}", colour.red, colour.green, colour.blue);
}

// Hundredths of a pixel, without zeros nobody needs and without a negative zero.
std::string length(double value)
{
    std::string text = fmt::format("{:.2f}", value);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.ends_with('.'))
        text.pop_back();
    return text == "-0" ? "0" : text;
}

std::string pointList(const std::vector<Place>& points)
{
    std::string text;
    for (const Place& point : points)
        text += (text.empty() ? "" : " ") + length(point.x) + "," + length(point.y);
    return text;
}

std::string ShapeWriter::outlineOf(const Paint& paint, double width) const
{
    return width > 0 ? fmt::format(" stroke=\"{}\" stroke-width=\"{}\"", hex(paint), length(width)) : "";
}

std::string ShapeWriter::operator()(const LineShape& line) const
{
    std::string dash;
    for (const double part : line.dash)
        dash += (dash.empty() ? "" : " ") + length(part);
    if (!dash.empty())
        dash = " stroke-dasharray=\"" + dash + "\"";
    if (line.phase != 0)
        dash += " stroke-dashoffset=\"" + length(line.phase) + "\"";
    return fmt::format("<polyline points=\"{}\" fill=\"none\"{}{} stroke-linejoin=\"round\"/>", pointList(line.points),
                       outlineOf(line.paint, line.width), dash);
}

std::string ShapeWriter::operator()(const AreaShape& area) const
{
    return fmt::format("<polygon points=\"{}\" fill=\"{}\"{}/>", pointList(area.points), hex(area.fill),
                       outlineOf(area.outline, area.outlineWidth));
}

std::string ShapeWriter::operator()(const DiscShape& disc) const
{
    return fmt::format("<circle cx=\"{}\" cy=\"{}\" r=\"{}\" fill=\"{}\"{}/>", length(disc.centre.x),
                       length(disc.centre.y), length(disc.radius), hex(disc.fill),
                       outlineOf(disc.outline, disc.outlineWidth));
}

// A subscript moves the base line down, and what follows it moves it back: tspan and dy are what every reader of SVG
// knows.
std::string markedUp(const TextShape& text)
{
    const std::string drop = length(text.size * subscriptDrop);
    std::string markup;
    bool isLow = false;
    for (const TextRun& run : textRuns(drawable(text.text))) {
        if (run.subscript)
            markup += fmt::format("<tspan dy=\"{}\" font-size=\"{}\">{}</tspan>", drop,
                                  length(text.size * subscriptSize), xmlText(run.text));
        else
            markup += isLow ? fmt::format("<tspan dy=\"-{}\">{}</tspan>", drop, xmlText(run.text)) : xmlText(run.text);
        isLow = run.subscript;
    }
    return markup;
}

std::string ShapeWriter::operator()(const TextShape& text) const
{
    static constexpr std::array<std::string_view, 3> anchors = {"start", "middle", "end"};
    const std::string x = length(text.at.x);
    const std::string y = length(text.at.y);
    const std::string markup = markedUp(text);
    // Some readers drop a blank at the beginning of an element unless they are told not to.
    const bool isInParts = markup.find("<tspan") != std::string::npos;
    return fmt::format("<text x=\"{}\" y=\"{}\" font-size=\"{}\" text-anchor=\"{}\" fill=\"{}\"{}{}{}>{}</text>", x, y,
                       length(text.size), anchors[static_cast<std::size_t>(text.anchor)], hex(text.paint),
                       text.strong ? " font-weight=\"bold\"" : "",
                       text.turned != 0 ? fmt::format(" transform=\"rotate({} {} {})\"", length(text.turned), x, y)
                                        : "",
                       isInParts ? " xml:space=\"preserve\"" : "", markup);
}

std::string description(const Figure& figure)
{
    std::string text = figure.scope;
    if (!figure.caption.empty())
        text += (text.empty() ? "" : " ") + figure.caption;
    return xmlText(text);
}

}

std::string writeSvg(const Figure& figure, SvgStyle style)
{
    Figure drawn = figure;
    if (style.bare)
        drawn.title = drawn.scope = drawn.caption = "";
    const Drawing drawing = layOut(drawn);
    const std::string width = length(drawing.width);
    const std::string height = length(drawing.height);
    const bool isInline = style.form == SvgForm::Inline;
    std::string svg = isInline ? "" : "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
    svg += fmt::format("<svg xmlns=\"http://www.w3.org/2000/svg\" version=\"1.1\"{3} width=\"{0}\" height=\"{1}\" "
                       "viewBox=\"0 0 {0} {1}\" font-family=\"{2}\">\n",
                       width, height, fonts, isInline ? " role=\"img\"" : "");
    svg += "<title>" + xmlText(figure.title) + "</title>\n<desc>" + description(figure) + "</desc>\n";
    svg += "<metadata xmlns:blockcert=\"urn:blockcert:figure:1\">\n";
    for (const auto& [name, value] : figure.metadata)
        svg += fmt::format("<blockcert:entry name=\"{}\">{}</blockcert:entry>\n", xmlText(name), xmlText(value));
    svg += "</metadata>\n";
    const ShapeWriter write(style.appearance == SvgAppearance::Dark ? dark : light);
    for (const Shape& shape : drawing.shapes)
        svg += std::visit(write, shape) + "\n";
    return svg + "</svg>\n";
}

}
