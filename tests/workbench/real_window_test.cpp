// The whole way once with nothing faked: X server, window, engine, verifier and the demo model.
#include "app/workbench/pages/explore_page.h"
#include "app/workbench/pages/run_page.h"
#include "app/workbench/pages/verify_page.h"
#include "app/workbench/shell/main_window.h"
#include "tests/workbench/support/qt_testing.h"
#include "widgets/theme.h"
#include "widgets/token_heatmap.h"

#include <QApplication>
#include <QElapsedTimer>
#include <QFileInfo>
#include <QImage>
#include <QProcess>
#include <QSet>
#include <QWindow>

#include <gtest/gtest.h>

#include <cmath>

namespace blockcert::workbench {
namespace {

using namespace Qt::StringLiterals;
using testing::waitUntil;

// Keys through the X server, as a person's keyboard sends them.
void press(const QString& keys)
{
    QProcess::execute(u"xdotool"_s, {u"key"_s, keys});
    QCoreApplication::processEvents();
}

// What the screen shows, kept for a look where BLOCKCERT_SCREENSHOTS names a folder.
QImage screen(QWidget& window, const QString& name)
{
    QElapsedTimer clock;
    clock.start();
    (void)waitUntil([&clock] { return clock.elapsed() > 400; }); // what is laid out or counted a moment later
    const QImage image = window.grab().toImage();
    if (const QString folder = qEnvironmentVariable("BLOCKCERT_SCREENSHOTS"); !folder.isEmpty())
        image.save(u"%1/%2.png"_s.arg(folder, name));
    return image;
}

int coloursIn(const QImage& image)
{
    QSet<QRgb> colours;
    for (int y = 0; y < image.height(); y += 2) {
        for (int x = 0; x < image.width(); x += 2)
            colours.insert(image.pixel(x, y));
    }
    return static_cast<int>(colours.size());
}

TEST(RealWindow, OpensTheDemoMeasuresABlockExploresAndVerifiesIt)
{
    ASSERT_EQ(QGuiApplication::platformName(), u"xcb"_s);
    ASSERT_TRUE(QFileInfo::exists(qEnvironmentVariable("BLOCKCERT_DEMO_MODEL")));
    const QTemporaryDir runs;
    Preferences preferences;
    preferences.setRunFolder(runs.path());
    preferences.setToolPath(testing::programPath(u"blockcert"_s));
    widgets::applyAppearance(*qApp, widgets::Appearance::Light);
    Session session;
    session.engine.setCommand({testing::programPath(u"blockcert-engine"_s), {u"serve"_s}});
    MainWindow window(session);
    window.resize(1440, 900);
    window.show();
    ASSERT_TRUE(waitUntil([&] { return window.isActiveWindow() || window.windowHandle()->isExposed(); }));
    window.activateWindow();
    QProcess::execute(u"xdotool"_s, {u"windowfocus"_s, QString::number(window.winId())});

    window.openPath(u"demo"_s);
    ASSERT_TRUE(waitUntil([&] { return session.model.card().isReady() && session.prompts.list().isReady(); }, 60000))
        << session.model.card().fault.sentence.toStdString() << session.prompts.list().fault.sentence.toStdString();
    EXPECT_EQ(session.model.card().value->layers, 30);
    EXPECT_GT(coloursIn(screen(window, u"1-open"_s)), 20);

    press(u"alt+2"_s);
    ASSERT_TRUE(waitUntil([&] { return window.page() == MainWindow::Run; })) << "Alt+2 reaches the window";
    RunSettings settings = window.runPage().settings();
    settings.blocks = u"11"_s;
    window.runPage().showSettings(settings, 30);
    ASSERT_TRUE(waitUntil([&] { return session.launcher.estimate().isReady(); }, 60000))
        << session.launcher.estimate().fault.sentence.toStdString();
    EXPECT_EQ(session.launcher.estimate().value->cells, 4);
    screen(window, u"2-run"_s);

    press(u"ctrl+r"_s);
    ASSERT_TRUE(waitUntil([&] { return session.launcher.state() == RunLauncher::State::Running; }));
    ASSERT_TRUE(waitUntil([&] { return session.launcher.state() != RunLauncher::State::Running; }, 240000));
    ASSERT_EQ(session.launcher.state(), RunLauncher::State::Finished)
        << session.launcher.fault().sentence.toStdString();
    ASSERT_TRUE(waitUntil([&] { return session.run.run().isReady(); }, 60000))
        << session.run.run().fault.sentence.toStdString();

    press(u"alt+3"_s);
    ASSERT_TRUE(waitUntil([&] { return window.page() == MainWindow::Explore; }));
    const std::shared_ptr<const widgets::TokenMap> map = window.explorePage().map();
    ASSERT_TRUE(map);
    ASSERT_EQ(map->blocks, std::vector<int>{11});
    ASSERT_EQ(map->prompts.size(), 4U);
    for (std::size_t prompt = 0; prompt < map->prompts.size(); ++prompt) {
        const widgets::MapCell* cell = map->cell(0, prompt);
        ASSERT_NE(cell, nullptr);
        ASSERT_EQ(cell->error.size(), map->prompts[prompt].tokens.size());
        for (const double error : cell->error)
            EXPECT_TRUE(std::isfinite(error) && error >= 0);
    }
    ASSERT_TRUE(waitUntil([&] { return window.explorePage().selection().isValid(); }));
    EXPECT_GT(coloursIn(screen(window, u"3-explore"_s)), 40);

    press(u"alt+4"_s);
    ASSERT_TRUE(waitUntil([&] { return window.page() == MainWindow::Verify; }));
    VerifyRequest request = session.verdict.request();
    EXPECT_EQ(request.path, session.launcher.running().out);
    request.model = qEnvironmentVariable("BLOCKCERT_DEMO_MODEL");
    emit window.verifyPage().verifyWanted(request);
    ASSERT_TRUE(waitUntil([&] { return !session.verdict.verdict().isLoading(); }, 240000));
    ASSERT_TRUE(session.verdict.verdict().isReady()) << session.verdict.verdict().fault.sentence.toStdString();
    EXPECT_EQ(session.verdict.verdict().value->state, CheckState::Verified)
        << session.verdict.verdict().value->sentence.toStdString();
    EXPECT_EQ(session.verdict.verdict().value->level, 3);
    screen(window, u"4-verify"_s);
    EXPECT_TRUE(session.board.problems().isEmpty()) << session.board.problems().join(u'\n').toStdString();

    widgets::applyAppearance(*qApp, widgets::Appearance::Dark);
    window.showPage(MainWindow::Explore);
    EXPECT_GT(coloursIn(screen(window, u"5-explore-dark"_s)), 40);
}

}
}
