// What belongs together stays together: a run and its model, a speed and its model, what is read and what is shown.
#include "app/workbench/pages/explore_page.h"
#include "app/workbench/pages/open_page.h"
#include "app/workbench/pages/run_page.h"
#include "app/workbench/shell/main_window.h"
#include "tests/workbench/support/bench.h"
#include "widgets/block_table.h"
#include "widgets/crumb_bar.h"
#include "widgets/empty_state.h"
#include "widgets/panel.h"
#include "widgets/spark_line.h"

#include <QApplication>
#include <QDir>
#include <QFile>
#include <QLabel>
#include <QPushButton>
#include <QTest>
#include <QToolButton>

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

void make(const QString& path)
{
    QFile file(path);
    EXPECT_TRUE(file.open(QIODevice::WriteOnly));
}

// A second model, of the same shape under another name.
Json twoModels()
{
    Json other = testing::openAnswer();
    other["model"] = "other";
    Json answers = Json::array();
    answers.push_back(steps({testing::result(testing::openAnswer())}));
    answers.push_back(steps({testing::result(other)}));
    return answers;
}

QString titleOf(const RunPage& page)
{
    const auto* title = page.findChild<widgets::PageTitle*>();
    const auto* label = title->findChild<QLabel*>();
    return label->text();
}

bool openOther(Workbench& bench)
{
    bench.window->openModel(u"/models/other"_s);
    return waitUntil([&bench] {
        return bench.session->model.name() == u"/models/other"_s && bench.session->model.card().isReady() &&
               bench.session->prompts.list().isReady();
    });
}

TEST(WindowModel, TheRunOfAnotherModelIsNotShownUnderTheOneNowOpen)
{
    Json script = engineScript();
    script["open"] = twoModels();
    script["certify"] = once(fullRun());
    Workbench bench(script, showScript());
    bench.start();
    ASSERT_TRUE(bench.openModel());
    bench.run();
    ASSERT_TRUE(waitUntil([&] { return bench.session->launcher.state() == RunLauncher::State::Finished; }));
    RunPage& page = bench.window->runPage();
    ASSERT_TRUE(page.showsProgress());
    EXPECT_EQ(titleOf(page), u"tiny-base-fp32"_s) << "progress is a run's";
    ASSERT_TRUE(openOther(bench));
    EXPECT_FALSE(page.hasRun());
    emit bench.window->openPage().measureWanted();
    EXPECT_FALSE(page.showsProgress());
    EXPECT_EQ(titleOf(page), u"Measure other"_s);
    for (const QAbstractButton* crumb : bench.window->findChild<widgets::CrumbBar*>()->findChildren<QAbstractButton*>())
        EXPECT_FALSE(crumb->text().contains(u"tiny"_s)) << crumb->text().toStdString();
    EXPECT_TRUE(Workbench::noticeOn(page).isEmpty());
}

TEST(WindowModel, ARunThatGoesOnKeepsItsOwnNameWhileAnotherModelIsOpened)
{
    Json script = engineScript();
    script["open"] = twoModels();
    Workbench bench(script, showScript());
    const QString go = bench.engine().filePath(u"go"_s);
    Json scenario = fullRun();
    scenario.insert(scenario.begin() + 1, Json{{"until_file", go.toStdString()}});
    script["certify"] = once(scenario);
    bench.engine().rewrite(script.dump());
    bench.start();
    ASSERT_TRUE(bench.openModel());
    bench.run();
    ASSERT_TRUE(waitUntil([&] { return bench.session->launcher.live(); }));
    RunPage& page = bench.window->runPage();
    bench.window->openModel(u"/models/other"_s); // the engine answers it once the run is over
    EXPECT_TRUE(page.showsProgress());
    EXPECT_EQ(titleOf(page), u"tiny-base-fp32"_s);
    make(go);
    ASSERT_TRUE(waitUntil([&] { return bench.session->launcher.state() == RunLauncher::State::Finished; }));
}

