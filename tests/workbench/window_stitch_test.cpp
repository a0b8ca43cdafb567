// The Stitch page, with scripted programs behind the window.
#include "app/workbench/pages/stitch_page.h"
#include "tests/workbench/support/bench.h"
#include "widgets/block_switches.h"
#include "widgets/empty_state.h"
#include "widgets/figure_view.h"
#include "widgets/segmented_control.h"
#include "widgets/token_heatmap.h"

#include <QAbstractItemModelTester>
#include <QApplication>
#include <QEvent>
#include <QScrollArea>

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

// Of the sample run: three layers, prompts of three and two tokens.
Json stitchAnswer(bool written)
{
    Json tokens = Json::array();
    for (std::size_t prompt = 0; prompt < 2; ++prompt) {
        const std::size_t count = prompt == 0 ? 3 : 2;
        Json residual = Json::array();
        for (int layer = 0; layer < 3; ++layer)
            residual.push_back(std::vector<double>(count, 0.001 * (layer + 1)));
        Json losses = Json::array({nullptr});
        Json changed = Json::array({nullptr});
        for (std::size_t t = 1; t < count; ++t) {
            losses.push_back(2.0);
            changed.push_back(2.5);
        }
        Json top = Json::array();
        for (std::size_t t = 0; t < count; ++t)
            top.push_back(Json::array({Json::array({1, "x", 3.0}), Json::array({2, "y", 2.0})}));
        tokens.push_back({{"prompt", prompt},
                          {"token_ids", std::vector<int>(count, 7)},
                          {"pieces", std::vector<std::string>(count, "t")},
                          {"loss_base", losses},
                          {"loss_stitched", changed},
                          {"kl", std::vector<double>(count, 0.25)},
                          {"top_base", top},
                          {"top_stitched", top},
                          {"residual", residual},
                          {"norm", residual}});
    }
    const Json first = {{"id", "a"}, {"first_divergence", {{"token", 1}, {"layer", 2}}}};
    const Json second = {{"id", "b"}, {"first_divergence", {{"token", nullptr}, {"layer", nullptr}}}};
    const Json row = {{"block", 0}, {"prefix", -0.5}, {"single", 0.25}};
    return {{"run", "run"},
            {"already", false},
            {"written", written},
            {"name", "abc"},
            {"kind", "full-block"},
            {"blocks", {0, 1, 2}},
            {"certified", false},
            {"findings", Json::array()},
            {"layers", Json::array({{{"mae", 0.001}, {"largest", 0.002}}})},
            {"max_residual", {{"value", 0.003}}},
            {"perplexity", {{"baseline", 10.0}, {"stitched", 12.0}}},
            {"loss_coverage", 0.5},
            {"max_loss_difference", 0.5},
            {"next_token_agreement", 0.75},
            {"kl", {{"mean", 0.25}, {"largest", 0.25}}},
            {"prompts", Json::array({first, second})},
            {"bisect", Json::array({{{"event", "first_divergence"},
                                     {"at", {{"prompt", 0}, {"token", 1}, {"piece", "t"}}},
                                     {"rows", Json::array({row})},
                                     {"smallest_prefix", nullptr},
                                     {"single", 0}}})},
            {"tokens", tokens}};
}

Json textAnswer()
{
    const auto side = [](std::vector<int> ids, std::vector<std::string> pieces) {
        return Json{{"token_ids", ids},
                    {"pieces", pieces},
                    {"margin", std::vector<double>(ids.size(), 0.5)},
                    {"stopped", "length"},
                    {"text", "x"}};
    };
    Json row = side({1, 2}, {"one", "two"});
    row["id"] = "a";
    row["stitched"] = side({1, 3}, {"one", "three"});
    row["first_divergence"] = 1;
    return {{"prompts", Json::array({row})}, {"blocks", {0, 1, 2}}};
}

Json scriptWith(const char* method, Json scenario)
{
    Json script = engineScript();
    script[method] = once(std::move(scenario));
    return script;
}

}

