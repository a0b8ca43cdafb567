// The shell around the pages: history, layouts, the queue, folders of runs, notes and the second run.
#include "app/workbench/pages/explore_page.h"
#include "app/workbench/pages/open_page.h"
#include "app/workbench/pages/run_page.h"
#include "app/workbench/pages/verify_how.h"
#include "app/workbench/pages/verify_page.h"
#include "app/workbench/pages/verify_plan.h"
#include "app/workbench/session/run_shelf.h"
#include "app/workbench/shell/command_palette.h"
#include "app/workbench/shell/drawer.h"
#include "app/workbench/shell/drop_overlay.h"
#include "tests/workbench/support/bench.h"
#include "widgets/compare_table.h"
#include "widgets/crumb_bar.h"
#include "widgets/failure_table.h"
#include "widgets/job_table.h"
#include "widgets/rail.h"
#include "widgets/run_table.h"
#include "widgets/status_line.h"
#include "widgets/theme.h"
#include "widgets/verdict_table.h"

#include <QAbstractButton>
#include <QAbstractItemView>
#include <QApplication>
#include <QDir>
#include <QDragEnterEvent>
#include <QFile>
#include <QFontInfo>
#include <QFontMetrics>
#include <QLabel>
#include <QLineEdit>
#include <QListWidget>
#include <QMessageBox>
#include <QMimeData>
#include <QPointer>
#include <QPushButton>
#include <QRadioButton>
#include <QTest>
#include <QTimer>
#include <QToolButton>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

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

TEST(Shell, HistoryGoesBackToPagesAndHeldCells)
{
    Workbench bench(engineScript(), showScript());
    bench.start();
    bench.drop(bench.makeRunFolder(u"given.blockcert"_s, true));
    ASSERT_TRUE(waitUntil([&] { return bench.session->run.run().isReady(); }));
    bench.window->explorePage().select({0, 0, 1});
    bench.window->explorePage().select({2, 0, 0});
    bench.window->showPage(MainWindow::Verify);
    bench.command(u"Back"_s);
    EXPECT_EQ(bench.window->page(), MainWindow::Explore);
    EXPECT_EQ(bench.window->explorePage().selection(), (widgets::CellKey{2, 0, 0}));
    bench.command(u"Back"_s);
    EXPECT_EQ(bench.window->explorePage().selection(), (widgets::CellKey{0, 0, 1}));
    bench.command(u"Forward"_s);
    EXPECT_EQ(bench.window->explorePage().selection(), (widgets::CellKey{2, 0, 0}));
}

TEST(Shell, ALayoutIsRememberedAsItWasLeftAndCanBeReset)
{
    Workbench bench(engineScript());
    bench.start();
    bench.command(u"Layout: Audit"_s);
    EXPECT_EQ(bench.window->page(), MainWindow::Verify);
    auto* drawer = bench.window->findChild<Drawer*>();
    EXPECT_TRUE(drawer->isVisible());
    bench.command(u"Show jobs"_s); // hides it
    bench.command(u"Layout: Explore"_s);
    EXPECT_FALSE(drawer->isVisible());
    bench.command(u"Layout: Audit"_s);
    EXPECT_FALSE(drawer->isVisible()) << "as it was left";
    bench.command(u"Reset this layout"_s);
    EXPECT_TRUE(drawer->isVisible());
    bench.command(u"Layout: Explore"_s);
    bench.command(u"Reset this layout"_s);
}

TEST(Shell, TeachingHasLargerTypeAndItGoesBack)
{
    Workbench bench(engineScript());
    bench.start();
    const int before = widgets::textFont(widgets::TextSize::Body).pixelSize();
    bench.command(u"Layout: Teach"_s);
    EXPECT_GT(widgets::textFont(widgets::TextSize::Body).pixelSize(), before);
    bench.command(u"Layout: Explore"_s);
    EXPECT_EQ(widgets::textFont(widgets::TextSize::Body).pixelSize(), before);
}

