// A run while it is measured: what its progress makes of map, lane and pace.
#include "app/workbench/session/json_values.h"
#include "app/workbench/session/live_run.h"
#include "app/workbench/session/preferences.h"
#include "tests/workbench/support/samples.h"

#include <QTemporaryDir>

#include <gtest/gtest.h>

namespace blockcert::workbench {
namespace {

using namespace Qt::StringLiterals;
using widgets::BlockState;

TEST(LiveRun, FillsMapAndLaneFromProgress)
{
    const auto prompts = std::make_shared<const widgets::PromptList>(promptListOf(testing::tokenizeAnswer(), {}));
    LiveRun live(u"run"_s, prompts, {0, 1, 2}, {}, u"tiny"_s);
    const auto tell = [&live](const Json& step) { return live.apply(progressOf(step["progress"])); };
    EXPECT_TRUE(tell(testing::cellProgress(2, 0, 1)));
    const auto cell = tell(testing::cellProgress(2, 1, 2));
    ASSERT_TRUE(cell);
    EXPECT_EQ(cell->block, 2);
    const auto progress = live.progress();
    EXPECT_EQ(progress->rows[2].errors.size(), 2U);
    EXPECT_DOUBLE_EQ(progress->rows[2].epsilon, 0.0142);
    EXPECT_DOUBLE_EQ(progress->rows[2].coverage, 0.8); // four of five tokens are within 0.01
    EXPECT_NE(live.map()->cell(2, 1), nullptr);
    EXPECT_GT(progress->etaSecondsHigh, progress->etaSecondsLow);
    (void)tell(testing::blockProgress(2));
    EXPECT_EQ((*live.blocks())[2].state, BlockState::NotCertified);
}

TEST(LiveRun, WhatItDoesNotKnowIsIgnored)
{
    const auto prompts = std::make_shared<const widgets::PromptList>(promptListOf(testing::tokenizeAnswer(), {}));
    LiveRun live(u"run"_s, prompts, {0}, {}, u"tiny"_s);
    EXPECT_FALSE(live.apply(progressOf(testing::cellProgress(2, 0, 1)["progress"])));
    EXPECT_FALSE(
        live.apply(progressOf(Json{{"stage", "replay"}, {"detail", {{"cell", {{"block", 0}, {"prompt", 9}}}}}})));
}

TEST(LiveRun, AResumedRunBeginsWithWhatIsThere)
{
    const RunView run = runViewOf(testing::showAnswer("/runs/one.blockcert", false));
    auto prompts = std::make_shared<widgets::PromptList>(promptListOf(testing::tokenizeAnswer(), {}));
    LiveRun live(u"run"_s, prompts, {0, 1, 2}, run.map->thresholds, u"tiny"_s);
    live.adopt(*run.map, *run.blocks);
    EXPECT_EQ(live.progress()->rows[0].state, widgets::StepState::Done);
    EXPECT_EQ(live.progress()->rows[1].state, widgets::StepState::Waiting);
    EXPECT_NE(live.map()->cell(0, 0), nullptr);
}

TEST(LiveRun, AnEngineThatDiedLosesNoCellAndNoTime)
{
    const auto prompts = std::make_shared<const widgets::PromptList>(promptListOf(testing::tokenizeAnswer(), {}));
    LiveRun live(u"run"_s, prompts, {0, 1, 2}, {}, u"tiny"_s);
    const auto tell = [&live](Json step, double seconds) {
        step["progress"]["elapsed_s"] = seconds;
        step["progress"]["eta_s"] = 2;
        return live.apply(progressOf(step["progress"]));
    };
    (void)tell(testing::cellProgress(0, 0, 1), 3);
    (void)tell(testing::cellProgress(0, 1, 2), 4);
    live.beginAgain();
    EXPECT_NE(live.map()->cell(0, 1), nullptr);
    EXPECT_EQ(live.progress()->rows[0].state, widgets::StepState::Running) << "measured, as in a run that went on";
    EXPECT_EQ(live.progress()->rows[1].state, widgets::StepState::Waiting);
    EXPECT_EQ(live.progress()->rows[0].note, u"measured"_s);
    // Two of six cells were there before: in 2 s the new engine has done two more, so two are left for 2 s.
    (void)tell(testing::cellProgress(1, 0, 2), 10);
    (void)tell(testing::cellProgress(1, 1, 4), 12);
    const auto progress = live.progress();
    EXPECT_DOUBLE_EQ(progress->elapsedSeconds, 16);
    EXPECT_DOUBLE_EQ(progress->etaSecondsHigh, 2 * 1.1);
    EXPECT_DOUBLE_EQ(progress->etaSecondsLow, 2 * 0.9);
    live.end(widgets::StepState::Failed);
    EXPECT_EQ(live.progress()->rows[1].state, widgets::StepState::Cancelled);
    EXPECT_EQ(live.progress()->rows[2].state, widgets::StepState::Cancelled) << "nothing waits once it has ended";
    EXPECT_EQ(live.progress()->rows[2].note, u"not begun"_s);
    live.beginAgain();
    for (const widgets::ProgressRow& row : live.progress()->rows) {
        const bool isMeasured = row.done > 0;
        EXPECT_EQ(row.state, isMeasured ? widgets::StepState::Running : widgets::StepState::Waiting)
            << row.title.toStdString();
        EXPECT_EQ(row.note, isMeasured ? u"measured"_s : QString()) << row.title.toStdString();
    }
}

TEST(PaceBook, TheSpeedOfOneModelIsNotUsedForAnother)
{
    PaceBook book;
    book.learn({u"tiny"_s, u"fp32"_s, 1e6, 0.5, 1});
    EXPECT_FALSE(book.expected(u"large"_s, u"fp32"_s, 1e12)) << "as 139 hours of what takes seconds";
    EXPECT_FALSE(book.expected(u"tiny"_s, u"bf16"_s, 1e6));
    book.learn({u"large"_s, u"fp32"_s, 1e12, 10, 2});
    const auto large = book.expected(u"large"_s, u"fp32"_s, 3e12);
    ASSERT_TRUE(large);
    EXPECT_DOUBLE_EQ(large->seconds, 2 + 30) << "what comes before the cells is not scaled";
    EXPECT_FALSE(large->isUpper);
    EXPECT_TRUE(book.expected(u"large"_s, u"fp32"_s, 3e13)->isUpper);
    book.learn({u"large"_s, u"fp32"_s, 1e10, 1, 2});
    EXPECT_DOUBLE_EQ(book.expected(u"large"_s, u"fp32"_s, 1e12)->seconds, 12) << "a small part teaches nothing new";
    book.learn({u"large"_s, u"fp32"_s, 1e12, 20, 2});
    EXPECT_DOUBLE_EQ(book.expected(u"large"_s, u"fp32"_s, 1e12)->seconds, 22);
    book.learn({u"large"_s, u"fp32"_s, widgets::missing, 20, 2});
    EXPECT_EQ(book.paces().size(), 2U);
}

TEST(PaceBook, IsKeptBetweenStarts)
{
    const std::vector<RunPace> paces{{u"/m/a b"_s, u"fp32"_s, 3e9, 0.25, 1.5}, {u"demo"_s, u"bf16"_s, 1e12, 8, 2}};
    Preferences().setRunPaces(paces);
    EXPECT_EQ(Preferences().runPaces(), paces);
    Preferences().setRunPaces({});
    EXPECT_TRUE(Preferences().runPaces().empty());
}

// The losses of a resumed run are counted from what is left of them: that is no share of the whole.
TEST(LiveRun, ARestOfUnknownShareTeachesNoPace)
{
    const auto prompts = std::make_shared<const widgets::PromptList>(promptListOf(testing::tokenizeAnswer(), {}));
    const auto progress = [](const char* stage, qint64 done, qint64 total, double seconds) {
        JobProgress step;
        step.stage = QString::fromUtf8(stage);
        step.done = done;
        step.total = total;
        step.elapsedSeconds = seconds;
        return step;
    };
    using Asked = LiveRun::Asked;
    LiveRun live(u"run"_s, prompts, {0, 1, 2}, {}, u"tiny"_s);
    (void)live.apply(progress("replay", 4, 6, 0.5));
    (void)live.apply(progress("loss", 0, 100, 1));
    (void)live.apply(progress("loss", 100, 100, 3));
    EXPECT_EQ(live.pace(Asked::Rest).share, 0);
    EXPECT_EQ(live.pace(Asked::Part).share, 1) << "of a run that began here";

    LiveRun without(u"run"_s, prompts, {0, 1, 2}, {}, u"tiny"_s);
    (void)without.apply(progress("replay", 3, 6, 1));
    (void)without.apply(progress("replay", 6, 6, 2));
    EXPECT_EQ(without.pace(Asked::Rest).share, 0.5) << "cells are counted from all of them";
}

TEST(LiveRun, OnlyTheRowAtWorkIsToBlame)
{
    const auto prompts = std::make_shared<const widgets::PromptList>(promptListOf(testing::tokenizeAnswer(), {}));
    LiveRun live(u"run"_s, prompts, {0, 1}, {}, u"tiny"_s);
    (void)live.apply(progressOf(testing::cellProgress(0, 0, 1)["progress"]));
    (void)live.apply(progressOf(testing::cellProgress(1, 0, 2)["progress"]));
    live.blame(u"The disk is full."_s);
    live.end(widgets::StepState::Failed);
    EXPECT_EQ(live.progress()->rows[0].state, widgets::StepState::Cancelled);
    EXPECT_EQ(live.progress()->rows[0].note, u"1 of 2 cells kept"_s);
    EXPECT_EQ(live.progress()->rows[1].state, widgets::StepState::Failed);
    EXPECT_EQ(live.progress()->rows[1].note, u"The disk is full."_s);
}

}
}