TEST(BlockSwitches, IsAModelThatSwitchesOnlyWhatHasASurrogate)
{
    widgets::BlockSwitchModel model;
    const QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::Warning);
    model.setBlocks({{0, true, true, 0.1}, {1, false, false, 0}, {2, true, false, 0.2}});
    EXPECT_EQ(model.surrogates(), (std::vector<int>{0, 2}));
    model.toggle(0);
    model.toggle(1);
    EXPECT_EQ(model.surrogates(), (std::vector<int>{2}));
    model.setChoices({0, 1});
    EXPECT_EQ(model.surrogates(), (std::vector<int>{0})) << "block 1 has no surrogate";
    EXPECT_EQ(model.index(1, widgets::BlockSwitchModel::Choice).data().toString(), u"original only"_s);
}

TEST(BlockSwitches, HaveAThirdPlaceWhereAnEditCanChangeTheBlock)
{
    widgets::BlockSwitchModel model;
    const QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::Warning);
    model.setBlocks({{0, true, true, 0.1}, {1, false, false, 0}, {2, true, false, 0.2}});
    const auto word = [&model](int row) {
        return model.index(row, widgets::BlockSwitchModel::Choice).data().toString();
    };
    model.setEdit(u"soft"_s, {1, 2});
    QStringList words;
    for (int click = 0; click < 4; ++click, model.toggle(2))
        words << word(2);
    EXPECT_EQ(words, (QStringList{u"surrogate"_s, u"edited"_s, u"original"_s, u"surrogate"_s}));
    EXPECT_EQ(word(2), u"edited"_s);
    EXPECT_EQ(model.surrogates(), (std::vector<int>{0, 2})) << "it is replaced, too";
    EXPECT_EQ(model.edited(), (std::vector<int>{2}));
    model.setChoices({0, 1, 2}, {0, 1, 2});
    EXPECT_EQ(model.edited(), (std::vector<int>{2})) << "block 0 has no edit, block 1 no surrogate";
    model.setEdit(u"other"_s, {0});
    EXPECT_EQ(model.edited(), std::vector<int>()) << "not edited by what is no longer chosen";
    EXPECT_EQ(model.surrogates(), (std::vector<int>{0, 2}));
}

TEST(StitchWindow, StitchesWithAnEditOfTheRunWhereASwitchSaysSo)
{
    Json shown = testing::showAnswer("run", true);
    const Json blocks = Json::array({{{"block", 1}, {"certificate", "block_01/certificate.json"}, {"sha256", ""}}});
    shown["edits"] =
        Json::array({{{"name", "soft"}, {"edits", {"block 1: MLP output scaled by 0.5"}}, {"blocks", blocks}},
                     {{"name", "hard"}, {"edits", {"block 1: MLP output zeroed"}}, {"blocks", blocks}}});
    Json tool = Json::object();
    tool["show"] = once(steps({Json{{"json", shown}}}));
    Json edited = stitchAnswer(false);
    edited["edit"] = {{"name", "hard"}, {"blocks", {1}}};
    Workbench bench(scriptWith("stitch", steps({result(edited)})), tool);
    bench.openSample();
    bench.window->showPage(MainWindow::Stitch);
    StitchPage& page = bench.window->stitchPage();
    EXPECT_FALSE(page.stitchParameters(false, true).contains("edit")) << "nothing is edited unasked";
    EXPECT_TRUE(wordsOf(page).contains(u"the edit soft makes of the surrogate (block 1: MLP output scaled by 0.5)"_s));
    page.setSwitches({{0, 1, 2}, u"hard"_s, {1}});
    EXPECT_EQ(page.stitchParameters(false, true)["edit"], "hard:1");
    EXPECT_EQ(page.textParameters()["surrogate_edit"], "hard:1");
    EXPECT_TRUE(page.command().endsWith(u"--blocks 0-2 --edit hard:1"_s)) << page.command().toStdString();
    EXPECT_TRUE(wordsOf(page).contains(u"3 of 3 blocks are replaced, 1 of them edited by hard"_s));
    press(page, u"Measure"_s);
    ASSERT_TRUE(waitUntil([&] { return bench.session->stitch.get().isReady(); }));
    EXPECT_TRUE(wordsOf(page).contains(u"With 3 blocks replaced, block 1 edited, the next token"_s))
        << wordsOf(page).toStdString();
    EXPECT_TRUE(Workbench::noticeOn(page).isEmpty()) << "the numbers are of these switches";
    page.setSwitches({{0, 1, 2}, {}, {}});
    EXPECT_TRUE(Workbench::noticeOn(page).contains(u"blocks 0, 2, 1 edited by hard"_s))
        << Workbench::noticeOn(page).toStdString();
}

