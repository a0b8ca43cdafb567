// What the Run page says and keeps still while a run begins, stops and ends; and what stays when an opening fails.
#include "app/workbench/pages/explore_page.h"
#include "app/workbench/pages/options_panel.h"
#include "app/workbench/pages/page_parts.h"
#include "app/workbench/pages/run_page.h"
#include "app/workbench/pages/surrogate_panel.h"
#include "app/workbench/shell/main_window.h"
#include "tests/workbench/support/bench.h"
#include "widgets/progress_list.h"
#include "widgets/token_heatmap.h"

#include <QApplication>
#include <QComboBox>
#include <QDir>
#include <QFile>
#include <QLabel>
#include <QLineEdit>
#include <QProgressBar>
#include <QPushButton>
#include <QToolButton>

#include <gmock/gmock.h>
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

// An engine that has loaded the weights, is stopped then, and has written nothing.
Json stoppedBeforeItsCells(const QString& go)
{
    return steps({Json{{"deaf", true}},
                  Json{{"progress", {{"stage", "load"}, {"done", 4}, {"total", 4}, {"unit", "blocks"}}}},
                  Json{{"until_file", go.toStdString()}},
                  Json{{"error", {{"code", -32800}, {"message", "cancelled"}, {"data", {{"resumable", false}}}}}}});
}

void make(const QString& path)
{
    QFile file(path);
    EXPECT_TRUE(file.open(QIODevice::WriteOnly));
}

TEST(WindowRun, CancelledBeforeItsFirstCellItHasDoneNothingAndTakesNoName)
{
    Json script = engineScript();
    Workbench bench(script, showScript());
    const QString go = bench.engine().filePath(u"go"_s);
    script["certify"] = once(stoppedBeforeItsCells(go));
    bench.engine().rewrite(script.dump());
    bench.start();
    ASSERT_TRUE(bench.openModel());
    RunPage& page = bench.window->runPage();
    const QString out = page.settings().out;
    bench.run();
    ASSERT_TRUE(waitUntil(
        [&] { return bench.session->launcher.live() && bench.session->launcher.live()->progress()->done == 4; }));
    emit page.cancelWanted();
    make(go);
    ASSERT_TRUE(waitUntil([&] { return bench.session->launcher.state() == RunLauncher::State::Cancelled; }));

    EXPECT_EQ(page.settings().out, out) << "the folder was never made, so its name is free";
    EXPECT_EQ(page.findChild<QProgressBar*>()->value(), 0);
    EXPECT_EQ(page.findChild<QProgressBar*>()->maximum(), 1000);
    for (const widgets::ProgressRow& row : bench.session->launcher.live()->progress()->rows) {
        if (row.block >= 0) {
            EXPECT_EQ(row.state, widgets::StepState::Cancelled) << row.title.toStdString();
            EXPECT_EQ(row.note, u"not begun"_s) << row.title.toStdString();
        }
    }
    EXPECT_TRUE(Workbench::noticeOn(page).startsWith(u"Cancelled before anything was written"_s));
}

TEST(WindowRun, NothingMovesWhenTheStateChanges)
{
    Workbench bench(testing::stoppedRunScript(), testing::stoppedShowScript());
    bench.start();
    ASSERT_TRUE(bench.openModel());
    ASSERT_TRUE(waitUntil([&] { return bench.session->launcher.estimate().isReady(); }));
    bench.window->showPage(MainWindow::Run);
    RunPage& page = bench.window->runPage();
    const auto placeOf = [](QWidget* widget) { return widget->mapTo(widget->window(), QPoint(0, 0)).y(); };
    const auto onSide = [&](const QStringList& texts) -> QWidget* {
        for (QPushButton* button : page.side()->findChildren<QPushButton*>()) {
            if (texts.contains(button->text()) && button->isVisibleTo(page.side()))
                return button;
        }
        return page.side();
    };

    struct Places {
        int folder;
        int run;
        int copy;
        int lane;

        bool operator==(const Places&) const = default;
    };

    const auto places = [&] {
        QApplication::processEvents();
        return Places{placeOf(page.side()->findChild<QLineEdit*>()),
                      placeOf(onSide({u"Run"_s, u"Cancel"_s, u"Resume"_s})), placeOf(onSide({u"Copy as command"_s})),
                      placeOf(page.findChild<widgets::ProgressList*>())};
    };
    const Places before = places();
    bench.run();
    ASSERT_TRUE(
        waitUntil([&] { return bench.session->launcher.live() && bench.session->launcher.live()->map()->cell(0, 0); }));
    EXPECT_TRUE(waitUntil([&] { // the lane has only now come into view
        const Places now = places();
        return now.folder == before.folder && now.run == before.run && now.copy == before.copy;
    }));
    const Places running = places();
    emit page.cancelWanted();
    ASSERT_TRUE(waitUntil([&] { return bench.session->launcher.state() == RunLauncher::State::Cancelled; }));
    ASSERT_FALSE(Workbench::noticeOn(page).isEmpty());
    EXPECT_TRUE(waitUntil([&] { return places() == running; })); // once the layout has settled
    ASSERT_TRUE(waitUntil([&] { return bench.session->run.run().isReady(); }));
    ASSERT_TRUE(Workbench::actOn(page));
    ASSERT_TRUE(waitUntil([&] { return bench.session->launcher.state() == RunLauncher::State::Finished; }));
    EXPECT_TRUE(waitUntil([&] { return places() == running; }));
}

