// Where the window is: what a restart restores, and which runs it lists as what.
#include "app/workbench/pages/explore_page.h"
#include "app/workbench/pages/open_page.h"
#include "app/workbench/pages/run_page.h"
#include "app/workbench/session/run_shelf.h"
#include "app/workbench/shell/page_frame.h"
#include "tests/workbench/support/bench.h"
#include "widgets/rail.h"
#include "widgets/theme.h"
#include "widgets/token_heatmap.h"

#include <QAction>
#include <QApplication>
#include <QDir>
#include <QFile>
#include <QFileInfo>
#include <QPushButton>
#include <QScrollArea>
#include <QTemporaryDir>
#include <QTest>

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace blockcert::workbench {
namespace {

using namespace Qt::StringLiterals;
using testing::engineScript;
using testing::fullRun;
using testing::once;
using testing::showScript;
using testing::steps;
using testing::waitUntil;
using testing::wordsOf;
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

// Every page, each as full as it gets, in a window that must stay as it is.
class Sizes : public ::testing::Test {
protected:
    Sizes()
        : m_bench(engineScript(), twoRuns())
    {
        m_bench.start();
    }

    ~Sizes() override { widgets::setTypeScale(*qApp, 1); }

    // A run with a long name beside another one, a run in the lab, all of it verified.
    void fill()
    {
        ASSERT_TRUE(m_bench.openModel());
        const QString name = u"TinyLlama-1.1B-Chat-v1.0-intermediate-step-1431k-3T-stress-plus-refusal-prompts-"
                             "low-rank-128-all-fp32-second-try.blockcert"_s;
        m_bench.drop(m_bench.makeRunFolder(name, true));
        ASSERT_TRUE(waitUntil([&] { return m_bench.session->run.run().isReady(); }));
        emit m_bench.window->openPage().compareWanted(m_bench.makeRunFolder(u"b-"_s + name, true));
        ASSERT_TRUE(waitUntil([&] { return wordsOf(m_bench.window->explorePage()).contains(u"A is "_s); }));
        m_bench.session->lab.setRun(m_bench.session->run.path());
        m_bench.session->verdict.verify({m_bench.session->run.path(), 3, {}, {}});
        ASSERT_TRUE(waitUntil([&] { return m_bench.session->verdict.verdict().isReady(); }));
        m_bench.session->board.addProblem(u"Nothing is at /a/path/that/is/long/"_s + name);
        const std::size_t sent = m_bench.session->report.items().size() + 1;
        m_bench.window->showPage(MainWindow::Explore);
        m_bench.command(u"Send this view to the report"_s);
        ASSERT_TRUE(waitUntil([&] { return m_bench.session->report.items().size() == sent; }));
        m_bench.session->report.setExported();
    }

    void visit(const QString& page, const QSize& size)
    {
        QCoreApplication::sendPostedEvents();
        QApplication::processEvents();
        const MainWindow& window = *m_bench.window;
        EXPECT_EQ(window.size(), size) << page.toStdString();
        EXPECT_LE(window.minimumSizeHint().width(), 1000) << page.toStdString();
        EXPECT_LE(window.minimumSizeHint().height(), 720) << page.toStdString();
        for (const PageFrame* frame : window.findChildren<PageFrame*>()) {
            if (!frame->isVisible())
                continue;
            const QSize least = frame->widget()->minimumSizeHint();
            if (least.width() > frame->width() || least.height() > frame->height())
                m_scrolled << u"%1 %2: %3 × %4 in %5 × %6"_s.arg(
                    page, QString::fromLatin1(frame->widget()->metaObject()->className()),
                    QString::number(least.width()), QString::number(least.height()), QString::number(frame->width()),
                    QString::number(frame->height()));
        }
    }

    // A view that scrolls inside its page may do so downwards.
    void visitInside(const QString& view, QWidget& page)
    {
        for (const QScrollArea* area : page.findChildren<QScrollArea*>())
            if (area->isVisible() && area->horizontalScrollBarPolicy() != Qt::ScrollBarAlwaysOff &&
                area->widget()->minimumSizeHint().width() > area->width())
                m_sideways << u"%1 sideways: %2 in %3"_s.arg(view)
                                  .arg(area->widget()->minimumSizeHint().width())
                                  .arg(area->width());
    }

    // What had to scroll.
    QStringList tour(const QSize& size)
    {
        m_scrolled.clear();
        m_sideways.clear();
        MainWindow& window = *m_bench.window;
        window.resize(size);
        for (const auto& [page, name] : {std::pair{MainWindow::Open, u"Open"_s},
                                         {MainWindow::Run, u"Run"_s},
                                         {MainWindow::Verify, u"Verify"_s},
                                         {MainWindow::Lab, u"Lab"_s},
                                         {MainWindow::Report, u"Report"_s},
                                         {MainWindow::Stitch, u"Stitch"_s},
                                         {MainWindow::Experiments, u"Experiments"_s},
                                         {MainWindow::Edit, u"Edit"_s}}) {
            window.showPage(page);
            visit(name, size);
            visitInside(name, window);
        }
        emit window.explorePage().certificateWanted(1);
        visit(u"Certificate"_s, size);
        window.showPage(MainWindow::Explore);
        for (const ExplorePage::View view : {ExplorePage::Map, ExplorePage::Coverage, ExplorePage::Failures,
                                             ExplorePage::Compare, ExplorePage::Charts}) {
            window.explorePage().showView(view);
            visit(u"Explore, view %1"_s.arg(view), size);
            visitInside(u"Explore, view %1"_s.arg(view), window.explorePage());
        }
        return m_scrolled + m_sideways;
    }

    static Json twoRuns()
    {
        Json other = testing::showAnswer("other", true);
        for (Json& certificate : other["certificates"])
            certificate["subject"]["model"] = "othermodel";
        Json scenarios = Json::array();
        scenarios.push_back(steps({Json{{"json", testing::showAnswer("run", true)}}}));
        scenarios.push_back(steps({Json{{"json", other}}}));
        return {{"show", scenarios},
                {"verify", once(steps({Json{{"json", {{"verdict", testing::verdictAnswer("run", "verified")}}}}}))}};
    }

    Workbench m_bench;
    QStringList m_scrolled;
    QStringList m_sideways; // which nobody should have to scroll, whatever the type
};

TEST_F(Sizes, EveryPageFitsASmallScreen)
{
    const QSize small(1000, 720);
    EXPECT_EQ(tour(small), QStringList()) << "pages with nothing on them";
    ASSERT_NO_FATAL_FAILURE(fill());
    const QStringList scrolled = tour(small);
    EXPECT_TRUE(scrolled.isEmpty()) << scrolled.join(u'\n').toStdString();
    // In large type what is read line by line still fits; charts and the lab's tabs need more.
    m_bench.command(u"Layout: Teach"_s);
    (void)tour(small);
    for (const QString& page : {u"Stitch"_s, u"Run"_s, u"Verify"_s, u"Report"_s, u"Explore, view 2"_s})
        EXPECT_TRUE(m_sideways.filter(page).isEmpty()) << m_sideways.join(u'\n').toStdString();
    m_bench.command(u"Layout: Explore"_s);
    m_bench.command(u"Show jobs"_s);
    (void)tour(small);
    (void)tour(QSize(1366, 768));
    m_bench.command(u"Guided tour"_s);
    visit(u"guided tour"_s, QSize(1366, 768));
}

TEST_F(Sizes, AProjectorsTypeLeavesTheWindowAsItIs)
{
    const QSize size(1440, 900);
    ASSERT_NO_FATAL_FAILURE(fill());
    m_bench.command(u"Layout: Teach"_s);
    const QStringList large = tour(size);
    EXPECT_TRUE(large.isEmpty()) << large.join(u'\n').toStdString();
    m_bench.command(u"Type: for a projector"_s);
    (void)tour(size);
    m_bench.command(u"Show jobs"_s);
    (void)tour(size);
}

TEST(Place, TheRailAndItsKeysGoFromTheModelToTheReport)
{
    Workbench bench(engineScript(), showScript());
    bench.start();
    const std::vector<std::pair<MainWindow::Page, QString>> last = {{MainWindow::Stitch, u"Go to Stitch"_s},
                                                                    {MainWindow::Experiments, u"Go to Experiments"_s},
                                                                    {MainWindow::Report, u"Go to Report"_s}};
    for (int at = 0; at < 3; ++at) {
        const auto& [page, command] = last[static_cast<std::size_t>(at)];
        emit bench.window->findChild<widgets::Rail*>()->chosen(5 + at);
        EXPECT_EQ(bench.window->page(), page);
        for (const QAction* action : bench.window->actions())
            if (action->text() == command) {
                EXPECT_EQ(action->shortcut().toString(), u"Alt+%1"_s.arg(6 + at));
            }
    }
}

TEST(Place, EscapeReleasesASliceAndThenTheCell)
{
    Workbench bench(engineScript(), showScript());
    bench.start();
    bench.drop(bench.makeRunFolder(u"given.blockcert"_s, true));
    ASSERT_TRUE(waitUntil([&] { return bench.session->run.run().isReady(); }));
    ExplorePage& page = bench.window->explorePage();
    bench.window->showPage(MainWindow::Explore);
    page.showView(ExplorePage::Map);
    page.select({1, 0, 0});
    auto* map = page.findChild<widgets::TokenHeatmap*>();
    QTest::keyClick(map, Qt::Key_Down, Qt::ShiftModifier);
    QTest::keyClick(map, Qt::Key_Right, Qt::ShiftModifier);
    ASSERT_TRUE(map->selection().has_value());
    EXPECT_TRUE(wordsOf(page).contains(u"2 tokens × 2 blocks"_s)) << wordsOf(page).toStdString();
    QTest::keyClick(bench.window.get(), Qt::Key_Escape);
    EXPECT_FALSE(map->selection().has_value());
    EXPECT_TRUE(map->isHeld()) << "one thing at a time";
    EXPECT_FALSE(wordsOf(page).contains(u"2 tokens × 2 blocks"_s));
    QTest::keyClick(bench.window.get(), Qt::Key_Escape);
    EXPECT_FALSE(map->isHeld());
}

TEST(Place, NextUncoveredIsOfferedWhereThereIsOneAndLeadsToTheMap)
{
    Json everything = testing::showAnswer("run", true);
    everything["manifest"]["request"]["policy"]["tau_act"] = {{"value", 1.0}, {"hex", "0x1p+0"}};
    Json scenarios =
        Json::array({steps({Json{{"json", testing::showAnswer("run", true)}}}), steps({Json{{"json", everything}}})});
    Workbench bench(engineScript(), Json{{"show", scenarios}});
    bench.start();
    ExplorePage& page = bench.window->explorePage();
    const auto next = [&] { return buttonOf(*page.side(), u"Next uncovered"_s); };
    bench.drop(bench.makeRunFolder(u"given.blockcert"_s, true));
    ASSERT_TRUE(waitUntil([&] { return bench.session->run.run().isReady() && page.selection().isValid(); }));
    page.showView(ExplorePage::Charts);
    QApplication::processEvents();
    ASSERT_TRUE(next() && next()->isEnabled());
    next()->click();
    EXPECT_EQ(page.view(), ExplorePage::Map);
    EXPECT_EQ(page.selection(), (widgets::CellKey{2, 0, 0}));

    bench.drop(bench.makeRunFolder(u"covered.blockcert"_s, true));
    ASSERT_TRUE(waitUntil([&] { return page.map() && page.map()->thresholds.tauAct == 1; }));
    page.select({1, 0, 0});
    QApplication::processEvents();
    ASSERT_TRUE(next());
    EXPECT_FALSE(next()->isEnabled());
}

TEST(Place, EveryViewOfARunHasATitleOfItsOwn)
{
    Workbench bench(engineScript(), showScript());
    bench.start();
    bench.drop(bench.makeRunFolder(u"given.blockcert"_s, true));
    ASSERT_TRUE(waitUntil([&] { return bench.session->run.run().isReady(); }));
    ExplorePage& page = bench.window->explorePage();
    for (const auto& [view, title] : {std::pair{ExplorePage::Coverage, u"Coverage by block"_s},
                                      {ExplorePage::Failures, u"Tokens that are not covered"_s},
                                      {ExplorePage::Compare, u"Two runs side by side"_s},
                                      {ExplorePage::Charts, u"Charts of the run"_s},
                                      {ExplorePage::Map, u"Error by token and block"_s}}) {
        page.showView(view);
        EXPECT_TRUE(wordsOf(page).contains(title)) << title.toStdString();
        EXPECT_EQ(wordsOf(page).contains(u"Error by token and block"_s), view == ExplorePage::Map);
    }
}

}
}