TEST(StitchWindow, MeasuresTheSwitchesAndShowsEveryToken)
{
    Workbench bench(scriptWith("stitch", steps({result(stitchAnswer(false))})), showScript());
    bench.openSample();
    bench.window->showPage(MainWindow::Stitch);
    StitchPage& page = bench.window->stitchPage();
    EXPECT_EQ(page.switches().blocks, (std::vector<int>{0, 1, 2}));
    const Json asked = page.stitchParameters(true, true);
    EXPECT_EQ(asked.at("blocks"), "0-2");
    EXPECT_EQ(asked.at("measure_only"), true);
    EXPECT_TRUE(page.command().contains(u"stitch"_s));
    press(page, u"Measure"_s);
    ASSERT_TRUE(waitUntil([&] { return bench.session->stitch.get().isReady(); }));
    EXPECT_TRUE(wordsOf(page).contains(u"perplexity goes from 10.0 to 12.0"_s)) << wordsOf(page).toStdString();
    EXPECT_TRUE(wordsOf(page).contains(u"After token 1"_s));
    page.selectToken(1, 1);
    EXPECT_TRUE(wordsOf(page).contains(u"same everywhere"_s));
    page.showPart(StitchPage::Blame);
    EXPECT_TRUE(wordsOf(page).contains(u"block 0 alone brings it about"_s)) << wordsOf(page).toStdString();
    EXPECT_TRUE(wordsOf(*page.side()).contains(u"no certificate"_s));
    page.setSwitches({{0}, {}, {}});
    EXPECT_TRUE(Workbench::noticeOn(page).contains(u"other switches"_s));
}

TEST(StitchWindow, ClaimsNoCoverageOfResidualsAndOffersToBisect)
{
    Json plain = stitchAnswer(false);
    plain.erase("bisect");
    Json script = engineScript();
    script["stitch"] = Json::array({steps({result(plain)}), steps({result(stitchAnswer(false))})});
    Workbench bench(script, showScript());
    bench.openSample();
    bench.window->showPage(MainWindow::Stitch);
    StitchPage& page = bench.window->stitchPage();
    press(page, u"Measure"_s);
    ASSERT_TRUE(waitUntil([&] { return bench.session->stitch.get().isReady(); }));
    auto* residuals = page.findChild<widgets::TokenHeatmap*>();
    EXPECT_FALSE(residuals->scale().hasThreshold());
    EXPECT_FALSE(residuals->scale().isDiverging()) << "they are no differences of two runs";
    EXPECT_FALSE(residuals->accessibleDescription().contains(u"B − A"_s))
        << residuals->accessibleDescription().toStdString();
    const figure::Figure tokens = stitchTokenFigure(*bench.session->stitch.get().value, 0);
    ASSERT_EQ(tokens.panels[0].rules.size(), 2U);
    EXPECT_EQ(tokens.panels[0].rules[0].name, tokens.panels[0].rules[1].name) << "one line in the legend, one dash";
    page.showPart(StitchPage::Texts);
    EXPECT_TRUE(wordsOf(page).contains(u"Let both models continue the prompt."_s));
    page.showPart(StitchPage::Blame);
    for (widgets::EmptyState* empty : page.findChildren<widgets::EmptyState*>())
        if (empty->isVisible())
            emit empty->wayChosen(0);
    ASSERT_TRUE(waitUntil([&] { return bench.asked("stitch").size() == 2; }));
    EXPECT_EQ(bench.asked("stitch").back().at("bisect"), true);
    EXPECT_TRUE(waitUntil([&] { return wordsOf(page).contains(u"block 0 alone brings it about"_s); }));
}