TEST(WindowModel, ChoosingPromptsAndBlocksShowsThemAfterARunToo)
{
    Json script = engineScript();
    script["certify"] = once(fullRun());
    Workbench bench(script, showScript());
    bench.start();
    ASSERT_TRUE(bench.openModel());
    bench.run();
    ASSERT_TRUE(waitUntil([&] { return bench.session->launcher.state() == RunLauncher::State::Finished; }));
    RunPage& page = bench.window->runPage();
    ASSERT_TRUE(page.showsProgress());
    emit bench.window->openPage().measureWanted();
    EXPECT_FALSE(page.showsProgress());
    EXPECT_TRUE(page.hasRun()) << "it is this model's";
    EXPECT_EQ(titleOf(page), u"Measure tiny"_s);
}

TEST(WindowModel, TheTimeIsKnownAfterACancelledRunAndNotForAnotherModel)
{
    Json script = engineScript();
    script["open"] = twoModels();
    script["certify"] = once(steps({testing::cellProgress(0, 0, 1), testing::cellProgress(0, 1, 2),
                                    testing::cellProgress(1, 0, 3), Json{{"sleep", 60000}}}));
    Workbench bench(script, showScript(false));
    bench.start();
    ASSERT_TRUE(bench.openModel());
    RunLauncher& launcher = bench.session->launcher;
    launcher.setPaces({});
    ASSERT_TRUE(waitUntil([&] { return launcher.estimate().isReady(); }));
    EXPECT_FALSE(launcher.expectedTime());
    bench.run();
    ASSERT_TRUE(waitUntil([&] { return launcher.live() && launcher.live()->map()->cell(1, 0); }));
    emit bench.window->runPage().cancelWanted();
    ASSERT_TRUE(waitUntil([&] { return launcher.state() == RunLauncher::State::Cancelled; }));
    // From 0.1 s to 0.3 s two of six cells: a third of the 3e9 operations that the estimate gives.
    ASSERT_EQ(launcher.paces().paces().size(), 1U);
    EXPECT_NEAR(launcher.paces().paces()[0].flops, 1e9, 1);
    EXPECT_NEAR(launcher.paces().paces()[0].seconds, 0.2, 1e-9);
    ASSERT_TRUE(waitUntil([&] { return launcher.expectedTime().has_value(); }));
    EXPECT_NEAR(launcher.expectedTime()->seconds, 0.7, 1e-9);
    ASSERT_TRUE(openOther(bench));
    ASSERT_TRUE(
        waitUntil([&] { return launcher.settings().model == u"/models/other"_s && launcher.estimate().isReady(); }));
    EXPECT_FALSE(launcher.expectedTime());
}

// What a model without a tokenizer answers.
Json withoutTokenizer()
{
    Json open = testing::openAnswer();
    open["tokenizer"] = nullptr;
    open["tokenizer_problem"] = "tokenizer.json is missing.";
    return open;
}

TEST(WindowModel, AModelWithoutATokenizerRunsOnTokenIds)
{
    Json script = engineScript();
    script["open"] = once(steps({testing::result(withoutTokenizer())}));
    Json tokens = testing::tokenizeAnswer();
    for (Json& prompt : tokens["prompts"])
        prompt["pieces"] = Json::array();
    script["tokenize"] = once(steps({testing::result(tokens)}));
    Workbench bench(script);
    bench.start();
    bench.window->openModel(u"/models/tiny"_s);
    RunPage& page = bench.window->runPage();
    ASSERT_TRUE(waitUntil([&] { return Workbench::noticeOn(page).contains(u"has no tokenizer"_s); }));
    EXPECT_TRUE(Workbench::noticeOn(page).contains(u"(tokenizer.json is missing)."_s));
    EXPECT_TRUE(Workbench::noticeOn(page).contains(u"token_ids"_s)) << "what can be done";
    page.setPromptFile(bench.runFolder() + u"/ids.jsonl"_s);
    ASSERT_TRUE(waitUntil([&] { return bench.session->prompts.list().isReady(); }));
    EXPECT_TRUE(page.obstacle().isEmpty()) << page.obstacle().toStdString();
    page.setPromptFile(bench.runFolder() + u"/words.txt"_s);
    EXPECT_TRUE(waitUntil([&] { return Workbench::noticeOn(page).contains(u"has no tokenizer"_s); }));
}

