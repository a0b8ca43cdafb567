// The flows of the window, driven offscreen against scripted programs.
#include "app/workbench/pages/explore_page.h"
#include "app/workbench/pages/open_page.h"
#include "app/workbench/pages/run_page.h"
#include "app/workbench/pages/verify_page.h"
#include "app/workbench/shell/main_window.h"
#include "tests/workbench/support/bench.h"
#include "widgets/block_table.h"
#include "widgets/check_list.h"
#include "widgets/notice.h"
#include "widgets/prompt_table.h"
#include "widgets/theme.h"
#include "widgets/token_chips.h"
#include "widgets/token_heatmap.h"
#include "widgets/verdict_banner.h"

#include <QApplication>
#include <QClipboard>
#include <QDir>
#include <QDropEvent>
#include <QFile>
#include <QLabel>
#include <QLineEdit>
#include <QMimeData>
#include <QPlainTextEdit>
#include <QPushButton>

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>

namespace blockcert::workbench {
namespace {

using namespace Qt::StringLiterals;
using testing::engineScript;
using testing::FakeProgram;
using testing::fullRun;
using testing::once;
using testing::result;
using testing::showScript;
using testing::steps;
using testing::waitUntil;
using testing::Workbench;
using widgets::Notice;

TEST(Window, OpensAModelAndShowsItsCardAndItsPromptsAsTokens)
{
    Workbench bench(engineScript());
    bench.start();
    ASSERT_TRUE(bench.openModel());
    EXPECT_EQ(bench.window->page(), MainWindow::Open);
    auto* table = bench.window->runPage().findChild<widgets::PromptTable*>();
    EXPECT_EQ(table->model()->rowCount(), 2);
    EXPECT_TRUE(waitUntil([&] { return bench.session->launcher.estimate().isReady(); }));
    EXPECT_TRUE(bench.window->runPage().obstacle().isEmpty()) << bench.window->runPage().obstacle().toStdString();
    EXPECT_TRUE(bench.window->runPage().settings().out.endsWith(u"/tiny-base-fp32.blockcert"_s));
}

TEST(Window, AnEngineThatDiedIdleIsAmongTheProblems)
{
    Workbench bench(engineScript());
    bench.start();
    ASSERT_TRUE(bench.openModel());
    ASSERT_TRUE(waitUntil([&] { return bench.session->engine.state() == EngineClient::State::Ready; }));
    ASSERT_EQ(::kill(static_cast<pid_t>(bench.session->engine.processId()), SIGKILL), 0);
    ASSERT_TRUE(waitUntil([&] { return bench.session->board.problems().size() == 1; }));
    EXPECT_TRUE(bench.session->board.problems()[0].endsWith(u" It is started again."_s))
        << bench.session->board.problems()[0].toStdString();
}

TEST(Window, AnUnsupportedModelIsExplainedWhereItWasOpened)
{
    Json script = engineScript();
    script["open"] = once(steps({Json{{"error",
                                       {{"code", -32000},
                                        {"message", "config.json: model_type 'mamba' is not supported."},
                                        {"data", {{"kind", "unsupported"}, {"exit_code", 4}}}}}}}));
    Workbench bench(script);
    bench.start();
    bench.window->openModel(u"/models/other"_s);
    ASSERT_TRUE(waitUntil([&] {
        return !Workbench::noticeOn(bench.window->openPage()).isEmpty() && !bench.session->model.card().isLoading();
    }));
    EXPECT_EQ(Workbench::noticeOn(bench.window->openPage()), u"config.json: model_type 'mamba' is not supported."_s);
    EXPECT_EQ(bench.session->board.problems().size(), 1);
}

TEST(Window, ARunFillsTheMapLiveAndEndsInTheOpenedRun)
{
    Json script = engineScript();
    Json scenario = fullRun();
    const Json halt = {{"until_file", "HALT"}};
    Workbench bench(script, showScript());
    Json withHalt = Json::array();
    for (std::size_t i = 0; i < scenario.size(); ++i) {
        if (i == 2)
            withHalt.push_back({{"until_file", bench.engine().filePath(u"go"_s).toStdString()}});
        withHalt.push_back(scenario[i]);
    }
    script["certify"] = once(withHalt);
    bench.engine().rewrite(script.dump());
    bench.start();
    ASSERT_TRUE(bench.openModel());
    bench.run();
    auto* heatmap = bench.window->explorePage().findChild<widgets::TokenHeatmap*>();
    ASSERT_TRUE(waitUntil([&] { return heatmap->map() && heatmap->map()->cell(0, 1); }));
    EXPECT_EQ(heatmap->map()->cell(1, 0), nullptr) << "what is not measured yet is not there";
    EXPECT_TRUE(bench.window->explorePage().isLive());

    QFile go(bench.engine().filePath(u"go"_s));
    ASSERT_TRUE(go.open(QIODevice::WriteOnly));
    ASSERT_TRUE(waitUntil([&] { return bench.session->run.run().isReady(); }));
    EXPECT_EQ(bench.session->launcher.state(), RunLauncher::State::Finished);
    EXPECT_FALSE(bench.window->explorePage().isLive());
    EXPECT_NE(bench.window->explorePage().map()->cell(2, 1), nullptr);
    EXPECT_TRUE(Workbench::noticeOn(bench.window->runPage()).startsWith(u"The run is complete"_s));
    auto* blocks = bench.window->explorePage().findChild<widgets::BlockTable*>();
    EXPECT_EQ(blocks->model()->rowCount(), 3);
}

TEST(Window, ACancelledRunOffersToResume)
{
    Workbench bench(testing::stoppedRunScript(), testing::stoppedShowScript());
    bench.start();
    ASSERT_TRUE(bench.openModel());
    bench.run();
    ASSERT_TRUE(
        waitUntil([&] { return bench.session->launcher.live() && bench.session->launcher.live()->map()->cell(0, 0); }));
    emit bench.window->runPage().cancelWanted();
    ASSERT_TRUE(waitUntil([&] { return bench.session->launcher.state() == RunLauncher::State::Cancelled; }));
    ASSERT_TRUE(waitUntil([&] { return bench.session->run.run().isReady(); }));
    EXPECT_TRUE(Workbench::noticeOn(bench.window->runPage()).contains(u"can be resumed"_s));
    EXPECT_TRUE(Workbench::noticeOn(bench.window->explorePage()).contains(u"unfinished"_s));

    ASSERT_TRUE(Workbench::actOn(bench.window->runPage()));
    ASSERT_TRUE(waitUntil([&] { return bench.session->launcher.state() == RunLauncher::State::Finished; }));
    EXPECT_NE(bench.session->launcher.live()->map()->cell(2, 0), nullptr);
}

TEST(Window, ARunOutlivesOneDeathOfItsEngine)
{
    Json script = engineScript();
    script["certify"] = Json::array();
    script["certify"].push_back(steps({testing::cellProgress(0, 0, 1), Json{{"crash", 9}}}));
    Json second = fullRun();
    Workbench bench(script, showScript());
    second.insert(second.begin(), Json{{"until_file", bench.engine().filePath(u"go"_s).toStdString()}});
    script["certify"].push_back(second);
    bench.engine().rewrite(script.dump());
    bench.start();
    ASSERT_TRUE(bench.openModel());
    bench.run();
    const QString out = bench.session->launcher.running().out;
    ASSERT_TRUE(waitUntil([&] { return !bench.session->launcher.survived().isEmpty(); }));
    const QString notice = Workbench::noticeOn(bench.window->runPage());
    EXPECT_TRUE(notice.contains(u"ran out of memory"_s) && notice.contains(u"goes on from its finished cells"_s))
        << notice.toStdString();
    EXPECT_EQ(bench.session->launcher.state(), RunLauncher::State::Running);
    EXPECT_NE(bench.session->launcher.live()->map()->cell(0, 0), nullptr) << "what was measured stays";
    for (const widgets::ProgressRow& row : bench.session->launcher.live()->progress()->rows)
        EXPECT_NE(row.state, widgets::StepState::Failed) << row.title.toStdString();
    auto* folder = bench.window->runPage().side()->findChild<QLineEdit*>();
    EXPECT_EQ(folder->text(), out) << "not the folder of the next run";

    QFile go(bench.engine().filePath(u"go"_s));
    ASSERT_TRUE(go.open(QIODevice::WriteOnly));
    ASSERT_TRUE(waitUntil([&] { return bench.session->launcher.state() == RunLauncher::State::Finished; }));
    EXPECT_EQ(bench.session->launcher.running().out, out);
    QFile calls(bench.engine().filePath(u"certify.calls"_s));
    ASSERT_TRUE(calls.open(QIODevice::ReadOnly));
    EXPECT_EQ(calls.readAll().trimmed(), "2");
    EXPECT_TRUE(Workbench::noticeOn(bench.window->runPage()).contains(u"died once on the way"_s));
}

TEST(Window, ASecondDeathLeavesAResumableRunAndANewEngine)
{
    Json script = engineScript();
    script["certify"] = Json::array();
    for (int death = 0; death < 2; ++death)
        script["certify"].push_back(steps({testing::cellProgress(0, death, death + 1), Json{{"crash", 9}}}));
    script["certify"].push_back(fullRun());
    Json tool = Json::object();
    tool["show"] = Json::array();
    tool["show"].push_back(steps({Json{{"json", testing::showAnswer("run", false)}}}));
    tool["show"].push_back(steps({Json{{"json", testing::showAnswer("run", true)}}}));
    Workbench bench(script, tool);
    bench.start();
    ASSERT_TRUE(bench.openModel());
    bench.run();
    ASSERT_TRUE(waitUntil([&] { return bench.session->launcher.state() == RunLauncher::State::Failed; }));
    const QString notice = Workbench::noticeOn(bench.window->runPage());
    EXPECT_TRUE(notice.contains(u"second death"_s) && notice.contains(u"can be resumed"_s)) << notice.toStdString();
    const std::shared_ptr<const widgets::RunProgress> lane = bench.session->launcher.live()->progress();
    const auto block = std::find_if(lane->rows.begin(), lane->rows.end(),
                                    [](const widgets::ProgressRow& row) { return row.block == 0; });
    ASSERT_NE(block, lane->rows.end());
    EXPECT_EQ(block->state, widgets::StepState::Cancelled) << "its cells are all there, so nothing of it failed";
    EXPECT_EQ(block->note, u"all cells kept"_s);
    ASSERT_TRUE(waitUntil([&] { return bench.session->engine.state() == EngineClient::State::Ready; }));
    ASSERT_TRUE(waitUntil([&] { return bench.session->run.run().isReady(); }));
    ASSERT_TRUE(Workbench::actOn(bench.window->runPage()));
    ASSERT_TRUE(waitUntil([&] { return bench.session->launcher.state() == RunLauncher::State::Finished; }));
}

TEST(Window, ARunWithoutBlocksOrPromptsClaimsAndEstimatesNothing)
{
    Workbench bench(engineScript());
    bench.start();
    ASSERT_TRUE(bench.openModel());
    ASSERT_TRUE(waitUntil([&] { return bench.session->launcher.estimate().isReady(); }));
    RunPage& page = bench.window->runPage();
    const auto says = [&](const QString& text) {
        for (const QLabel* label : page.side()->findChildren<QLabel*>()) {
            if (label->text() == text)
                return true;
        }
        return false;
    };
    RunSettings settings = page.settings();
    settings.blocks.clear();
    page.showSettings(settings, 3);
    EXPECT_TRUE(says(u"Nothing yet. Choose at least one block."_s));
    EXPECT_FALSE(bench.session->launcher.estimate().value);
    settings.blocks = u"all"_s;
    page.showSettings(settings, 3);
    EXPECT_TRUE(waitUntil([&] { return bench.session->launcher.estimate().isReady(); }));

    page.setPrompts({});
    EXPECT_TRUE(says(u"Nothing yet. Choose prompts."_s));
    for (const QPushButton* button : page.side()->findChildren<QPushButton*>())
        EXPECT_FALSE(button->text() == "Run"_L1 && button->isEnabled());
}

TEST(Window, ADeafEngineIsOfferedToBeEnded)
{
    Json script = engineScript();
    script["certify"] = once(steps({Json{{"deaf", true}}, testing::cellProgress(0, 0, 1), Json{{"silence", true}}}));
    Workbench bench(script, showScript(false));
    bench.start();
    ASSERT_TRUE(bench.openModel());
    bench.run();
    ASSERT_TRUE(
        waitUntil([&] { return bench.session->launcher.live() && bench.session->launcher.live()->map()->cell(0, 0); }));
    emit bench.window->runPage().cancelWanted();
    ASSERT_TRUE(
        waitUntil([&] { return Workbench::noticeOn(bench.window->runPage()).contains(u"has not answered"_s); }));
    EXPECT_EQ(bench.session->launcher.state(), RunLauncher::State::Running) << "only the engine's end ends the job";
    ASSERT_TRUE(Workbench::actOn(bench.window->runPage()));
    ASSERT_TRUE(waitUntil([&] { return bench.session->launcher.state() == RunLauncher::State::Cancelled; }));
    EXPECT_TRUE(bench.session->launcher.isResumable());
}

TEST(Window, ADroppedRunFolderOpensInExplore)
{
    Workbench bench(engineScript(), showScript());
    bench.start();
    const QString run = bench.makeRunFolder(u"given.blockcert"_s, true);
    bench.drop(run);
    ASSERT_TRUE(waitUntil([&] { return bench.session->run.run().isReady(); }));
    EXPECT_EQ(bench.window->page(), MainWindow::Explore);
    // The list of runs and the edit lab may look at it as well, in their own time.
    EXPECT_EQ(bench.tool().calls().filter(u"--tokens"_s), QStringList(u"show %1 --json --tokens"_s.arg(run)));
    EXPECT_EQ(bench.session->verdict.request().path, run) << "Verify is ready for the same run";
    EXPECT_TRUE(bench.window->windowTitle().contains(u"BlockCert"_s));
    ASSERT_TRUE(waitUntil([&] {
        for (const QLabel* label : bench.window->explorePage().findChildren<QLabel*>()) {
            if (label->text().startsWith(u"One token is excluded at block 2"_s))
                return true;
        }
        return false;
    }));
}

TEST(Window, ADroppedThingThatIsNothingIsNamed)
{
    Workbench bench(engineScript());
    bench.start();
    const QTemporaryDir nothing;
    bench.drop(nothing.path());
    ASSERT_TRUE(waitUntil([&] { return !Workbench::noticeOn(bench.window->openPage()).isEmpty(); }));
    EXPECT_TRUE(Workbench::noticeOn(bench.window->openPage()).contains(nothing.path()));
}

TEST(Window, ARunThatCannotBeReadSaysWhy)
{
    Json tool = Json::object();
    tool["show"] = once(
        steps({Json{{"json",
                     {{"error", {{"message", "run.json: unknown field 'x'."}, {"kind", "format"}, {"exit_code", 3}}}}}},
               Json{{"exit", 3}}}));
    Workbench bench(engineScript(), tool);
    bench.start();
    bench.drop(bench.makeRunFolder(u"bad.blockcert"_s, true));
    ASSERT_TRUE(
        waitUntil([&] { return Workbench::noticeOn(bench.window->explorePage()).contains(u"unknown field"_s); }));
}

TEST(Window, VerifyShowsEveryCheckAndTheCommand)
{
    Json tool = showScript();
    tool["verify"] = once(steps({Json{{"json", {{"progress", {{"stage", "replay"}, {"done", 1}, {"total", 6}}}}}},
                                 Json{{"json", {{"verdict", testing::verdictAnswer("run", "verified")}}}}}));
    Workbench bench(engineScript(), tool);
    bench.start();
    bench.window->checkRun(bench.makeRunFolder(u"given.blockcert"_s, true));
    emit bench.window->verifyPage().verifyWanted(bench.session->verdict.request());
    ASSERT_TRUE(waitUntil([&] { return bench.session->verdict.verdict().isReady(); }));
    EXPECT_EQ(bench.session->verdict.verdict().value->state, CheckState::Verified);
    auto* checks = bench.window->verifyPage().findChild<widgets::CheckList*>();
    EXPECT_EQ(checks->model()->rowCount(), 2); // groups
    const QList<QLabel*> labels = bench.window->findChildren<QLabel*>();
    EXPECT_TRUE(std::any_of(labels.begin(), labels.end(), [](const QLabel* label) {
        return label->text().contains(u"stands: low-rank:1:attn."_s);
    })) << "what stands in for the blocks";
    bench.window->showPage(MainWindow::Verify);
    for (QAction* action : bench.window->actions()) {
        if (action->text() == "Copy as command"_L1)
            action->trigger();
    }
    EXPECT_TRUE(QGuiApplication::clipboard()->text().startsWith(u"blockcert verify "_s));
}

TEST(Window, AFailedVerdictIsShownAsFailedWithItsReason)
{
    Json tool = Json::object();
    tool["verify"] =
        once(steps({Json{{"json", {{"verdict", testing::verdictAnswer("run", "failed")}}}}, Json{{"exit", 1}}}));
    Workbench bench(engineScript(), tool);
    bench.start();
    bench.window->checkRun(bench.makeRunFolder(u"given.blockcert"_s, true));
    emit bench.window->verifyPage().verifyWanted(bench.session->verdict.request());
    ASSERT_TRUE(waitUntil([&] { return bench.session->verdict.verdict().isReady(); }));
    EXPECT_EQ(bench.session->verdict.verdict().value->state, CheckState::Failed);
    EXPECT_TRUE(bench.session->board.problems().isEmpty()) << "a verdict is an answer, not a problem";
}

TEST(Window, ACancelledVerificationClaimsNothing)
{
    Json tool = Json::object();
    tool["verify"] = once(steps({Json{{"sleep", 60000}}}));
    Workbench bench(engineScript(), tool);
    bench.start();
    bench.window->checkRun(bench.makeRunFolder(u"given.blockcert"_s, true));
    emit bench.window->verifyPage().verifyWanted(bench.session->verdict.request());
    ASSERT_TRUE(bench.session->verdict.verdict().isLoading());
    emit bench.window->verifyPage().cancelWanted();
    ASSERT_TRUE(waitUntil([&] { return bench.session->verdict.wasCancelled(); }));
    EXPECT_EQ(Workbench::noticeOn(bench.window->verifyPage()), u"Cancelled. Nothing is known about this run."_s);
}

TEST(Window, TypedPromptsAreEncodedAndBecomeAFileBeforeTheRun)
{
    Json script = engineScript();
    script["certify"] = once(fullRun());
    Workbench bench(script, showScript());
    bench.start();
    ASSERT_TRUE(bench.openModel());
    PromptChoice choice;
    choice.kind = PromptChoice::Kind::Typed;
    RunSettings settings = bench.window->runPage().settings();
    settings.prompts = choice;
    bench.window->runPage().showSettings(settings, 3);
    bench.window->runPage().findChild<QPlainTextEdit*>()->setPlainText(u" one two\nx y"_s);
    ASSERT_TRUE(waitUntil([&] {
        return bench.session->prompts.list().isReady() && bench.session->prompts.list().value->name == "typed"_L1;
    }));
    bench.run();
    ASSERT_TRUE(waitUntil([&] { return bench.session->launcher.state() == RunLauncher::State::Finished; }));
    QFile saved(bench.session->launcher.running().prompts.name);
    ASSERT_TRUE(saved.open(QIODevice::ReadOnly));
    EXPECT_EQ(saved.readAll(), " one two\nx y");
}

TEST(Window, WhileARunGoesOnAModelIsReadByTheOtherProgram)
{
    Json script = engineScript();
    script["certify"] = once(steps({testing::cellProgress(0, 0, 1), Json{{"sleep", 60000}}}));
    Json tool = Json::object();
    tool["open"] = once(steps({Json{{"json", testing::openAnswer()}}}));
    tool["tokenize"] = once(steps({Json{{"json", testing::tokenizeAnswer()}}}));
    tool["show"] = showScript(false)["show"];
    Workbench bench(script, tool);
    bench.start();
    ASSERT_TRUE(bench.openModel());
    bench.session->board.setEngineIsRemote(false);
    bench.run();
    ASSERT_TRUE(waitUntil([&] { return bench.session->engine.state() == EngineClient::State::Busy; }));
    bench.window->openModel(u"/models/second"_s);
    ASSERT_TRUE(waitUntil([&] { return bench.tool().calls().contains(u"open /models/second --json"_s); }, 3000))
        << bench.tool().calls().join(u'\n').toStdString();
    ASSERT_TRUE(waitUntil([&] { return bench.session->model.card().isReady(); }, 3000));
    emit bench.window->runPage().cancelWanted();
    ASSERT_TRUE(waitUntil([&] { return bench.session->launcher.state() == RunLauncher::State::Cancelled; }));
}

TEST(Window, BothAppearancesCanBePainted)
{
    Workbench bench(engineScript(), showScript());
    bench.start();
    ASSERT_TRUE(bench.openModel());
    bench.drop(bench.makeRunFolder(u"given.blockcert"_s, true));
    ASSERT_TRUE(waitUntil([&] { return bench.session->run.run().isReady(); }));
    for (const widgets::Appearance appearance : {widgets::Appearance::Dark, widgets::Appearance::Light}) {
        widgets::applyAppearance(*qApp, appearance);
        for (const MainWindow::Page page :
             {MainWindow::Open, MainWindow::Run, MainWindow::Explore, MainWindow::Verify, MainWindow::Certificate}) {
            bench.window->showPage(page);
            EXPECT_FALSE(bench.window->grab().isNull());
        }
    }
}

}
}