TEST(StitchWindow, OnASmallScreenNothingOfItLiesAtTheSide)
{
    Workbench bench(scriptWith("stitch", steps({result(stitchAnswer(false))})), showScript());
    bench.openSample();
    bench.window->resize(1000, 720);
    bench.window->showPage(MainWindow::Stitch);
    StitchPage& page = bench.window->stitchPage();
    press(page, u"Measure"_s);
    ASSERT_TRUE(waitUntil([&] { return bench.session->stitch.get().isReady(); }));
    for (const auto part :
         {StitchPage::Tokens, StitchPage::Texts, StitchPage::Layers, StitchPage::Residuals, StitchPage::Blame}) {
        page.showPart(part);
        QCoreApplication::processEvents();
        for (const QScrollArea* area : page.findChildren<QScrollArea*>()) {
            if (!area->isVisible())
                continue;
            EXPECT_LE(area->widget()->minimumSizeHint().width(), area->width()) << "part " << part;
        }
    }
    const auto* figure = page.findChild<widgets::FigureView*>();
    EXPECT_GT(figure->width(), 500) << "a chart has the width of the page";
}

TEST(StitchWindow, ItsNumbersGoIntoTheReport)
{
    Workbench bench(scriptWith("stitch", steps({result(stitchAnswer(false))})), showScript());
    bench.openSample();
    bench.window->showPage(MainWindow::Stitch);
    StitchPage& page = bench.window->stitchPage();
    EXPECT_FALSE(page.frozen()) << "nothing is measured yet";
    press(page, u"Measure"_s);
    ASSERT_TRUE(waitUntil([&] { return bench.session->stitch.get().isReady(); }));
    for (const StitchPage::Part part :
         {StitchPage::Tokens, StitchPage::Layers, StitchPage::Residuals, StitchPage::Blame}) {
        page.showPart(part);
        const std::size_t before = bench.session->report.items().size();
        bench.command(u"Send this view to the report"_s);
        ASSERT_TRUE(waitUntil([&] { return bench.session->report.items().size() == before + 1; })) << part;
        const ReportItem& sent = bench.session->report.items().back();
        EXPECT_EQ(sent.runs.at(0).digest, bench.session->run.run().value->digest);
        EXPECT_EQ(sent.title, u"Stitched model: blocks 0–2 as surrogates"_s);
        const auto has = [&sent](const auto& is) { return std::any_of(sent.parts.begin(), sent.parts.end(), is); };
        EXPECT_TRUE(has([](const report::Part& one) { return std::holds_alternative<report::Table>(one); })) << part;
        EXPECT_EQ(has([](const report::Part& one) { return std::holds_alternative<report::Picture>(one); }),
                  part != StitchPage::Blame);
        EXPECT_TRUE(std::holds_alternative<report::Statement>(sent.parts.front()));
    }
    bench.session->report.setExported();
}

TEST(StitchWindow, ItsTabsStayWhereTheyAreWhenNumbersCome)
{
    Workbench bench(scriptWith("stitch", steps({result(stitchAnswer(false))})), showScript());
    bench.openSample();
    bench.window->showPage(MainWindow::Stitch);
    StitchPage& page = bench.window->stitchPage();
    const auto placeOfTabs = [&page] {
        QCoreApplication::sendPostedEvents(nullptr, QEvent::LayoutRequest);
        return page.findChild<widgets::SegmentedControl*>()->mapTo(&page, QPoint()).y();
    };
    ASSERT_TRUE(waitUntil([&] { return placeOfTabs() > 0; }));
    const int before = placeOfTabs();
    press(page, u"Measure"_s);
    ASSERT_TRUE(waitUntil([&] { return bench.session->stitch.get().isReady(); }));
    EXPECT_EQ(placeOfTabs(), before);
    page.setSwitches({{0}, {}, {}}); // and when they are of other switches
    EXPECT_FALSE(Workbench::noticeOn(page).isEmpty());
    EXPECT_EQ(placeOfTabs(), before);
}

