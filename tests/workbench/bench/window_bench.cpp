// Drags, scrolls and walks through a large run in the whole window and prints how long the GUI thread was held each
// time: window_bench [TOKENS [BLOCKS]], offscreen with QT_QPA_PLATFORM=offscreen.
#include "app/workbench/pages/explore_page.h"
#include "app/workbench/pages/stitch_page.h"
#include "app/workbench/shell/main_window.h"
#include "app/workbench/shell/watched_application.h"
#include "widgets/gallery/samples.h"
#include "widgets/theme.h"
#include "widgets/token_heatmap.h"

#include <QMouseEvent>
#include <QScrollBar>
#include <QTemporaryDir>
#include <QWheelEvent>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

using namespace blockcert;
using workbench::GuiWork;

namespace {

struct Held {
    std::vector<double> wall;
    std::vector<double> processor;
    GuiWork slowest;

    void add(const GuiWork& work)
    {
        wall.push_back(work.milliseconds);
        processor.push_back(work.processorMs);
        if (work.milliseconds > slowest.milliseconds)
            slowest = work;
    }
};

double quantile(std::vector<double>& values, double share)
{
    if (values.empty())
        return 0;
    const auto at = values.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
    std::nth_element(values.begin(), at, values.end());
    return *at;
}

// Every step is followed by what the event loop has to do then: repaints, the inspector, the crumbs.
void measure(const char* what, workbench::WatchedApplication& application, int steps,
             const std::function<void(int)>& step)
{
    Held session;
    application.watch([&session](const GuiWork& work) { session.add(work); }, 0.2);
    for (int i = 0; i < steps; ++i) {
        step(i);
        QCoreApplication::processEvents();
    }
    QCoreApplication::processEvents();
    application.watch({});
    std::printf("%-32s %6zu events   ms p50 %6.2f  p99 %6.2f  max %6.2f   processor ms p99 %6.2f  max %6.2f\n", what,
                session.wall.size(), quantile(session.wall, 0.5), quantile(session.wall, 0.99),
                quantile(session.wall, 1), quantile(session.processor, 0.99), quantile(session.processor, 1));
    if (session.slowest.milliseconds > workbench::WatchedApplication::frameMs)
        std::printf("    slowest: %s\n", qPrintable(sentenceOf(session.slowest)));
}

void move(QWidget& on, const QPointF& to, Qt::MouseButtons buttons)
{
    QCoreApplication::postEvent(
        &on, new QMouseEvent(QEvent::MouseMove, to, on.mapToGlobal(to), Qt::NoButton, buttons, Qt::NoModifier));
}

void button(QWidget& on, QEvent::Type type, const QPointF& at)
{
    QCoreApplication::postEvent(&on, new QMouseEvent(type, at, on.mapToGlobal(at), Qt::LeftButton,
                                                     type == QEvent::MouseButtonPress ? Qt::LeftButton : Qt::NoButton,
                                                     Qt::NoModifier));
}

}

int main(int argc, char** argv)
{
    const QTemporaryDir home; // neither settings nor runs of the user
    for (const char* variable : {"HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"})
        qputenv(variable, home.path().toUtf8());
    workbench::WatchedApplication application(argc, argv);
    const int tokens = argc > 1 ? std::max(64, std::atoi(argv[1])) : 2048;
    const int blocks = argc > 2 ? std::max(2, std::atoi(argv[2])) : 32;
    workbench::Session session;
    widgets::applyAppearance(application, widgets::Appearance::Light);
    workbench::MainWindow window(session);
    window.resize(1600, 1000);
    window.show();
    QCoreApplication::processEvents();

    workbench::RunView view;
    view.path = QStringLiteral("/nowhere/large.blockcert");
    view.name = QStringLiteral("large");
    view.map = widgets::samples::largeMap(tokens, blocks);
    std::vector<widgets::BlockRow> rows;
    for (const int block : view.map->blocks) {
        widgets::BlockRow& row = rows.emplace_back();
        row.block = block;
        row.state = widgets::BlockState::Certified;
        row.epsilon = 1e-3;
    }
    view.blocks = std::make_shared<const std::vector<widgets::BlockRow>>(rows);
    workbench::Loadable<workbench::RunView> run;
    std::printf("%d tokens × %d blocks, window of 1600 × 1000\n", tokens, blocks);
    // As the window does it: the page says at once that the run is being read, and shows it when that is done.
    measure("a run is asked for", application, 1, [&](int) {
        QMetaObject::invokeMethod(
            &window,
            [&] {
                run.begin(1);
                window.explorePage().setRun(view.path, run);
                window.showPage(workbench::MainWindow::Explore);
            },
            Qt::QueuedConnection);
    });
    const auto show = [&](const char* what) {
        measure(what, application, 1, [&](int) {
            QMetaObject::invokeMethod(
                &window,
                [&] {
                    run.fill(view);
                    window.explorePage().setRun(view.path, run);
                    window.stitchPage().setRun(view.path, run);
                },
                Qt::QueuedConnection);
        });
    };
    show("the run is shown");
    view.name = QStringLiteral("another");
    view.path = QStringLiteral("/nowhere/another.blockcert");
    view.map = widgets::samples::largeMap(tokens, blocks);
    show("another run takes its place");

    auto& map = *window.explorePage().findChild<widgets::TokenHeatmap*>();
    QWidget& area = *map.viewport();
    const QPointF corner(220, 60);
    measure("pointer over the cells", application, 400,
            [&](int i) { move(area, corner + QPointF((i * 7) % 500, (i * 11) % 300), Qt::NoButton); });
    measure("dragging a range", application, 300, [&](int i) {
        if (i == 0)
            button(area, QEvent::MouseButtonPress, corner);
        move(area, corner + QPointF(i, i * 1.5), Qt::LeftButton);
    });
    button(area, QEvent::MouseButtonRelease, corner + QPointF(300, 450));
    measure("scrolling through all tokens", application, 400,
            [&](int i) { map.verticalScrollBar()->setValue(map.verticalScrollBar()->maximum() * i / 400); });
    measure("zooming in and out", application, 200, [&](int i) {
        QCoreApplication::postEvent(&area,
                                    new QWheelEvent(corner, area.mapToGlobal(corner), {}, {0, i % 20 < 10 ? 120 : -120},
                                                    Qt::NoButton, Qt::ControlModifier, Qt::NoScrollPhase, false));
    });
    measure("walking by arrow keys", application, 300, [&](int i) {
        const int key = i % 4 == 3 ? Qt::Key_Right : Qt::Key_Down;
        QCoreApplication::postEvent(&map, new QKeyEvent(QEvent::KeyPress, key, Qt::NoModifier));
    });
    measure("changing the metric", application, 24, [&](int i) {
        QMetaObject::invokeMethod(
            &map,
            [&map, i] { map.setMetric(widgets::allMetrics[static_cast<std::size_t>(i) % widgets::allMetrics.size()]); },
            Qt::QueuedConnection);
    });
    for (const auto& [name, shown] :
         {std::pair("coverage", workbench::ExplorePage::Coverage),
          std::pair("failures", workbench::ExplorePage::Failures), std::pair("map", workbench::ExplorePage::Map)}) {
        measure((std::string("changing to the view: ") + name).c_str(), application, 1, [&, shown = shown](int) {
            QMetaObject::invokeMethod(
                &window, [&window, shown] { window.explorePage().showView(shown); }, Qt::QueuedConnection);
        });
    }
    return 0;
}
