// Where the window is: what a restart restores, and which runs it lists as what.
#include "app/workbench/pages/explore_page.h"
#include "app/workbench/pages/open_page.h"
#include "app/workbench/pages/run_page.h"
#include "app/workbench/session/run_shelf.h"
#include "tests/workbench/support/bench.h"

#include <QApplication>
#include <QDir>
#include <QFile>
#include <QFileInfo>
#include <QPushButton>
#include <QTemporaryDir>

#include <gtest/gtest.h>

namespace blockcert::workbench {
namespace {

using namespace Qt::StringLiterals;
using testing::engineScript;
using testing::fullRun;
using testing::once;
using testing::showScript;
using testing::steps;
using testing::waitUntil;
using testing::Workbench;

QPushButton* buttonOf(QWidget& parent, const QString& text)
{
    for (QPushButton* button : parent.findChildren<QPushButton*>()) {
        if (button->text() == text && button->isVisibleTo(&parent))
            return button;
    }
    return nullptr;
}

TEST(Place, ARestartOpensWhatWasOpen)
{
    Json script = engineScript();
    script["open"].push_back(script["open"][0]);
    script["tokenize"].push_back(script["tokenize"][0]);
    Workbench bench(script, showScript());
    bench.start();
    const QString model = bench.makeRunFolder(u"model.gguf"_s, false);
    bench.window->openModel(model);
    ASSERT_TRUE(waitUntil([&] { return bench.session->model.card().isReady(); }));
    const QString run = bench.makeRunFolder(u"given.blockcert"_s, true);
    bench.drop(run);
    ASSERT_TRUE(waitUntil([&] { return bench.session->run.run().isReady(); }));
    bench.window->explorePage().select({1, 1, 1});
    bench.stop();

    bench.tool().rewrite(showScript().dump());
    bench.start();
    bench.window->restorePlace();
    EXPECT_EQ(bench.window->page(), MainWindow::Explore);
    ASSERT_TRUE(waitUntil([&] { return bench.session->run.run().isReady() && bench.session->model.card().isReady(); }));
    EXPECT_EQ(bench.session->run.path(), run);
    EXPECT_EQ(bench.session->model.name(), model);
    EXPECT_EQ(bench.session->verdict.request().path, run);
    EXPECT_EQ(bench.window->explorePage().selection(), (widgets::CellKey{1, 1, 1}));
}

TEST(Place, RunsFromElsewhereAreListedWithThoseOfTheFolder)
{
    const QTemporaryDir own;
    const QTemporaryDir other;
    const auto make = [](const QString& path) {
        QDir().mkpath(path);
        QFile file(path + u"/run.json"_s);
        EXPECT_TRUE(file.open(QIODevice::WriteOnly));
        return path;
    };
    const QString here = make(own.filePath(u"here.blockcert"_s));
    const QString there = make(other.filePath(u"there.blockcert"_s));
    QStringList listed;
    for (const ShelvedRun& run :
         runsIn(own.path(), {there, here, other.filePath(u"gone.blockcert"_s), other.path()}).runs)
        listed << run.path;
    listed.sort();
    QStringList expected{here, there};
    expected.sort();
    EXPECT_EQ(listed, expected);
}

TEST(Place, WhatIsGoneIsNotMissed)
{
    Workbench bench(engineScript());
    Preferences preferences;
    preferences.setLastPlace({MainWindow::Explore, u"/nowhere/model.gguf"_s, u"/nowhere/run"_s, u"/nowhere/run"_s, {}});
    bench.start();
    bench.window->restorePlace();
    EXPECT_EQ(bench.window->page(), MainWindow::Open);
    EXPECT_TRUE(bench.session->run.path().isEmpty());
    EXPECT_TRUE(Workbench::noticeOn(bench.window->openPage()).isEmpty()) << "a start is no occasion for a complaint";
}

TEST(Place, TheRunThatGoesOnIsNotListedAsUnfinished)
{
    Json script = engineScript();
    script["certify"] = once(steps({testing::cellProgress(0, 0, 1), Json{{"sleep", 60000}}}));
    Workbench bench(script, showScript(false));
    bench.start();
    ASSERT_TRUE(bench.openModel());
    (void)bench.makeRunFolder(u"older.blockcert"_s, false);
    (void)bench.makeRunFolder(QFileInfo(bench.window->runPage().settings().out).fileName(), false);
    RunSettings settings = bench.window->runPage().settings();
    bench.run();
    ASSERT_TRUE(waitUntil([&] { return bench.session->launcher.state() == RunLauncher::State::Running; }));
    const auto resumable = [&] {
        QStringList names;
        for (const QPushButton* button : bench.window->runPage().side()->findChildren<QPushButton*>()) {
            if (button->text() == "Resume"_L1 && button->accessibleName().startsWith(u"Resume "_s))
                names << button->accessibleName();
        }
        return names;
    };
    EXPECT_TRUE(waitUntil([&] { return resumable() == QStringList(u"Resume older"_s); }))
        << resumable().join(u", "_s).toStdString();
    emit bench.window->runPage().cancelWanted();
    ASSERT_TRUE(waitUntil([&] { return bench.session->launcher.state() == RunLauncher::State::Cancelled; }));
}

TEST(Place, AfterTheEngineDiedTwiceResumeIsThePrimaryButton)
{
    Json script = engineScript();
    script["certify"] = Json::array();
    for (int death = 0; death < 2; ++death)
        script["certify"].push_back(steps({testing::cellProgress(0, 0, 1), Json{{"crash", 9}}}));
    script["certify"].push_back(fullRun());
    Json tool = Json::object();
    tool["show"] = Json::array();
    tool["show"].push_back(steps({Json{{"json", testing::showAnswer("run", false)}}}));
    tool["show"].push_back(steps({Json{{"json", testing::showAnswer("run", true)}}}));
    Workbench bench(script, tool);
    bench.start();
    ASSERT_TRUE(bench.openModel());
    QWidget& side = *bench.window->runPage().side();
    bench.window->showPage(MainWindow::Run);
    ASSERT_TRUE(buttonOf(side, u"Run"_s));
    bench.run();
    ASSERT_TRUE(waitUntil([&] { return bench.session->launcher.state() == RunLauncher::State::Failed; }));
    ASSERT_TRUE(waitUntil([&] { return bench.session->run.run().isReady(); }));
    QPushButton* resume = buttonOf(side, u"Resume"_s);
    ASSERT_TRUE(resume);
    EXPECT_EQ(resume->property("role").toString(), u"primary"_s);
    EXPECT_TRUE(buttonOf(side, u"Start a new run"_s));
    resume->click();
    ASSERT_TRUE(waitUntil([&] { return bench.session->launcher.state() == RunLauncher::State::Finished; }));
    EXPECT_TRUE(buttonOf(side, u"Run"_s)) << "nothing is left to resume";
}

// 1024 × 700, and 1440 × 900 at a scale of 150 %.
TEST(Place, EveryPageFitsASmallScreen)
{
    Workbench bench(engineScript(), showScript());
    bench.start();
    ASSERT_TRUE(bench.openModel());
    bench.drop(bench.makeRunFolder(u"given.blockcert"_s, true));
    ASSERT_TRUE(waitUntil([&] { return bench.session->run.run().isReady(); }));
    bench.window->resize(960, 600);
    for (const MainWindow::Page page :
         {MainWindow::Open, MainWindow::Run, MainWindow::Explore, MainWindow::Verify, MainWindow::Certificate}) {
        bench.window->showPage(page);
        QApplication::processEvents();
        const QSize least = bench.window->minimumSizeHint();
        EXPECT_LE(least.width(), 960) << "page " << page;
        EXPECT_LE(least.height(), 600) << "page " << page;
    }
}

}
}