TEST(StitchWindow, ShowsWhatTheRunRecordedOfTheseSwitchesWithoutMeasuring)
{
    Json recorded = stitchAnswer(true);
    for (const char* key : {"run", "already", "written"})
        recorded.erase(key);
    recorded["name"] = "kept";
    recorded["kind"] = "full-model";
    recorded["blocks"] = {0, 2};
    recorded["certified"] = true;
    Json shown = testing::showAnswer("run", true);
    shown["stitches"] = Json::array({recorded});
    Json tool = Json::object();
    tool["show"] = once(steps({Json{{"json", shown}}}));
    Json measured = stitchAnswer(false);
    measured["blocks"] = {0, 2};
    Workbench bench(scriptWith("stitch", steps({result(measured)})), tool);
    bench.openSample();
    bench.window->showPage(MainWindow::Stitch);
    StitchPage& page = bench.window->stitchPage();
    EXPECT_TRUE(wordsOf(*page.side()).contains(u"Not measured yet"_s)) << "all three blocks were never stitched";
    press(*page.side(), u"kept · blocks 0, 2"_s);
    EXPECT_EQ(page.switches().blocks, (std::vector<int>{0, 2}));
    EXPECT_TRUE(wordsOf(page).contains(u"perplexity goes from 10.0 to 12.0"_s)) << wordsOf(page).toStdString();
    EXPECT_TRUE(wordsOf(page).contains(u"After token 1"_s)) << wordsOf(page).toStdString();
    EXPECT_TRUE(wordsOf(*page.side()).contains(u"In the run as kept, certified"_s))
        << wordsOf(*page.side()).toStdString();
    EXPECT_TRUE(bench.asked("stitch").empty()) << "nothing is computed again";
    page.setSwitches({{0}, {}, {}});
    EXPECT_TRUE(wordsOf(*page.side()).contains(u"Not measured yet"_s)) << "those were other switches";
    page.setSwitches({{0, 2}, {}, {}});
    press(page, u"Measure"_s);
    ASSERT_TRUE(waitUntil([&] { return bench.session->stitch.get().isReady(); }));
    EXPECT_TRUE(wordsOf(*page.side()).contains(u"the run holds a certificate of these switches, kept"_s))
        << wordsOf(*page.side()).toStdString();
}

TEST(StitchWindow, SaysWhatWentWrongAndStaysUsable)
{
    Workbench bench(scriptWith("stitch", steps({Json{{"error",
                                                      {{"code", -32000},
                                                       {"message", "The model is not where the run found it."},
                                                       {"data", {{"exit_code", 3}, {"kind", "file"}}}}}}})),
                    showScript());
    bench.openSample();
    StitchPage& page = bench.window->stitchPage();
    bench.window->showPage(MainWindow::Stitch);
    press(page, u"Measure"_s);
    ASSERT_TRUE(waitUntil([&] { return !Workbench::noticeOn(page).isEmpty(); }));
    EXPECT_TRUE(Workbench::noticeOn(page).contains(u"not where the run found it"_s));
}

Json movedModel(const char* message)
{
    return steps(
        {Json{{"error", {{"code", -32000}, {"message", message}, {"data", {{"exit_code", 3}, {"kind", "file"}}}}}}});
}