TEST(WindowModel, AModelThatCannotBeOpenedLeavesTheOpenOne)
{
    Json script = engineScript();
    Json answers = Json::array();
    answers.push_back(steps({testing::result(testing::openAnswer())}));
    answers.push_back(steps({Json{{"error",
                                   {{"code", -32000},
                                    {"message", "/models/pickle holds only pickles."},
                                    {"data", {{"kind", "unsupported"}, {"exit_code", 4}}}}}}}));
    script["open"] = answers;
    Workbench bench(script);
    bench.start();
    ASSERT_TRUE(bench.openModel());
    const auto card = bench.session->model.card().value;
    const auto prompts = bench.session->prompts.list().value;
    bench.window->openModel(u"/models/pickle"_s);
    OpenPage& open = bench.window->openPage();
    ASSERT_TRUE(waitUntil([&] { return Workbench::noticeOn(open).contains(u"only pickles"_s); }));
    EXPECT_TRUE(Workbench::noticeOn(open).contains(u"The model that was open still is"_s));
    EXPECT_EQ(bench.session->model.name(), u"/models/tiny"_s);
    EXPECT_EQ(bench.session->model.card().value, card);
    EXPECT_EQ(bench.session->prompts.list().value, prompts);
    EXPECT_TRUE(bench.window->runPage().obstacle().isEmpty());
    open.setProblem(u"There is nothing at /models/none."_s);
    EXPECT_EQ(Workbench::noticeOn(open), u"There is nothing at /models/none."_s) << "above the open model too";
}

TEST(WindowModel, WhileARunIsReadNothingOfAnotherIsShown)
{
    Json tool = Json::object();
    tool["show"] = Json::array();
    tool["show"].push_back(steps({Json{{"json", testing::showAnswer("run", true)}}}));
    tool["show"].push_back(steps({Json{{"sleep", 3000}}, Json{{"json", testing::showAnswer("next", true)}}}));
    Workbench bench(engineScript(), tool);
    bench.start();
    bench.window->openRun(bench.makeRunFolder(u"given.blockcert"_s, true));
    ASSERT_TRUE(waitUntil([&] { return bench.session->run.run().isReady(); }));
    ExplorePage& explore = bench.window->explorePage();
    explore.select({1, 1, 1});
    const auto* spark = explore.side()->findChild<widgets::SparkLine*>();
    ASSERT_TRUE(spark->isVisibleTo(explore.side()));
    bench.window->openRun(bench.makeRunFolder(u"next.blockcert"_s, true));
    EXPECT_TRUE(Workbench::noticeOn(explore).startsWith(u"Reading "_s));
    EXPECT_FALSE(spark->isVisibleTo(explore.side())) << "numbers of the run before";
    EXPECT_FALSE(explore.findChild<widgets::EmptyState*>()->isVisible());
}

TEST(WindowModel, ReturnPressesTheButtonThatHasTheFocus)
{
    Workbench bench(engineScript());
    bench.start();
    ASSERT_TRUE(bench.openModel());
    bench.window->showPage(MainWindow::Verify);
    bench.window->activateWindow();
    auto* button = new QPushButton(u"Verify"_s, bench.window.get());
    button->show();
    button->setFocus();
    int pressed = 0;
    QObject::connect(button, &QPushButton::clicked, [&pressed] { ++pressed; });
    QTest::keyClick(button, Qt::Key_Return);
    QTest::keyClick(button, Qt::Key_Enter, Qt::KeypadModifier);
    EXPECT_EQ(pressed, 2);
    button->setEnabled(false);
    QTest::keyClick(button, Qt::Key_Return);
    EXPECT_EQ(pressed, 2);
}