TEST(WindowRun, ABlockThatIsNotThereIsNamedWithTheBlocksThatAre)
{
    Workbench bench(engineScript());
    bench.start();
    ASSERT_TRUE(bench.openModel());
    RunPage& page = bench.window->runPage();
    RunSettings settings = page.settings();
    settings.blocks = u"0-2,99"_s;
    page.showSettings(settings, 3);
    EXPECT_EQ(page.obstacle(), u"There is no block 99: this model has 0 to 2."_s);
    bool isSaid = false;
    for (const QLabel* label : page.findChildren<QLabel*>())
        isSaid = isSaid || label->text() == page.obstacle();
    EXPECT_TRUE(isSaid) << "beside the field";
}

TEST(WindowRun, TheSurrogateIsChosenOnThePageAndWrongOnesAreRefusedInTheEnginesWords)
{
    Workbench bench(engineScript());
    bench.start();
    ASSERT_TRUE(bench.openModel());
    RunPage& page = bench.window->runPage();
    auto& panel = *page.findChild<SurrogatePanel*>();
    const auto box = [&panel](const QString& name) {
        for (QComboBox* one : panel.findChildren<QComboBox*>())
            if (one->accessibleName() == name)
                return one;
        return static_cast<QComboBox*>(nullptr);
    };
    const auto field = [&panel](const QString& name) {
        for (QLineEdit* one : panel.findChildren<QLineEdit*>())
            if (one->accessibleName() == name)
                return one;
        return static_cast<QLineEdit*>(nullptr);
    };
    EXPECT_EQ(page.settings().surrogate, u"exact"_s);
    QComboBox* family = box(u"Surrogate family"_s);
    QComboBox* ablation = box(u"Ablation"_s);
    ASSERT_TRUE(family && ablation && field(u"Checkpoint"_s) && field(u"Scale of the noise"_s));
    family->setCurrentText(u"low-rank"_s);
    EXPECT_EQ(page.settings().surrogate, u"low-rank:64:attn"_s);
    ASSERT_TRUE(waitUntil([&] {
        const std::vector<Json> asked = bench.asked("estimate");
        return !asked.empty() && asked.back().value("surrogate", "") == "low-rank:64:attn";
    })) << "what it costs is asked for it";
    family->setCurrentText(u"quant"_s);
    EXPECT_EQ(page.settings().surrogate, u"quant:Q8_0"_s);
    family->setCurrentText(u"checkpoint"_s);
    EXPECT_EQ(page.obstacle(), u"Choose the model whose blocks stand in for these."_s);
    page.setCheckpoint(u"/models/other"_s);
    EXPECT_EQ(page.settings().surrogate, u"checkpoint:/models/other"_s);
    EXPECT_EQ(page.obstacle(), QString());

    ablation->setCurrentText(u"noise-wq"_s);
    EXPECT_EQ(page.settings().ablation, u"noise-wq:0.01"_s);
    field(u"Scale of the noise"_s)->setText(u"-1"_s);
    EXPECT_TRUE(page.obstacle().startsWith(u"--ablate noise-wq:-1: the scale must be a number above 0"_s))
        << page.obstacle().toStdString();
    std::string words = testing::wordsOf(*page.side()).toStdString();
    EXPECT_THAT(words, ::testing::HasSubstr("Nothing yet. --ablate noise-wq:-1")) << "and nothing is claimed with it";
    ablation->setCurrentText(u"drop-rope"_s);
    EXPECT_EQ(page.settings().ablation, u"drop-rope"_s);

    // A run that is opened again brings its own.
    RunSettings settings = page.settings();
    settings.surrogate = u"low-rank:8:all"_s;
    settings.ablation = QString();
    page.showSettings(settings, 3);
    EXPECT_EQ(page.settings().surrogate, u"low-rank:8:all"_s);
    EXPECT_EQ(page.settings().ablation, QString());
}

TEST(WindowRun, NothingIsClaimedWithAThresholdThatIsNone)
{
    Workbench bench(engineScript());
    bench.start();
    ASSERT_TRUE(bench.openModel());
    RunPage& page = bench.window->runPage();
    const auto words = [&page] { return testing::wordsOf(*page.side()).toStdString(); };
    ASSERT_TRUE(waitUntil([&] { return words().find("τ = 0.01") != std::string::npos; }));
    for (QLineEdit* field : page.findChild<OptionsPanel*>()->findChildren<QLineEdit*>())
        if (field->accessibleName() == u"τ_act"_s)
            field->setText(u"abc"_s);
    EXPECT_THAT(words(), ::testing::HasSubstr("Nothing yet. τ_act has to be a number"));
    EXPECT_EQ(words().find("τ = 0.01"), std::string::npos);
}

