// Measures full repaints of a large map in processor time, beside a plain copy of an image of the same size.
#include "widgets/check_list.h"
#include "widgets/coverage_rows.h"
#include "widgets/coverage_strip.h"
#include "widgets/gallery/samples.h"
#include "widgets/heatmap_export.h"
#include "widgets/inspector_panel.h"
#include "widgets/theme.h"
#include "widgets/token_chips.h"
#include "widgets/token_heatmap.h"
#include "widgets/view_export.h"

#include <QApplication>
#include <QImage>
#include <QPainter>
#include <QScrollBar>
#include <QWheelEvent>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <functional>
#include <vector>

using namespace blockcert::widgets;

namespace {

double processorMs()
{
    timespec now{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) * 1e-6;
}

// Median of many runs, after a warm-up.
double medianMs(int runs, const std::function<void()>& work)
{
    work();
    std::vector<double> times;
    for (int i = 0; i < runs; ++i) {
        const double begin = processorMs();
        work();
        times.push_back(processorMs() - begin);
    }
    std::nth_element(times.begin(), times.begin() + runs / 2, times.end());
    return times[static_cast<std::size_t>(runs / 2)];
}

struct Spread {
    double median = 0;
    double p99 = 0;
    double largest = 0;
};

// Of single frames; the first one is a warm-up.
Spread spreadMs(int runs, const std::function<void()>& work)
{
    work();
    std::vector<double> times;
    for (int i = 0; i < runs; ++i) {
        const double begin = processorMs();
        work();
        times.push_back(processorMs() - begin);
    }
    std::sort(times.begin(), times.end());
    return {times[times.size() / 2], times[times.size() * 99 / 100], times.back()};
}

void reportSpread(const char* name, const Spread& spread, double blit)
{
    std::printf("  %-28s %7.3f   %5.1f x copy   p99 %.3f   max %.3f\n", name, spread.median, spread.median / blit,
                spread.p99, spread.largest);
}

}

int main(int argc, char** argv)
{
    QApplication application(argc, argv);
    applyAppearance(application, Appearance::Dark);
    constexpr int width = 1600;
    constexpr int height = 1000;
    const auto map = samples::largeMap(2048, 32);
    TokenHeatmap heatmap;
    heatmap.setAttribute(Qt::WA_DontShowOnScreen);
    heatmap.resize(width, height);
    heatmap.setMap(map);
    heatmap.setPrompt(0);
    heatmap.show();
    QImage target(width, height, QImage::Format_RGB32);
    QImage picture(width, height, QImage::Format_RGB32);
    picture.fill(Qt::gray);

    const double blit = medianMs(101, [&] {
        QPainter painter(&target);
        painter.drawImage(0, 0, picture);
    });
    std::printf("2048 tokens x 32 blocks, %d x %d, CPU ms, median\n", width, height);
    std::printf("  plain copy of the image      %7.3f\n", blit);
    const auto report = [&](const char* name, double ms) {
        std::printf("  %-28s %7.3f   %5.1f x copy\n", name, ms, ms / blit);
    };
    report("full repaint, readable rows", medianMs(101, [&] { heatmap.render(&target); }));
    // Panning: every frame another scroll position, as a drag through the whole map gives.
    QScrollBar& bar = *heatmap.verticalScrollBar();
    const Spread pan = spreadMs(301, [&, frame = 0]() mutable {
        bar.setValue((frame++ * 137) % (bar.maximum() + 1));
        heatmap.render(&target);
    });
    reportSpread("pan, one frame", pan, blit);
    // Zooming: in and out around the middle, from all rows to large ones.
    const Spread zoom = spreadMs(301, [&, frame = 0]() mutable {
        const bool in = (frame++ / 20) % 2 == 0;
        const QPointF middle(width / 2.0, height / 2.0);
        QWheelEvent wheel(middle, middle, {}, QPoint(0, in ? 120 : -120), Qt::NoButton, Qt::ControlModifier,
                          Qt::NoScrollPhase, false);
        QApplication::sendEvent(heatmap.viewport(), &wheel);
        heatmap.render(&target);
    });
    reportSpread("zoom, one frame", zoom, blit);
    const Spread drag = spreadMs(301, [&, frame = 0]() mutable {
        heatmap.select(GridRange{{10, 2}, {20 + frame % 40, 8 + frame % 20}});
        ++frame;
        heatmap.render(&target);
    });
    reportSpread("selection, one frame", drag, blit);
    heatmap.zoomToFit();
    report("full repaint, all rows fitted", medianMs(101, [&] { heatmap.render(&target); }));
    int metric = 0;
    report("change of metric", medianMs(31, [&] {
               heatmap.setMetric(allMetrics[static_cast<std::size_t>(++metric % allMetrics.size())]);
           }));
    const auto cell = map->cells[5];
    report("one finished cell arrives", medianMs(31, [&] { heatmap.setCell(5, 0, cell); }));
    HeatmapLayout sorted = heatmap.view();
    report("rows and blocks sorted", medianMs(31, [&] {
               sorted.rowOrder = sorted.rowOrder == RowOrder::Value ? RowOrder::Position : RowOrder::Value;
               sorted.columnOrder = sorted.rowOrder == RowOrder::Value ? ColumnOrder::Value : ColumnOrder::Block;
               heatmap.setView(sorted);
           }));
    auto rows = std::make_shared<const CoverageRows>(coverageRows(*map));
    report("coverage of every token",
           medianMs(31, [&] { rows = std::make_shared<const CoverageRows>(coverageRows(*map)); }));
    CoverageStrip strip;
    strip.resize(1200, 900);
    strip.setMap(map, rows);
    strip.setCurrent({7, 0, 900});
    report("coverage strips painted", medianMs(31, [&] { strip.render(&target); }));
    report("map as PNG, off the window",
           medianMs(5, [&] { static_cast<void>(exportBytes(heatmapExport(heatmap), ExportFormat::Png)); }));
    InspectorPanel inspector;
    inspector.resize(336, 900);
    inspector.setMap(map);
    int token = 0;
    report("inspector of another cell", medianMs(31, [&] {
               inspector.setCell({7, 0, ++token}, false);
               inspector.render(&target);
           }));
    auto verdict = std::make_shared<VerdictView>(*samples::failed());
    const auto passed = samples::verified();
    for (int block = 0; block < 100; ++block)
        for (const CheckRow& check : passed->checks) {
            verdict->checks.push_back(check);
            verdict->checks.back().where = QStringLiteral("block %1").arg(block);
        }
    CheckList checks;
    checks.resize(900, 700);
    report("check list of 1212 rows", medianMs(11, [&] { checks.setVerdict(verdict); }));
    report("check list painted", medianMs(31, [&] { checks.render(&target); }));
    TokenChips chips;
    chips.resize(700, 500);
    const auto tokens = std::make_shared<const std::vector<Token>>(map->prompts[0].tokens);
    report("chips of 2048 tokens laid out", medianMs(31, [&] { chips.setTokens(tokens); }));
    return 0;
}
