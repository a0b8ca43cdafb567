// What the Failures view asks for and shows, with scripted programs behind the window.
#include "app/workbench/pages/explore_page.h"
#include "app/workbench/pages/failure_details.h"
#include "app/workbench/pages/failure_view.h"
#include "app/workbench/pages/map_view.h"
#include "tests/workbench/support/bench.h"
#include "widgets/block_multiples.h"
#include "widgets/empty_state.h"
#include "widgets/failure_table.h"
#include "widgets/value_table.h"

#include <QAbstractButton>
#include <QApplication>

#include <gtest/gtest.h>

#include <algorithm>
#include <variant>

namespace blockcert::workbench {
namespace {

using namespace Qt::StringLiterals;
using testing::engineScript;
using testing::once;
using testing::press;
using testing::result;
using testing::showScript;
using testing::steps;
using testing::waitUntil;
using testing::wordsOf;
using testing::Workbench;

TEST(FailuresWindow, ShowsTheProgramsFindingsOnTheChosenToken)
{
    Json tool = showScript();
    const Json row = {
        {"block", 2},
        {"prompt", 0},
        {"token", 0},
        {"error_attn", 0.125},
        {"margin", {{"min", 0.5}, {"head", 3}, {"median", 1.5}}},
        {"nearest_passing", {{"token", 1}, {"piece", "b"}, {"distance", 1}, {"error", 0.001}, {"output_norm", 5}}}};
    tool["failures"] =
        once(steps({Json{{"json",
                          {{"run", "run"},
                           {"notes", Json::array()},
                           {"blocks", Json::array({{{"block", 2}, {"notes", {"Massive tokens fail."}}}})},
                           {"failures", Json::array({row})}}}}}));
    Workbench bench(engineScript(), tool);
    bench.openSample();
    ExplorePage& page = bench.window->explorePage();
    page.showView(ExplorePage::Failures);
    page.select({2, 0, 0});
    FailureDetails& details = page.failureDetails();
    details.showPart(FailureDetails::Why);
    ASSERT_TRUE(waitUntil([&] { return bench.session->anatomy.get().isReady(); }));
    EXPECT_TRUE(wordsOf(details).contains(u"Massive tokens fail."_s)) << wordsOf(details).toStdString();
    EXPECT_TRUE(wordsOf(details).contains(u"nearest passing token is 1"_s)) << wordsOf(details).toStdString();
}

// Of the sample run: block 2 stands out; its token 1 and one token of block 1 are told of.
Json anatomyAnswer(bool isEverythingCovered)
{
    const auto block = [](int number, double epsilon, double ratio, Json notes) {
        return Json{{"block", number},
                    {"tokens", 5},
                    {"uncovered", 0},
                    {"epsilon", epsilon},
                    {"epsilon_ratio", ratio},
                    {"massive", 1},
                    {"tokens_of_half_the_error", 1},
                    {"worst", {{"prompt", 0}, {"token", 1}}},
                    {"failing", "largest"},
                    {"failing_tokens", 4},
                    {"contrasts", Json::array({{{"quantity", "value_norm"},
                                                {"failing", 9.0},
                                                {"passing", 3.0},
                                                {"ratio", 3.0},
                                                {"correlation", 0.5}}})},
                    {"notes", std::move(notes)}};
    };
    Json blocks = Json::array(
        {block(0, 0.001, 0.5, Json::array()), block(1, 0.002, 1, Json::array()),
         block(2, 0.0142, 7.1, {"Block 2 stands out: its ε is 7.1 times the median.", "The error lies in the MLP."})});
    if (!isEverythingCovered)
        blocks[2]["uncovered"] = 1;
    Json rows = Json::array();
    for (const int number : {1, 2})
        rows.push_back({{"block", number},
                        {"prompt", 0},
                        {"token", 1},
                        {"covered", true},
                        {"value_norm", {{"min", 1.0}, {"median", 4.25}, {"max", 9.0}}},
                        {"margin", {{"min", 0.5}, {"head", 3}, {"median", 1.5}}}});
    return {{"run", "run"},     {"outstanding", 2}, {"notes", blocks[2]["notes"]},
            {"blocks", blocks}, {"failures", rows}, {"problems", Json::array()}};
}

Json toolWithAnatomy(bool isEverythingCovered)
{
    Json shown = testing::showAnswer("run", true);
    if (isEverythingCovered)
        shown["manifest"]["request"]["policy"]["tau_act"] = {{"value", 1.0}, {"hex", "0x1p+0"}};
    Json tool = Json::object();
    tool["show"] = once(steps({Json{{"json", shown}}}));
    tool["failures"] = once(steps({Json{{"json", anatomyAnswer(isEverythingCovered)}}}));
    return tool;
}

const QAbstractItemModel* tableNamed(const QWidget& page, const QString& name)
{
    for (const auto* table : page.findChildren<widgets::ValueTable*>())
        if (table->accessibleName() == name)
            return table->model();
    return nullptr;
}

TEST(FailuresWindow, WhereNothingFailedTheBlockThatStandsOutIsExplained)
{
    Workbench bench(engineScript(), toolWithAnatomy(true));
    bench.openSample();
    ExplorePage& page = bench.window->explorePage();
    page.showView(ExplorePage::Failures);
    ASSERT_TRUE(waitUntil([&] { return bench.session->anatomy.get().isReady(); })) << "it is looked into by itself";
    FailureView& view = page.failureView();
    EXPECT_EQ(view.part(), FailureView::ByBlock);
    EXPECT_TRUE(wordsOf(view).contains(u"Block 2 stands out: its ε is 7.1 times the median."_s))
        << wordsOf(view).toStdString();
    EXPECT_TRUE(wordsOf(view).contains(u"The error lies in the MLP."_s));
    const QAbstractItemModel* contrasts = tableNamed(view, u"Failing against other tokens"_s);
    ASSERT_TRUE(contrasts && contrasts->rowCount() == 1);
    EXPECT_EQ(contrasts->index(0, 0).data().toString(), u"Value norm"_s);
    EXPECT_EQ(contrasts->index(0, 3).data().toString(), u"3.00×"_s);
    EXPECT_EQ(contrasts->headerData(1, Qt::Horizontal).toString(), u"4 largest"_s);
    const QAbstractItemModel* blocks = tableNamed(view, u"Blocks by their largest error"_s);
    ASSERT_TRUE(blocks && blocks->rowCount() == 3);
    EXPECT_EQ(blocks->index(0, 0).data().toString(), u"2"_s) << "the largest ε first";

    bench.command(u"Explore: failures"_s);
    bench.command(u"Send this view to the report"_s);
    ASSERT_TRUE(waitUntil([&] { return bench.session->report.items().size() == 1; }));
    EXPECT_EQ(bench.session->report.items()[0].title, u"Blocks by their largest error"_s);
    EXPECT_FALSE(bench.session->report.items()[0].parts.empty()) << "the table of blocks";

    press(view, u"Its largest error"_s);
    EXPECT_EQ(view.part(), FailureView::LargestCovered);
    EXPECT_EQ(page.selection(), (widgets::CellKey{2, 0, 1}));
    EXPECT_TRUE(wordsOf(view).contains(u"covered, at"_s)) << wordsOf(view).toStdString();
    EXPECT_EQ(page.findChild<widgets::FailureTable*>()->shownFailures(), 15) << "all tokens of so small blocks";
}

TEST(FailuresWindow, BlocksThatAreStillLookedIntoAreSentToTheReportOnceTheyAreThere)
{
    Workbench bench(engineScript(), toolWithAnatomy(true));
    bench.openSample();
    bench.window->showPage(MainWindow::Explore);
    ExplorePage& page = bench.window->explorePage();
    page.showView(ExplorePage::Failures);
    FailureView& view = page.failureView();
    view.showPart(FailureView::ByBlock);
    ASSERT_EQ(view.content(), FailureView::Content::Coming) << "no event has been seen to since it was asked for";
    bench.command(u"Send this view to the report"_s);
    EXPECT_TRUE(wordsOf(*bench.window).contains(u"it is sent to the report once it is there"_s));
    EXPECT_TRUE(bench.session->report.items().empty());
    ASSERT_TRUE(waitUntil([&] { return bench.session->report.items().size() == 1; }));
    const ReportItem& sent = bench.session->report.items()[0];
    EXPECT_EQ(sent.title, u"Blocks by their largest error"_s);
    const auto table = std::ranges::find_if(
        sent.parts, [](const report::Part& part) { return std::holds_alternative<report::Table>(part); });
    ASSERT_NE(table, sent.parts.end());
    EXPECT_EQ(std::get<report::Table>(*table).rows.size(), 3U);
    bench.session->report.setExported();
}

TEST(FailuresWindow, BlocksThatNobodyLookedIntoAreNotSent)
{
    Json tool = toolWithAnatomy(true);
    tool["failures"] = once(steps({Json{{"sleep", 60000}}}));
    Workbench bench(engineScript(), tool);
    bench.openSample();
    bench.window->showPage(MainWindow::Explore);
    ExplorePage& page = bench.window->explorePage();
    page.showView(ExplorePage::Failures);
    FailureView& view = page.failureView();
    view.showPart(FailureView::ByBlock);
    bench.command(u"Send this view to the report"_s);
    ASSERT_TRUE(waitUntil([&] { return bench.session->anatomy.get().isLoading(); }));
    press(view, u"Cancel"_s);
    ASSERT_TRUE(waitUntil([&] { return view.content() == FailureView::Content::None; }));
    EXPECT_TRUE(wordsOf(*bench.window).contains(u"Nothing was sent to the report"_s));
    bench.command(u"Send this view to the report"_s);
    EXPECT_TRUE(wordsOf(*bench.window).contains(u"There is nothing to send yet"_s));
    EXPECT_TRUE(bench.session->report.items().empty());
}

TEST(FailuresWindow, BesideFailuresASentenceLeadsToTheBlockThatStandsOut)
{
    Workbench bench(engineScript(), toolWithAnatomy(false));
    bench.openSample();
    ExplorePage& page = bench.window->explorePage();
    page.showView(ExplorePage::Failures);
    FailureView& view = page.failureView();
    ASSERT_TRUE(waitUntil([&] { return Workbench::noticeOn(view).startsWith(u"Block 2 stands out"_s); }));
    EXPECT_EQ(view.part(), FailureView::NotCovered);
    page.select({1, 0, 1});
    view.showPart(FailureView::ByBlock);
    QCoreApplication::processEvents();
    auto* blocks = view.findChild<widgets::ValueTable*>();
    const auto shownBlock = [&] { return blocks->currentIndex().siblingAtColumn(0).data().toString(); };
    EXPECT_EQ(shownBlock(), u"1"_s) << "the block that is selected everywhere else";
    const QPoint before = blocks->mapTo(&view, QPoint());
    press(view, u"Look into block 2"_s);
    QCoreApplication::processEvents();
    EXPECT_EQ(view.part(), FailureView::ByBlock);
    EXPECT_EQ(shownBlock(), u"2"_s);
    EXPECT_EQ(page.selection().block, 2);
    EXPECT_EQ(blocks->mapTo(&view, QPoint()), before) << "nothing moves under the pointer";
    EXPECT_TRUE(Workbench::noticeOn(view).startsWith(u"Block 2 stands out"_s));
    view.showPart(FailureView::LargestCovered);
    EXPECT_EQ(page.findChild<widgets::FailureTable*>()->shownFailures(), 14);
}

TEST(FailuresWindow, TheInspectorAsksWhyOfACoveredToken)
{
    Workbench bench(engineScript(), toolWithAnatomy(false));
    bench.openSample();
    bench.window->showPage(MainWindow::Explore);
    ExplorePage& page = bench.window->explorePage();
    page.select({1, 0, 1});
    const auto isOffered = [&] { // the inspector's new buttons come into view
        for (const auto* button : page.side()->findChildren<QAbstractButton*>())
            if (button->text() == u"Why this error"_s && button->isEnabled() && button->isVisibleTo(page.side()))
                return true;
        return false;
    };
    ASSERT_TRUE(waitUntil(isOffered));
    press(*page.side(), u"Why this error"_s);
    EXPECT_EQ(page.view(), ExplorePage::Failures);
    ASSERT_TRUE(waitUntil([&] { return bench.session->anatomy.get().isReady(); }));
    FailureView& view = page.failureView();
    ASSERT_TRUE(waitUntil([&] { return view.part() == FailureView::LargestCovered; }));
    ASSERT_TRUE(view.current().has_value());
    EXPECT_EQ(view.current()->key, (widgets::CellKey{1, 0, 1}));
    EXPECT_TRUE(wordsOf(view).contains(u"Margins"_s) || wordsOf(view).contains(u"covered, at"_s))
        << wordsOf(view).toStdString();
    EXPECT_FALSE(wordsOf(page.failureDetails()).contains(u"Nothing more is known"_s));
    page.explain({0, 1, 1}); // covered, and not told of
    EXPECT_TRUE(wordsOf(page.failureDetails()).contains(u"Nothing more is known"_s))
        << wordsOf(page.failureDetails()).toStdString();
}

TEST(FailuresWindow, WhatIsAskedWhileTheListIsMadeIsAnsweredOnceItIsThere)
{
    Workbench bench(engineScript(), toolWithAnatomy(false));
    bench.openSample();
    bench.window->showPage(MainWindow::Explore);
    ExplorePage& page = bench.window->explorePage();
    FailureView& view = page.failureView();
    view.setMap(nullptr, {});
    view.setMap(page.map(), u"the run"_s); // its list comes with the event loop, not before
    view.explain({1, 0, 1});
    EXPECT_EQ(view.part(), FailureView::NotCovered);
    ASSERT_TRUE(waitUntil([&] { return view.part() == FailureView::LargestCovered; }));
    EXPECT_EQ(page.selection(), (widgets::CellKey{1, 0, 1}));

    view.setMap(nullptr, {});
    view.setMap(page.map(), u"the run"_s);
    view.explain({1, 0, 2});
    view.setMap(page.map(), u"another run"_s);
    ASSERT_TRUE(waitUntil([&] { return view.isListed(); }));
    EXPECT_EQ(page.selection(), (widgets::CellKey{1, 0, 1})) << "what was asked of the run before is forgotten";
}

// What was asked about the run before is forgotten in the same moment, and that shows the view anew.
TEST(FailuresWindow, AnotherRunIsNotShownWithTheListOfTheOneBefore)
{
    Workbench bench(engineScript(), toolWithAnatomy(false));
    bench.openSample();
    bench.window->showPage(MainWindow::Explore);
    ExplorePage& page = bench.window->explorePage();
    page.showView(ExplorePage::Failures);
    FailureView& view = page.failureView();
    auto* table = page.findChild<widgets::FailureTable*>();
    ASSERT_TRUE(waitUntil([&] { return view.isListed() && bench.session->anatomy.get().isReady(); }));
    view.showPart(FailureView::LargestCovered);
    ASSERT_GT(table->shownFailures(), 0);
    auto shorter = std::make_shared<widgets::TokenMap>(*page.map());
    shorter->prompts.resize(1);
    shorter->cells.clear();
    for (std::size_t column = 0; column < shorter->blocks.size(); ++column)
        shorter->cells.push_back(page.map()->cells[column * page.map()->prompts.size()]);
    view.setMap(shorter, u"another run"_s);
    EXPECT_EQ(table->shownFailures(), 0);
    bench.session->anatomy.clear();
    EXPECT_TRUE(wordsOf(view).contains(u"Listing the tokens"_s)) << wordsOf(view).toStdString();
    EXPECT_FALSE(view.findChild<widgets::EmptyState*>()->isVisibleTo(&view)) << "that nothing is covered is not known";
    ASSERT_TRUE(waitUntil([&] { return view.isListed(); }));
    EXPECT_GT(table->shownFailures(), 0);
}

TEST(FailuresWindow, MinimisesThePromptOfAFailure)
{
    const Json answer = {{"run", "run"},
                         {"prompt", {{"prompt", 0}, {"id", "a"}}},
                         {"block", 2},
                         {"threshold", 0.01},
                         {"before", {{"tokens", 3}, {"error", 0.02}}},
                         {"after", {{"tokens", 1}, {"error", 0.015}}},
                         {"token_ids", {1}},
                         {"pieces", {"x"}},
                         {"kept", {0}},
                         {"tests", 4},
                         {"minimal", true},
                         {"line", "{}"}};
    Json engine = engineScript();
    engine["minimise"] = once(steps({result(answer)}));
    Workbench bench(engine, showScript());
    bench.openSample();
    ExplorePage& page = bench.window->explorePage();
    page.showView(ExplorePage::Failures);
    page.select({2, 0, 0});
    FailureDetails& details = page.failureDetails();
    details.showPart(FailureDetails::Minimise);
    emit details.minimiseWanted(0, 2);
    ASSERT_TRUE(waitUntil([&] { return bench.session->minimised.get().isReady(); }));
    EXPECT_TRUE(wordsOf(details).contains(u"1 of 3 tokens still fail at block 2"_s)) << wordsOf(details).toStdString();
}

TEST(FailuresWindow, ASliceOfTheMapNarrowsTheList)
{
    Workbench bench(engineScript(), showScript());
    bench.openSample();
    ExplorePage& page = bench.window->explorePage();
    page.showView(ExplorePage::Failures);
    auto* table = page.findChild<widgets::FailureTable*>();
    ASSERT_TRUE(waitUntil([&] { return table->shownFailures() > 0; }));
    const int all = table->shownFailures();
    auto* map = page.findChild<MapView*>();
    emit map->sliceSelected({{0}, {{1, 1}}}); // where nothing fails
    EXPECT_EQ(table->shownFailures(), 0);
    emit map->sliceSelected({});
    EXPECT_EQ(table->shownFailures(), all);
}

TEST(FailuresWindow, SmallMultiplesLeadToAnotherBlock)
{
    Workbench bench(engineScript(), showScript());
    bench.openSample();
    ExplorePage& page = bench.window->explorePage();
    page.showView(ExplorePage::Failures);
    const auto* table = page.findChild<widgets::FailureTable*>();
    ASSERT_TRUE(waitUntil([&] { return table->shownFailures() > 0; }));
    page.select({2, 0, 0});
    auto* multiples = page.findChild<widgets::BlockMultiples*>();
    ASSERT_TRUE(waitUntil([&] { return multiples->accessibleDescription().contains(u"block 0"_s); }));
    emit multiples->blockChosen(1);
    EXPECT_EQ(page.selection(), (widgets::CellKey{1, 0, 0}));
}

}
}