// On the widgets themselves: tabs, titles, lines of scope, notices, headings and the status bar.
TEST(Shell, EveryWidgetFollowsTheSizeOfTypeAtOnceAndAfterARestart)
{
    const auto pixels = [](const QWidget& widget) { return QFontInfo(widget.font()).pixelSize(); };
    const auto namedLabel = [](const MainWindow& window, const QString& text) -> const QWidget* {
        for (const QLabel* label : window.findChildren<QLabel*>())
            if (label->text() == text)
                return label;
        return nullptr;
    };
    Workbench bench(engineScript(), showScript());
    bench.start();
    bench.drop(bench.makeRunFolder(u"given.blockcert"_s, true));
    ASSERT_TRUE(waitUntil([&] { return bench.session->run.run().isReady(); }));
    // Whatever shows words; some are made anew meanwhile.
    std::vector<std::pair<QPointer<QWidget>, int>> normal;
    for (QWidget* widget : bench.window->findChildren<QWidget*>())
        if (qobject_cast<QLabel*>(widget) != nullptr || qobject_cast<QAbstractButton*>(widget) != nullptr ||
            qobject_cast<QAbstractItemView*>(widget) != nullptr)
            normal.emplace_back(widget, pixels(*widget));
    const QWidget* rail = bench.window->findChild<widgets::Rail*>();
    const int railAtNormal = rail->width();
    bench.command(u"Type: for a projector"_s);
    const std::map<int, int> expected{{11, 18}, {12, 19}, {13, 21}, {15, 24}, {20, 32}};
    for (const auto& [widget, before] : normal) {
        if (widget && widget->isVisible() && expected.contains(before)) {
            EXPECT_EQ(pixels(*widget), expected.at(before)) << widget->metaObject()->className() << " at once";
        }
    }
    // The hidden pages follow while the window stays usable.
    ASSERT_TRUE(waitUntil([&] {
        return std::all_of(normal.begin(), normal.end(), [&](const auto& one) {
            return !one.first || !expected.contains(one.second) || pixels(*one.first) == expected.at(one.second);
        });
    }));
    int followed = 0;
    for (const auto& [widget, before] : normal) {
        if (!widget || !expected.contains(before))
            continue; // gone, or of no size of ours
        EXPECT_EQ(pixels(*widget), expected.at(before))
            << widget->metaObject()->className() << " " << widget->objectName().toStdString();
        ++followed;
    }
    EXPECT_GT(followed, 200);
    const QFontMetrics strong(widgets::textFont(widgets::TextSize::Axis, widgets::TextWeight::Strong));
    EXPECT_GE(rail->width(), strong.horizontalAdvance(u"Explore"_s) + 12) << "no word is cut";
    EXPECT_GT(rail->width(), railAtNormal);
    bench.stop();
    bench.start();
    const QWidget* status = bench.window->findChild<widgets::StatusLine*>()->findChild<QLabel*>();
    EXPECT_EQ(pixels(*status), expected.at(12)) << "as it was left";
    const QWidget* heading = namedLabel(*bench.window, u"Specification"_s);
    ASSERT_TRUE(heading);
    EXPECT_EQ(pixels(*heading), expected.at(13)) << "on a page that was not shown yet";
    bench.command(u"Type: normal"_s);
    EXPECT_EQ(pixels(*status), 12);
    EXPECT_TRUE(waitUntil([&] { return pixels(*heading) == 13; }));
}

TEST(Shell, AQueuedRunStartsWhenTheOneBeforeHasEnded)
{
    Json script = engineScript();
    script["certify"] = Json::array();
    Workbench bench(script, showScript());
    Json first = Json::array();
    first.push_back(testing::cellProgress(0, 0, 1));
    first.push_back({{"until_file", bench.engine().filePath(u"go"_s).toStdString()}});
    for (const Json& step : fullRun())
        first.push_back(step);
    script["certify"].push_back(first);
    script["certify"].push_back(fullRun());
    bench.engine().rewrite(script.dump());
    bench.start();
    ASSERT_TRUE(bench.openModel());
    bench.run();
    ASSERT_TRUE(waitUntil([&] { return bench.session->launcher.state() == RunLauncher::State::Running; }));
    const QString firstOut = bench.session->launcher.running().out;
    bench.command(u"Queue this run"_s);
    ASSERT_EQ(bench.session->queue.runs().size(), 1U);
    EXPECT_NE(bench.session->queue.runs()[0].settings.out, firstOut) << "two runs never share a folder";
    bench.command(u"Show jobs"_s);
    const auto* jobs = bench.window->findChild<widgets::JobTable*>();
    ASSERT_TRUE(waitUntil([&] {
        for (int row = 0; row < jobs->model()->rowCount(); ++row) {
            if (jobs->model()->index(row, widgets::JobTableModel::State).data().toString() == "queued"_L1)
                return true;
        }
        return false;
    }));
    QFile go(bench.engine().filePath(u"go"_s));
    ASSERT_TRUE(go.open(QIODevice::WriteOnly));
    ASSERT_TRUE(waitUntil([&] {
        return bench.session->queue.runs().empty() && bench.session->launcher.running().out != firstOut &&
               bench.session->launcher.state() == RunLauncher::State::Finished;
    }));
    bench.command(u"Show jobs"_s);
}