TEST(StitchWindow, TakesTheOpenModelWhereTheRunsHasMoved)
{
    Json script = engineScript();
    script["stitch"] = Json::array({movedModel("The model is not where the run found it: gone. Name it with --model."),
                                    steps({result(stitchAnswer(false))})});
    Workbench bench(script, showScript());
    bench.openSample();
    ASSERT_TRUE(bench.openModel());
    bench.window->showPage(MainWindow::Stitch);
    StitchPage& page = bench.window->stitchPage();
    press(page, u"Measure"_s);
    ASSERT_TRUE(waitUntil([&] { return bench.session->stitch.get().isReady(); }));
    const std::vector<Json> asked = bench.asked("stitch");
    ASSERT_EQ(asked.size(), 2U);
    EXPECT_FALSE(asked[0].contains("model"));
    EXPECT_EQ(asked[1]["model"], bench.session->model.name().toStdString())
        << "the engine holds its digest to the run's";
    EXPECT_EQ(asked[1]["measure_only"], true);
    EXPECT_EQ(page.textParameters()["model"], asked[1]["model"]);
    EXPECT_TRUE(page.command().contains(u"--model"_s)) << page.command().toStdString();
}

TEST(StitchWindow, SaysInWordsOfTheWindowThatTheModelHasMoved)
{
    Json script = engineScript();
    script["stitch"] = Json::array(
        {movedModel("The model is not where the run found it: gone. Name it with --model."),
         movedModel("The model is not where the run found it: gone. Name it with --model."),
         movedModel("x.gguf is not the model of this run (tiny): its files have other digests; name the right one with "
                    "--model.")});
    Workbench bench(script, showScript());
    bench.openSample();
    StitchPage& page = bench.window->stitchPage();
    bench.window->showPage(MainWindow::Stitch);
    press(page, u"Measure"_s);
    ASSERT_TRUE(waitUntil([&] { return !Workbench::noticeOn(page).isEmpty(); }));
    EXPECT_EQ(Workbench::noticeOn(page),
              u"The model is not where the run found it: gone. Open that model (Alt+1), wherever it "
              "is now, and measure again: it is known by its digest."_s);
    ASSERT_TRUE(bench.openModel()); // another one
    bench.window->showPage(MainWindow::Stitch);
    press(page, u"Measure"_s);
    ASSERT_TRUE(waitUntil([&] { return Workbench::noticeOn(page).startsWith(u"Neither"_s); }))
        << Workbench::noticeOn(page).toStdString();
    EXPECT_TRUE(Workbench::noticeOn(page).contains(u"x.gguf is not the model of this run"_s));
    EXPECT_FALSE(Workbench::noticeOn(page).contains(u"--model"_s));
    EXPECT_TRUE(page.model().isEmpty()) << "the next try begins where the run found it";
}

TEST(StitchWindow, MeasuringCanBeCancelled)
{
    Workbench bench(
        scriptWith(
            "stitch",
            steps({Json{{"progress",
                         {{"stage", "stitch"}, {"done", 1}, {"total", 3}, {"unit", "blocks"}, {"elapsed_s", 0.1}}}},
                   Json{{"sleep", 60000}}})),
        showScript());
    bench.openSample();
    StitchPage& page = bench.window->stitchPage();
    bench.window->showPage(MainWindow::Stitch);
    press(page, u"Measure"_s);
    ASSERT_TRUE(waitUntil([&] { return wordsOf(page).contains(u"1 of 3"_s); }));
    EXPECT_TRUE(wordsOf(page).contains(u"Being measured"_s)) << "not that nothing is measured yet";
    press(page, u"Cancel"_s);
    ASSERT_TRUE(waitUntil([&] { return !bench.session->stitch.get().isLoading(); }));
    EXPECT_TRUE(wordsOf(page).contains(u"Not measured yet"_s));
    EXPECT_TRUE(Workbench::noticeOn(page).isEmpty()) << "a cancel is no error";
}

TEST(StitchWindow, LaysTheTwoTextsSideBySide)
{
    Workbench bench(scriptWith("generate", steps({result(textAnswer())})), showScript());
    bench.openSample();
    StitchPage& page = bench.window->stitchPage();
    bench.window->showPage(MainWindow::Stitch);
    page.showPart(StitchPage::Texts);
    press(page, u"Write"_s);
    ASSERT_TRUE(waitUntil([&] { return bench.session->stitchText.get().isReady(); }));
    EXPECT_TRUE(wordsOf(page).contains(
        u"The same for 1 token; then the original writes “two” and the stitched model “three”"_s))
        << wordsOf(page).toStdString();
}

}
