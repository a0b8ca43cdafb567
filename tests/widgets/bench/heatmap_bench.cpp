// Measures full repaints of a large map in processor time, beside a plain copy of an image of the same size.
#include "widgets/check_list.h"
#include "widgets/gallery/samples.h"
#include "widgets/inspector_panel.h"
#include "widgets/theme.h"
#include "widgets/token_chips.h"
#include "widgets/token_heatmap.h"

#include <QApplication>
#include <QImage>
#include <QPainter>

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
    heatmap.zoomToFit();
    report("full repaint, all rows fitted", medianMs(101, [&] { heatmap.render(&target); }));
    int metric = 0;
    report("change of metric",
           medianMs(31, [&] { heatmap.setMetric(allMetrics[static_cast<std::size_t>(++metric % 6)]); }));
    const auto cell = map->cells[5];
    report("one finished cell arrives", medianMs(31, [&] { heatmap.setCell(5, 0, cell); }));
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