TEST(Shell, ClosingDuringARunSaysWhatIsStoppedAndWhatIsClosed)
{
    Workbench bench(testing::stoppedRunScript(), testing::stoppedShowScript());
    bench.start();
    ASSERT_TRUE(bench.openModel());
    bench.run();
    ASSERT_TRUE(waitUntil([&] { return bench.session->launcher.state() == RunLauncher::State::Running; }));
    QString question;
    QTimer::singleShot(0, bench.window.get(), [&] {
        auto* dialog = bench.window->findChild<QMessageBox*>();
        ASSERT_TRUE(dialog);
        question = dialog->text();
        ASSERT_TRUE(dialog->defaultButton());
        EXPECT_EQ(dialog->defaultButton()->text(), u"Keep running"_s) << "Return loses nothing";
        testing::press(*dialog, u"Keep running"_s);
    });
    EXPECT_FALSE(bench.window->close());
    EXPECT_TRUE(question.startsWith(u"Stop the run and close the window?"_s)) << question.toStdString();
    EXPECT_EQ(bench.session->launcher.state(), RunLauncher::State::Running);
}

TEST(Shell, APausedRunIsResumedFromTheListOfJobs)
{
    Workbench bench(testing::stoppedRunScript(), testing::stoppedShowScript());
    bench.start();
    ASSERT_TRUE(bench.openModel());
    bench.run();
    ASSERT_TRUE(
        waitUntil([&] { return bench.session->launcher.live() && bench.session->launcher.live()->map()->cell(0, 0); }));
    bench.command(u"Pause the run"_s);
    ASSERT_TRUE(waitUntil([&] { return bench.session->launcher.isPaused(); }));
    ASSERT_TRUE(waitUntil([&] { return bench.session->run.run().isReady(); }));
    EXPECT_TRUE(Workbench::noticeOn(bench.window->runPage()).startsWith(u"Paused"_s));
    bench.command(u"Resume the run"_s);
    ASSERT_TRUE(waitUntil([&] { return bench.session->launcher.state() == RunLauncher::State::Finished; }));
}

TEST(Shell, AFolderOfRunsBecomesATableOfVerdicts)
{
    Json tool = showScript();
    tool["verify"] = Json::array();
    tool["verify"].push_back(steps({Json{{"json", {{"verdict", testing::verdictAnswer("a", "verified")}}}}}));
    tool["verify"].push_back(
        steps({Json{{"json", {{"verdict", testing::verdictAnswer("b", "failed")}}}}, Json{{"exit", 1}}}));
    Workbench bench(engineScript(), tool);
    bench.start();
    (void)bench.makeRunFolder(u"a.blockcert"_s, true);
    (void)bench.makeRunFolder(u"b.blockcert"_s, true);
    bench.drop(bench.runFolder());
    ASSERT_TRUE(waitUntil([&] { return bench.session->batch.items().size() == 2; }));
    EXPECT_EQ(bench.window->page(), MainWindow::Verify);
    emit bench.window->verifyPage().batchWanted({{}, 3, {}, {}});
    ASSERT_TRUE(waitUntil([&] { return !bench.session->batch.isRunning(); }));
    int verified = 0;
    int failed = 0;
    for (const BatchItem& item : bench.session->batch.items()) {
        ASSERT_TRUE(item.verdict);
        verified += item.verdict->state == CheckState::Verified ? 1 : 0;
        failed += item.verdict->state == CheckState::Failed ? 1 : 0;
    }
    EXPECT_EQ(verified, 1);
    EXPECT_EQ(failed, 1);
    EXPECT_TRUE(bench.session->board.problems().isEmpty()) << "a verdict is an answer, not a problem";
    emit bench.window->verifyPage().batchItemWanted(0);
    EXPECT_TRUE(bench.session->verdict.verdict().isReady()) << "opened with all its checks, not verified again";
}

