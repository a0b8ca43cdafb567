#include "widgets/heatmap_raster.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

namespace blockcert::widgets {

namespace {

struct Span {
    int begin = 0;
    int end = 0; // exclusive, in device pixels
};

// Colours by step, shifted by two: heading, missing, then the ten steps.
struct Inks {
    std::array<QRgb, ErrorScale::steps> steps{};
    QRgb background = 0;
    QRgb hatch = 0;
};

Inks inksOf(const ErrorScale& scale, const Tokens& tokens)
{
    Inks inks;
    for (int step = 0; step < ErrorScale::steps; ++step)
        inks.steps[static_cast<std::size_t>(step)] = scale.colourOf(step, tokens).rgb();
    inks.background = tokens.window.rgb();
    inks.hatch = tokens.hatch.rgb();
    return inks;
}

// Gaps are a whole number of device pixels and edges are snapped, so all gaps look alike at 150 %.
std::vector<Span> columnSpans(const HeatmapGeometry& grid, const QRectF& visible, double ratio, int width, int gap)
{
    std::vector<Span> spans(static_cast<std::size_t>(grid.columns()));
    for (int column = 0; column < grid.columns(); ++column) {
        const int begin = qRound((column * grid.cellWidth() - visible.left()) * ratio);
        const int end = qRound(((column + 1) * grid.cellWidth() - visible.left()) * ratio) - gap;
        spans[static_cast<std::size_t>(column)] = {std::clamp(begin, 0, width), std::clamp(end, 0, width)};
    }
    return spans;
}

enum class Wanted : std::uint8_t { Large, Small, FarFromZero };

// Of steps, not of values: coverage has its worst step last.
Wanted wantedOf(const ErrorScale& scale)
{
    if (scale.isDiverging())
        return Wanted::FarFromZero;
    return scale.striking() == Striking::Large || scale.isCoverage() ? Wanted::Large : Wanted::Small;
}

// Of two steps the one that wants attention: large errors, small margins, large differences of either sign. Missing
// gives way to anything measured.
std::int8_t mostStriking(std::int8_t a, std::int8_t b, Wanted wanted)
{
    const bool large = wanted == Wanted::Large;
    if (wanted == Wanted::FarFromZero && a >= 0 && b >= 0)
        return std::abs(2 * a - (ErrorScale::steps - 1)) >= std::abs(2 * b - (ErrorScale::steps - 1)) ? a : b;
    return large || a < 0 || b < 0 ? std::max(a, b) : std::min(a, b);
}

// Columns thinner than a pixel share it: the most striking step of each pixel, as columns of one pixel.
void mergeColumns(const std::int8_t* steps, const std::vector<Span>& spans, Wanted wanted,
                  std::vector<std::int8_t>& pixels)
{
    std::fill(pixels.begin(), pixels.end(), std::int8_t{-2});
    for (std::size_t column = 0; column < spans.size(); ++column)
        for (int x = spans[column].begin; x < spans[column].end; ++x) {
            std::int8_t& pixel = pixels[static_cast<std::size_t>(x)];
            pixel = mostStriking(pixel, steps[column], wanted);
        }
}

void drawLine(QRgb* line, int y, const std::int8_t* steps, const std::vector<Span>& spans, const Inks& inks, int period,
              int thickness)
{
    for (std::size_t column = 0; column < spans.size(); ++column) {
        const int step = steps[column];
        const Span span = spans[column];
        if (step >= 0) {
            std::fill(line + span.begin, line + span.end, inks.steps[static_cast<std::size_t>(step)]);
        } else if (step == -1) {
            for (int x = span.begin; x < span.end; ++x)
                if ((x + y) % period < thickness)
                    line[x] = inks.hatch;
        }
    }
}

}

void rasteriseCells(QImage& image, const HeatmapValues& values, const HeatmapGeometry& grid, const QRectF& visible,
                    double devicePixelRatio, const ErrorScale& scale, const Tokens& tokens)
{
    const QSize size = (visible.size() * devicePixelRatio).toSize();
    if (image.size() != size || image.format() != QImage::Format_RGB32)
        image = QImage(size, QImage::Format_RGB32);
    image.setDevicePixelRatio(devicePixelRatio);
    if (size.isEmpty())
        return;
    const Inks inks = inksOf(scale, tokens);
    image.fill(inks.background);
    if (values.rows() == 0 || values.columns() == 0)
        return;

    const int pixel = std::max(1, qRound(devicePixelRatio));
    const int columnGap = grid.cellWidth() >= 6 ? pixel : 0;
    const int rowGap = grid.cellHeight() >= 6 ? pixel : 0;
    const int period = 6 * pixel;
    const Wanted wanted = wantedOf(scale);
    std::vector<Span> spans = columnSpans(grid, visible, devicePixelRatio, size.width(), columnGap);
    const bool thinColumns = grid.cellWidth() * devicePixelRatio < 1;
    std::vector<Span> pixelSpans;
    std::vector<std::int8_t> pixels;
    if (thinColumns) {
        // Every column touches at least one pixel, so that none is lost.
        for (Span& span : spans) {
            span.begin = std::min(span.begin, size.width() - 1);
            span.end = std::max(span.end, span.begin + 1);
        }
        pixels.resize(static_cast<std::size_t>(size.width()));
        for (int x = 0; x < size.width(); ++x)
            pixelSpans.push_back({x, x + 1});
    }
    const auto draw = [&](QRgb* line, int y, const std::int8_t* steps) {
        if (!thinColumns) {
            drawLine(line, y, steps, spans, inks, period, pixel);
            return;
        }
        mergeColumns(steps, spans, wanted, pixels);
        drawLine(line, y, pixels.data(), pixelSpans, inks, period, pixel);
    };
    const double contentBottom = grid.contentSize().height();
    std::vector<std::int8_t> merged(static_cast<std::size_t>(values.columns()));
    int drawnRow = -1; // the row whose finished line stands in the previous scan line
    for (int y = 0; y < size.height(); ++y) {
        const double top = visible.top() + y / devicePixelRatio;
        if (top >= contentBottom)
            break;
        auto* line = reinterpret_cast<QRgb*>(image.scanLine(y));
        const bool thin = grid.cellHeight() * devicePixelRatio < 1;
        // Thin rows: every row that touches the pixel; else the one row under its centre.
        const int first = grid.rowAt(thin ? top : top + 0.5 / devicePixelRatio);
        const int end = qRound((grid.rowTop(first + 1) - visible.top()) * devicePixelRatio);
        const std::int8_t* steps = values.stepRow(first);
        if (thin) {
            const int last = grid.rowAt(std::min(contentBottom - 1e-9, top + 1 / devicePixelRatio));
            std::copy_n(steps, merged.size(), merged.begin());
            for (int row = first + 1; row <= last; ++row) {
                const std::int8_t* other = values.stepRow(row);
                for (std::size_t column = 0; column < merged.size(); ++column)
                    merged[column] = mostStriking(merged[column], other[column], wanted);
            }
            draw(line, y, merged.data());
            continue;
        }
        if (y >= end - rowGap)
            continue;
        const bool hatched = std::find(steps, steps + values.columns(), std::int8_t{-1}) != steps + values.columns();
        if (first == drawnRow && !hatched) {
            std::memcpy(line, image.constScanLine(y - 1), static_cast<std::size_t>(size.width()) * sizeof(QRgb));
            continue;
        }
        draw(line, y, steps);
        drawnRow = first;
    }
}

}