TEST(WindowRun, FirstOrderLossesAreOffered)
{
    Workbench bench(engineScript());
    bench.start();
    ASSERT_TRUE(bench.openModel());
    RunPage& page = bench.window->runPage();
    for (QComboBox* box : page.findChild<OptionsPanel*>()->findChildren<QComboBox*>()) {
        if (const int at = box->findData(u"first-order"_s); at >= 0)
            box->setCurrentIndex(at);
    }
    EXPECT_EQ(page.settings().loss, u"first-order"_s);
    EXPECT_EQ(certifyParameters(page.settings(), false)["loss"], "first-order");
    EXPECT_TRUE(certifyCommand(page.settings()).contains(u"--loss first-order"_s));
    EXPECT_TRUE(claimSentence(page.settings(), 3, {}).contains(u"estimated to first order: no coverage"_s));
}

TEST(WindowRun, WhatARunWillClaimIsThatOfTheRunAndNotOfTheSettings)
{
    Workbench bench(testing::stoppedRunScript(), testing::stoppedShowScript());
    bench.start();
    ASSERT_TRUE(bench.openModel());
    bench.run();
    ASSERT_TRUE(
        waitUntil([&] { return bench.session->launcher.live() && bench.session->launcher.live()->map()->cell(0, 0); }));
    RunPage& page = bench.window->runPage();
    RunSettings settings = page.settings();
    settings.blocks = u"0"_s;
    settings.policy.tauAct = 0.5;
    page.showSettings(settings, 3);
    ASSERT_TRUE(page.showsProgress());
    std::string words = testing::wordsOf(*page.side()).toStdString();
    EXPECT_THAT(words, ::testing::HasSubstr("What this run will claim\nFor each of 3 blocks"));
    EXPECT_THAT(words, ::testing::HasSubstr("τ = 0.01"));
    EXPECT_THAT(words, ::testing::HasSubstr("measured on these 5 tokens of 2 prompts"));
    page.showForm();
    words = testing::wordsOf(*page.side()).toStdString();
    EXPECT_THAT(words, ::testing::HasSubstr("What these settings would claim\nFor each of 1 blocks"));
    EXPECT_THAT(words, ::testing::HasSubstr("τ = 0.5"));
}

TEST(WindowRun, AFolderThatIsNoRunLeavesTheShownOne)
{
    Json tool = Json::object();
    tool["show"] = Json::array();
    tool["show"].push_back(steps({Json{{"json", testing::showAnswer("run", true)}}}));
    tool["show"].push_back(steps(
        {Json{{"json", {{"error", {{"message", "/else is not a run: it holds no run.json."}, {"exit_code", 3}}}}}},
         Json{{"exit", 3}}}));
    Workbench bench(engineScript(), tool);
    bench.start();
    const QString run = bench.makeRunFolder(u"given.blockcert"_s, true);
    bench.window->openRun(run);
    ASSERT_TRUE(waitUntil([&] { return bench.session->run.run().isReady(); }));
    ExplorePage& explore = bench.window->explorePage();
    explore.select({1, 1, 1});
    const auto map = explore.map();
    bench.window->openRun(bench.runFolder() + u"/else"_s); // as the dialog and the palette do
    ASSERT_TRUE(waitUntil([&] { return Workbench::noticeOn(explore).contains(u"no run.json"_s); }));
    EXPECT_TRUE(Workbench::noticeOn(explore).contains(u"The run that was open still is"_s));
    EXPECT_EQ(bench.session->run.path(), run);
    EXPECT_EQ(bench.session->verdict.request().path, run);
    EXPECT_EQ(explore.map(), map);
    EXPECT_EQ(explore.selection(), (widgets::CellKey{1, 1, 1}));
    EXPECT_TRUE(explore.findChild<widgets::TokenHeatmap*>()->isVisible());
}

TEST(WindowRun, TheChoiceOfASecondRunSaysWhatItIsFor)
{
    Workbench bench(engineScript(), showScript());
    bench.start();
    const auto says = [&](const QString& text) {
        for (const QToolButton* button : bench.window->findChildren<QToolButton*>()) {
            if (button->text() == text)
                return true;
        }
        return false;
    };
    EXPECT_TRUE(says(u"Compare with…"_s));
    bench.session->other.open(bench.makeRunFolder(u"second.blockcert"_s, true));
    EXPECT_TRUE(says(u"B: second"_s));
}

TEST(ElidedComboBox, EndsInAnEllipsisWhereItsTextDoesNotFit)
{
    ElidedComboBox box;
    box.addItem(u"A prompt whose name is longer than any field has room for"_s);
    box.resize(120, 28);
    EXPECT_TRUE(box.shownText().endsWith(u'…')) << box.shownText().toStdString();
    EXPECT_LE(box.fontMetrics().horizontalAdvance(box.shownText()), 120);
    box.resize(900, 28);
    EXPECT_EQ(box.shownText(), box.currentText());
}

}
}