TEST(Shell, WhatWasWrongWithOnePathDoesNotOutliveTheNext)
{
    Workbench bench(engineScript(), showScript());
    bench.start();
    bench.drop(u"/dev/zero"_s);
    ASSERT_TRUE(waitUntil(
        [&] { return Workbench::noticeOn(bench.window->openPage()) == "/dev/zero is not a regular file."_L1; }));
    bench.drop(bench.makeRunFolder(u"given.blockcert"_s, true));
    ASSERT_TRUE(waitUntil([&] { return bench.session->run.run().isReady(); }));
    EXPECT_EQ(Workbench::noticeOn(bench.window->openPage()), QString());
}

TEST(Shell, OfSeveralThingsHeldOverTheWindowItSaysWhichOneItTakes)
{
    Workbench bench(engineScript());
    bench.start();
    QMimeData data;
    data.setUrls({QUrl::fromLocalFile(u"/runs/a.blockcert"_s), QUrl::fromLocalFile(u"/runs/b.blockcert"_s)});
    QDragEnterEvent enter(QPoint(400, 400), Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
    QApplication::sendEvent(bench.window.get(), &enter);
    EXPECT_TRUE(bench.window->findChild<DropOverlay*>()->accessibleDescription().startsWith(
        u"only the first of 2, a.blockcert"_s));
}

// Deleting a file must not take a run out of the table.
TEST(Shell, EveryFolderThatCallsItselfARunHasItsRow)
{
    Json tool = showScript();
    tool["verify"] =
        once(steps({Json{{"json", {{"verdict", testing::verdictAnswer("a", "failed")}}}}, Json{{"exit", 1}}}));
    Workbench bench(engineScript(), tool);
    bench.start();
    (void)bench.makeRunFolder(u"whole.blockcert"_s, true);
    (void)bench.makeRunFolder(u"without-digests.blockcert"_s, false);
    QDir runs(bench.runFolder());
    ASSERT_TRUE(runs.mkpath(u"empty.blockcert"_s));
    ASSERT_TRUE(runs.mkpath(u"without-manifest/block_00"_s));
    ASSERT_TRUE(QFile(bench.runFolder() + u"/without-manifest/SHA256SUMS"_s).open(QIODevice::WriteOnly));
    ASSERT_TRUE(runs.mkpath(u"something else"_s));
    bench.drop(bench.runFolder());
    ASSERT_TRUE(waitUntil([&] { return bench.session->batch.items().size() == 4; }));
    EXPECT_THAT(testing::wordsOf(bench.window->verifyPage()).toStdString(),
                ::testing::HasSubstr("4 runs; nothing has been checked yet. 2 without SHA256SUMS"));
    emit bench.window->verifyPage().batchWanted({{}, 3, {}, {}});
    ASSERT_TRUE(waitUntil([&] { return !bench.session->batch.isRunning(); }));
    EXPECT_THAT(testing::wordsOf(bench.window->verifyPage()).toStdString(),
                ::testing::HasSubstr("4 of 4 runs checked at level 3 · 0 verified · 4 failed"));
}

TEST(Shell, AFolderOfManyRunsIsVerifiedWholeAndListedWithACount)
{
    const QTemporaryDir folder;
    for (int i = 0; i < 230; ++i) {
        const QString run = folder.filePath(u"%1.blockcert"_s.arg(i));
        ASSERT_TRUE(QDir().mkpath(run));
        ASSERT_TRUE(QFile(run + u"/run.json"_s).open(QIODevice::WriteOnly));
    }
    EXPECT_EQ(runsToVerify(folder.path()).size(), 230U);
    const RunShelf shelf = runsIn(folder.path());
    EXPECT_EQ(shelf.runs.size(), 200U);
    EXPECT_EQ(shelf.leftOut, 30);
    OpenPage page;
    page.setRuns(std::vector<widgets::RunRow>(200));
    page.setLeftOut(shelf.leftOut);
    bool isSaid = false;
    for (const auto* label : page.findChildren<ElidedLabel*>())
        isSaid |= label->text() == "200 runs; 30 older are not listed"_L1 || label->toolTip().contains(u"30 older"_s);
    EXPECT_TRUE(isSaid);
}

TEST(Shell, TheTableAndWhatStandsBesideItSpeakOfTheSameRuns)
{
    Json tool = showScript();
    tool["verify"] = Json::array();
    tool["verify"].push_back(
        steps({Json{{"json", {{"verdict", testing::verdictAnswer("a", "failed")}}}}, Json{{"exit", 1}}}));
    tool["verify"].push_back(steps({Json{{"json", {{"verdict", testing::verdictAnswer("b", "verified")}}}}}));
    Workbench bench(engineScript(), tool);
    bench.start();
    const QString folder = bench.runFolder() + u"/good"_s;
    (void)bench.makeRunFolder(u"good/b.blockcert"_s, true);
    bench.window->checkRun(bench.makeRunFolder(u"a.blockcert"_s, true));
    emit bench.window->verifyPage().verifyWanted(bench.session->verdict.request());
    ASSERT_TRUE(waitUntil([&] { return bench.session->verdict.verdict().isReady(); }));
    const auto sideWords = [&] {
        QString words;
        for (const QLabel* label : bench.window->verifyPage().side()->findChildren<QLabel*>()) {
            if (label->isVisibleTo(bench.window->verifyPage().side()))
                words += label->text() + u'\n';
        }
        return words.toStdString();
    };
    EXPECT_THAT(sideWords(), ::testing::HasSubstr("checks do not hold"));
    bench.drop(folder);
    ASSERT_TRUE(waitUntil([&] { return bench.session->batch.items().size() == 1; }));
    EXPECT_TRUE(bench.window->verifyPage().showsTable());
    EXPECT_EQ(bench.window->verifyPage().tableCommand(bench.session->batch),
              u"blockcert verify %1/b.blockcert --level 3"_s.arg(folder))
        << "the level that the command line takes by itself";
    EXPECT_THAT(sideWords(), ::testing::Not(::testing::HasSubstr("do not hold")));
    QStringList crumbs;
    for (const auto* each : bench.window->findChild<widgets::CrumbBar*>()->findChildren<QToolButton*>()) {
        if (each->property("role") == u"crumb"_s)
            crumbs << each->accessibleName();
    }
    EXPECT_EQ(crumbs, QStringList(u"Runs in good"_s));
    emit bench.window->verifyPage().batchWanted({{}, 3, {}, {}});
    ASSERT_TRUE(waitUntil([&] { return !bench.session->batch.isRunning(); }));
    EXPECT_EQ(bench.session->batch.worst(), CheckState::Verified);
    EXPECT_THAT(sideWords(), ::testing::HasSubstr("recomputed here"));
    emit bench.window->verifyPage().batchItemWanted(0);
    EXPECT_FALSE(bench.window->verifyPage().showsTable());
    EXPECT_THAT(sideWords(), ::testing::HasSubstr("On the recorded tokens"));
}

TEST(Shell, NotesOnARunAreKeptByItsDigestAndFound)
{
    Workbench bench(engineScript(), showScript());
    const QString run = bench.makeRunFolder(u"given.blockcert"_s, true);
    bench.start();
    auto* table = bench.window->openPage().findChild<widgets::RunTable*>();
    ASSERT_TRUE(waitUntil([&] { return bench.session->catalogue.of(run) != nullptr; }));
    emit bench.window->openPage().notesEdited(run, {u"paper"_s}, u"table one"_s);
    EXPECT_EQ(bench.session->notes.of(QString(64, u'd')).tags, QStringList(u"paper"_s));
    ASSERT_TRUE(waitUntil([&] {
        return table->model()->rowCount() == 1 &&
               table->model()->index(0, widgets::RunTableModel::Tags).data().toString() == "paper"_L1;
    }));
    EXPECT_EQ(QDir(run).entryList(QDir::Files).size(), 2) << "nothing is written into the run";
}

TEST(Shell, ASecondRunStandsBesideTheFirst)
{
    Workbench bench(engineScript(), showScript());
    bench.start();
    bench.drop(bench.makeRunFolder(u"a.blockcert"_s, true));
    ASSERT_TRUE(waitUntil([&] { return bench.session->run.run().isReady(); }));
    emit bench.window->openPage().compareWanted(bench.makeRunFolder(u"b.blockcert"_s, true));
    EXPECT_EQ(bench.window->page(), MainWindow::Explore);
    EXPECT_EQ(bench.window->explorePage().view(), ExplorePage::Compare);
    const auto* table = bench.window->explorePage().findChild<widgets::CompareTable*>();
    ASSERT_TRUE(waitUntil([&] { return table->model()->rowCount() == 3; }));
    EXPECT_EQ(table->model()->index(0, widgets::CompareTableModel::EpsilonDelta).data().toString(), u"0"_s);
}

TEST(Shell, AFailureIsHeldMarkedAndRemembered)
{
    Workbench bench(engineScript(), showScript());
    bench.start();
    bench.drop(bench.makeRunFolder(u"given.blockcert"_s, true));
    ASSERT_TRUE(waitUntil([&] { return bench.session->run.run().isReady(); }));
    bench.command(u"Explore: failures"_s);
    auto* table = bench.window->explorePage().findChild<widgets::FailureTable*>();
    ASSERT_TRUE(waitUntil([&] { return table->shownFailures() == 1; }));
    table->setCurrentIndex(table->model()->index(0, 0));
    emit table->clicked(table->currentIndex());
    EXPECT_EQ(bench.session->selection.now().cell, (widgets::CellKey{2, 0, 0}));
    EXPECT_TRUE(bench.session->selection.now().isHeld);
    bench.session->notes.setToken(QString(64, u'd'), {2, 0, 0}, {TokenMark::Expected, {}});
    EXPECT_EQ(table->model()->index(0, widgets::FailureTableModel::Mark).data().toString(), u"expected"_s);
}

TEST(Shell, TheSearchFindsPromptSetsWithoutAModel)
{
    Workbench bench(engineScript());
    bench.start();
    bench.command(u"Search everything"_s);
    auto* palette = bench.window->findChild<CommandPalette*>();
    ASSERT_TRUE(palette);
    palette->findChild<QLineEdit*>()->setText(u"stress"_s);
    auto* list = palette->findChild<QListWidget*>();
    ASSERT_TRUE(list->model()->rowCount() > 0);
    EXPECT_EQ(list->model()->index(0, 0).data().toString(),
              u"Prompts: stress, ten prompts that are hard to reproduce"_s);
    QTest::keyClick(palette->findChild<QLineEdit*>(), Qt::Key_Return);
    EXPECT_EQ(bench.window->page(), MainWindow::Run);
    EXPECT_EQ(bench.window->runPage().settings().prompts.name, u"stress"_s);
}

TEST(Shell, BeforeACheckTheLevelsSayWhatTheyDoAndOneIsChosenThere)
{
    Workbench bench(engineScript(), showScript());
    bench.start();
    bench.window->checkRun(bench.makeRunFolder(u"given.blockcert"_s, true));
    auto* plan = bench.window->verifyPage().findChild<VerifyPlan*>();
    ASSERT_TRUE(plan && plan->isVisible());
    const QList<QRadioButton*> levels = plan->findChildren<QRadioButton*>();
    ASSERT_EQ(levels.size(), 5);
    EXPECT_TRUE(levels[3]->isChecked());
    levels[1]->click();
    QList<int> chosen; // of the run and of a folder's table
    for (const auto* how : bench.window->verifyPage().findChildren<VerifyHow*>())
        chosen << how->request({}).level;
    std::sort(chosen.begin(), chosen.end());
    EXPECT_EQ(chosen, (QList<int>{1, 3}));
}

}
}