TEST(WindowModel, TheCrumbsOfOneCertificateNameItsRun)
{
    Workbench bench(engineScript());
    bench.start();
    const QString run = bench.makeRunFolder(u"given.blockcert"_s, true);
    QDir(run).mkpath(u"block_11"_s);
    make(run + u"/block_11/certificate.json"_s);
    bench.window->checkRun(run + u"/block_11/certificate.json"_s);
    const auto crumbs = [&] {
        QStringList names;
        for (const auto* crumb : bench.window->findChild<widgets::CrumbBar*>()->findChildren<QToolButton*>()) {
            if (crumb->property("role") == u"crumb"_s)
                names << crumb->accessibleName();
        }
        return names;
    };
    EXPECT_TRUE(waitUntil([&] {
        return crumbs() == QStringList{u"given.blockcert"_s, u"block_11"_s, u"certificate.json"_s};
    })) << crumbs().join(u'|').toStdString();
}

TEST(WindowModel, TheCountOfTokensIsWholeInASmallWindow)
{
    Workbench bench(engineScript());
    bench.start();
    ASSERT_TRUE(bench.openModel());
    RunPage& page = bench.window->runPage();
    bench.window->showPage(MainWindow::Run);
    for (const bool isLong : {false, true}) { // the second has no room beside the choice in the smaller window
        if (isLong)
            page.setPromptFile(u"/prompts/the-questions-of-the-second-series.jsonl"_s);
        ASSERT_TRUE(waitUntil([&] { return bench.session->prompts.list().isReady(); }));
        for (const int width : {1064, 1440}) {
            bench.window->resize(width, 760);
            QApplication::processEvents();
            int shown = 0;
            for (const QLabel* label : page.findChildren<QLabel*>()) {
                if (!label->text().endsWith(u"5 tokens"_s) || !label->isVisibleTo(&page) ||
                    label->text().startsWith(u"Prompt "_s))
                    continue;
                ++shown;
                EXPECT_EQ(label->text().contains(u"second-series"_s), isLong);
                EXPECT_GE(label->width(), label->fontMetrics().horizontalAdvance(label->text())) << width;
            }
            EXPECT_EQ(shown, 1) << width << isLong;
        }
    }
}

TEST(WindowModel, TheTableOfBlocksSaysItsOrderAndKeepsTheSelectedRowInView)
{
    widgets::BlockTable table;
    table.resize(900, 120);
    table.show();
    auto rows = std::make_shared<std::vector<widgets::BlockRow>>();
    for (int block = 0; block < 40; ++block) {
        rows->emplace_back();
        rows->back().block = block;
        rows->back().epsilon = 1.0 / (1 + block);
    }
    table.setRows(rows);
    table.setCurrentBlock(1);
    const auto head = [&](int column) { return table.model()->headerData(column, Qt::Horizontal).toString(); };
    EXPECT_EQ(head(widgets::BlockTableModel::Block), u"Block ↑"_s);
    table.sortByColumn(widgets::BlockTableModel::Epsilon, Qt::AscendingOrder);
    EXPECT_EQ(head(widgets::BlockTableModel::Block), u"Block"_s);
    EXPECT_EQ(head(widgets::BlockTableModel::Epsilon), u"ε ↑"_s);
    EXPECT_EQ(table.currentBlock(), 1);
    EXPECT_TRUE(table.viewport()->rect().intersects(table.visualRect(table.currentIndex())));
    table.sortByColumn(widgets::BlockTableModel::Epsilon, Qt::DescendingOrder);
    EXPECT_EQ(head(widgets::BlockTableModel::Epsilon), u"ε ↓"_s);
    EXPECT_TRUE(table.viewport()->rect().intersects(table.visualRect(table.currentIndex())));
}

}
}
