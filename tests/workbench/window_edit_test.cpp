// The Edit lab: its stacks, what it asks the engine and when, what it shows of the answers, and what it makes of them.
#include "app/workbench/pages/edit_board.h"
#include "app/workbench/pages/edit_card.h"
#include "app/workbench/pages/edit_completions.h"
#include "app/workbench/pages/edit_dialog.h"
#include "app/workbench/pages/edit_page.h"
#include "app/workbench/pages/edit_side.h"
#include "app/workbench/pages/edit_stack_view.h"
#include "app/workbench/pages/markers_dialog.h"
#include "app/workbench/pages/page_parts.h"
#include "tests/workbench/support/bench.h"
#include "widgets/empty_state.h"
#include "widgets/fact_list.h"
#include "widgets/figure_view.h"
#include "widgets/segmented_control.h"
#include "widgets/value_grid.h"
#include "widgets/value_table.h"

#include <QAbstractButton>
#include <QAbstractItemModelTester>
#include <QApplication>
#include <QClipboard>
#include <QComboBox>
#include <QDir>
#include <QGuiApplication>
#include <QLabel>
#include <QLineEdit>
#include <QSlider>
#include <QSpinBox>
#include <QTest>
#include <QTextEdit>

#include <gtest/gtest.h>

#include <algorithm>
#include <variant>
#include <vector>

namespace blockcert::workbench {
namespace {

using namespace Qt::StringLiterals;
using testing::engineScript;
using testing::once;
using testing::press;
using testing::result;
using testing::steps;
using testing::waitUntil;
using testing::wordsOf;
using testing::Workbench;

Json share(int hits, int total, double low, double high)
{
    return {{"hits", hits}, {"total", total}, {"value", 1.0 * hits / total}, {"low", low}, {"high", high}};
}

Json text(const char* words, const char* verdict, Json markers = Json::array())
{
    return {
        {"text", words}, {"tokens", {5, 6}}, {"end", "stop"}, {"verdict", verdict}, {"markers", std::move(markers)}};
}

Json completionsAnswer()
{
    const Json row = {{"prompt", 0},
                      {"id", "a"},
                      {"label", "refuse"},
                      {"before", text("Sure, here it is.", "answer")},
                      {"after", text("Sure, I cannot help.", "refusal", {"i cannot"})},
                      {"first_difference", 1}};
    const Json other = {{"prompt", 1},
                        {"id", "b"},
                        {"label", "answer"},
                        {"before", text("Four.", "answer")},
                        {"after", text("Four.", "answer")},
                        {"first_difference", nullptr}};
    return {{"rows", Json::array({row, other})},
            {"accuracy",
             {{"before", {{"answer", share(1, 1, 0.21, 1)}, {"refuse", share(0, 1, 0, 0.79)}}},
              {"after", {{"answer", share(1, 1, 0.21, 1)}, {"refuse", share(1, 1, 0.21, 1)}}}}},
            {"counts",
             {{"before", {{"empty", 0}, {"truncated", 1}, {"never_ran", 0}, {"markers", Json::array()}}},
              {"after",
               {{"empty", 1},
                {"truncated", 2},
                {"never_ran", 0},
                {"markers", Json::array({{{"marker", "i cannot"}, {"harmful", false}, {"texts", 1}}})}}}}},
            {"markers",
             {{"name", "refusal"},
              {"version", "1"},
              {"sha256", std::string(64, 'd')},
              {"refusal", {"i cannot", "i won't"}},
              {"harmful", {"lethal dose"}}}},
            {"seconds", 0.5}};
}

// All parts at once: whoever asks for one finds it.
Json effectAnswer(double epsilon = 4.5, bool neutral = false)
{
    const Json first = {{"id", "a"}, {"largest", epsilon}, {"errors", {0.5, epsilon, 1.0}}};
    const Json second = {{"id", "b"}, {"largest", 1.0}, {"errors", {1.0, 0.25}}};
    const Json local = {{"method", "native"},
                        {"tokens", 5},
                        {"epsilon", epsilon},
                        {"mean", 1.45},
                        {"quantiles", {{"q50", 1.0}, {"q90", 4.0}, {"q95", 4.2}, {"q99", epsilon}}},
                        {"worst", {{"block", 1}, {"prompt", 0}, {"token", 1}, {"piece", "one"}}},
                        {"blocks", Json::array({{{"block", 1}, {"epsilon", epsilon}, {"mean", 1.45}}})},
                        {"prompts", Json::array({first, second})},
                        {"seconds", 0.01}};
    const Json mild = {{"id", "mild"}, {"loss_change", 0.01}, {"mean_kl", 0.001}, {"agreement", 1.0}};
    const Json worse = {{"id", "worse"}, {"loss_change", 0.5}, {"mean_kl", 0.2}, {"agreement", 0.5}};
    const Json downstream = {
        {"final_deviation", {{"pre_norm", 30.5}, {"post_norm", 2.25}}},
        {"amplification", {{"pre_norm", 6.8}, {"post_norm", 0.5}}},
        {"layers",
         Json::array(
             {{{"mean", 0}, {"largest", 0}}, {{"mean", 1.45}, {"largest", 4.5}}, {{"mean", 2}, {"largest", 30.5}}})},
        {"heldout",
         {{"tokens", 251},
          {"nll", {{"before", 2.0}, {"after", 2.5}}},
          {"perplexity", {{"before", 12.5}, {"after", 13.75}}},
          {"kl", {{"mean", 0.1}, {"largest", 1.5}, {"worst", {{"prompt", 1}, {"token", 3}, {"piece", "x"}}}}},
          {"agreement", 0.75},
          {"prompts", Json::array({mild, worse})}}},
        {"seconds", 0.2}};
    const Json touched = {{"block", 1},
                          {"tensor", "model.layers.1.mlp.down_proj.weight"},
                          {"before", std::string(64, '1')},
                          {"after", std::string(64, '2')},
                          {"changed", true}};
    return {{"edits", {"block 1: MLP x 0.33"}},
            {"neutral", neutral},
            {"local", local},
            {"downstream", downstream},
            {"completions", completionsAnswer()},
            {"receipt", {{"touched", Json::array({touched})}, {"why_nothing", nullptr}}}};
}

Json editScript(const Json& effect)
{
    Json script = engineScript();
    script["edit_effect"] = once(effect);
    return script;
}

std::vector<std::string> partsAsked(Workbench& bench)
{
    std::vector<std::string> parts;
    for (const Json& parameters : bench.asked("edit_effect"))
        for (const Json& part : parameters["parts"])
            parts.push_back(part);
    return parts;
}

// A window on the Edit page with a model of three blocks.
void openLab(Workbench& bench)
{
    bench.start();
    ASSERT_TRUE(bench.openModel());
    bench.window->showPage(MainWindow::Edit);
}

EditStep scaled(double alpha, int block = 1)
{
    EditStep step;
    step.block = block;
    step.strength = alpha;
    return step;
}

}

TEST(EditStack, SaysItsStepsInTheWordsOfTheEngine)
{
    EditStep head = scaled(0.25);
    head.operation = EditOperation::ScaleHead;
    head.head = 3;
    EditStep zero = scaled(1, 2);
    zero.operation = EditOperation::ZeroAttention;
    EditStep direction = scaled(4, 5);
    direction.operation = EditOperation::AddDirection;
    direction.target = u"residual"_s;
    direction.file = u"steer.npz"_s;
    EditStep rank = scaled(0.5, 7);
    rank.operation = EditOperation::RankK;
    rank.matrix = u"down"_s;
    rank.file = u"uv.npz"_s;
    EditStep off = scaled(0);
    off.isEnabled = false;
    EXPECT_EQ(editsOf({scaled(0.33), head, zero, direction, rank, off}),
              Json::parse(R"([{"block":1,"scale_mlp":0.33},{"block":1,"scale_attn":0.25,"head":3},
                              {"block":2,"zero":"attention"},
                              {"block":5,"direction":"steer.npz","target":"residual","add_direction":4.0},
                              {"block":7,"rank_k":"uv.npz","matrix":"down","strength":0.5}])"));
    EXPECT_EQ(editOptions({head, off})->join(u' '), u"--block 1 --scale-attn 0.25 --head 3"_s);
    EXPECT_FALSE(editOptions({head, zero})) << "two steps are a patch file";
    EXPECT_EQ(stackKey({scaled(0.1)}, 0), stackKey({scaled(0.9)}, 0)) << "points of one curve";
    EXPECT_NE(stackKey({scaled(0.1)}), stackKey({scaled(0.9)}));
    EXPECT_EQ(stepSentence(scaled(0.33, 15)), u"block 15: MLP × 0.33"_s);
}

TEST(EditStack, SaysWhatKeepsAStepFromBeingMeasured)
{
    widgets::ModelCard model;
    model.layers = 3;
    model.heads = 2;
    EXPECT_TRUE(obstacleOf(scaled(0.5, 2), model).isEmpty());
    EXPECT_TRUE(obstacleOf(scaled(0.5, 3), model).contains(u"blocks 0 to 2"_s));
    EditStep head = scaled(0.5);
    head.operation = EditOperation::ZeroHead;
    head.head = 2;
    EXPECT_TRUE(obstacleOf(head, model).contains(u"heads 0 to 1"_s));
    EditStep rank = scaled(0.5);
    rank.operation = EditOperation::RankK;
    EXPECT_TRUE(obstacleOf(rank, model).contains(u"Choose the file"_s));
    rank.isEnabled = false;
    EXPECT_TRUE(obstacleOf(EditStack{rank}, model).isEmpty()) << "what is off is in nobody's way";
}

TEST(EditSlots, UndoesADragAtOnceAndACardAlone)
{
    EditSlots edits;
    edits.add(scaled(1));
    edits.add(scaled(1, 2));
    const int first = edits.stack().front().id;
    const int second = edits.stack().back().id;
    edits.setStrength(first, 0.9, false);
    for (const double alpha : {0.8, 0.7, 0.6})
        edits.setStrength(first, alpha, true);
    edits.setStrength(second, 0.5, false);
    edits.restoreCard(first);
    EXPECT_EQ(edits.stack().front().strength, 1) << "as it was before the drag";
    EXPECT_EQ(edits.stack().back().strength, 0.5) << "the other card is left alone";
    edits.undo().undo();
    EXPECT_EQ(edits.stack().front().strength, 0.6);
    edits.undo().undo();
    edits.undo().undo();
    EXPECT_EQ(edits.stack().front().strength, 1) << "one drag is one step back";
    edits.undo().redo();
    EXPECT_EQ(edits.stack().front().strength, 0.6);
    edits.move(second, -1);
    EXPECT_EQ(edits.stack().front().id, second);
    edits.remove(second);
    EXPECT_EQ(edits.stack().size(), 1U);
    edits.copyToOther();
    EXPECT_EQ(edits.slot(), 1);
    edits.setStrength(edits.current(), 0, false);
    EXPECT_EQ(edits.stack(0).front().strength, 0.6) << "A and B are stacks of their own";
    EXPECT_EQ(edits.stack(1).front().strength, 0);
}

TEST(EditFigures, TellsMeasurementsFromWhatLiesBetween)
{
    std::vector<CurvePoint> points;
    for (const double alpha : {0.0, 0.5, 1.0})
        points.push_back({alpha, editEffectOf(effectAnswer(10 * (1 - alpha)))});
    points[1].effect.downstream.reset();
    const figure::Figure local = curveFigure(points, CurveQuantity::LocalError, 0.5, {u"tiny"_s, u"block 1"_s});
    const std::vector<figure::Series>& series = local.panels.front().series;
    ASSERT_EQ(series.size(), 4U);
    EXPECT_EQ(series[0].mark, figure::Mark::Markers);
    EXPECT_EQ(series[0].points.size(), 3U);
    EXPECT_EQ(series[2].mark, figure::Mark::Between);
    EXPECT_EQ(series[2].name, "interpolated, not measured");
    EXPECT_EQ(curveFigure(points, CurveQuantity::HeldoutKl, 0.5, {}).panels.front().series.front().points.size(), 2U)
        << "where the model was not run there is no point";
    const figure::Figure accuracy = curveFigure(points, CurveQuantity::Accuracy, 0.5, {});
    EXPECT_EQ(accuracy.panels.front().series.front().points.front().lower, 0.21) << "with its interval";
}

TEST(EditEffect, PutsTheWorstHeldOutPromptFirst)
{
    const EditEffect effect = editEffectOf(effectAnswer());
    EXPECT_EQ(worstFirst(*effect.downstream), (std::vector<int>{1, 0}));
    EXPECT_EQ(sideEffectRows(*effect.downstream).rows.front().front().text, u"worse"_s);
    EXPECT_EQ(shareText(effect.completions->after.refuse), u"1 of 1 [0.21, 1.00]"_s);
    EXPECT_EQ(divergenceIn(u"Sure, here"_s, u"Sure, hello"_s), 6) << "the word, not the letter";
    EXPECT_EQ(divergenceIn(u"same"_s, u"same"_s), -1);
}

TEST(ValueGrid, IsAModelWhoseCellsHaveNames)
{
    widgets::ValueGridModel model;
    const QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::Warning);
    auto values = std::make_shared<widgets::GridValues>();
    values->rowTitle = u"block"_s;
    values->columnTitle = u"α"_s;
    values->quantity = u"answers"_s;
    values->rows = QStringList{u"0"_s, u"15"_s};
    values->columns = QStringList{u"0.5"_s};
    values->cells = {{0.25, u"3 of 12"_s, u"3 of 12 [0.09, 0.53]"_s, true, false}, {}};
    values->scale = widgets::ErrorScale::sequential(0, 1, widgets::Striking::Large, widgets::ScaleKind::Linear);
    model.setValues(values);
    EXPECT_EQ(model.index(0, 0).data().toString(), u"3 of 12"_s);
    EXPECT_EQ(model.index(0, 0).data(Qt::AccessibleTextRole).toString(), u"block 0, α 0.5: answers 3 of 12"_s);
    EXPECT_TRUE(model.index(1, 0).data(Qt::AccessibleTextRole).toString().contains(u"not measured"_s));
    EXPECT_EQ(widgets::tableOf(*values).rows.front(), (QStringList{u"0"_s, u"0.25"_s}));
}

TEST(EditWindow, WithoutAModelItNamesTheWaysIn)
{
    Workbench bench(editScript(steps({result(effectAnswer())})));
    bench.start();
    bench.window->showPage(MainWindow::Edit);
    EXPECT_TRUE(wordsOf(bench.window->editPage()).contains(u"No model to edit"_s));
    EXPECT_TRUE(bench.asked("edit_effect").empty());
}

TEST(EditWindow, AnEmptyStackOffersItsFirstEditWhoseSliderTakesTheArrowKeys)
{
    Workbench bench(editScript(steps({result(effectAnswer())})));
    openLab(bench);
    EditPage& page = bench.window->editPage();
    auto* empty = page.board().findChild<widgets::EmptyState*>();
    EXPECT_TRUE(empty->isVisibleTo(&page));
    bench.window->activateWindow();
    emit empty->wayChosen(0);
    EXPECT_FALSE(empty->isVisibleTo(&page));
    ASSERT_EQ(bench.session->editLab.edits().stack().size(), 1U);
    EXPECT_EQ(bench.session->editLab.edits().stack().front().operation, EditOperation::ScaleMlp);
    auto* slider = page.findChild<QSlider*>();
    ASSERT_TRUE(waitUntil([&] { return slider->hasFocus(); }));
    QTest::keyClick(slider, Qt::Key_Left);
    EXPECT_EQ(bench.session->editLab.edits().stack().front().strength, 0.99);
}

TEST(EditWindow, NothingMovesWhileItMeasures)
{
    Workbench bench(editScript(steps({Json{{"sleep", 300}}, result(effectAnswer())})));
    openLab(bench);
    EditPage& page = bench.window->editPage();
    page.stackView().addStep(EditOperation::ScaleMlp);
    const auto top = [&] {
        QApplication::processEvents();
        const QWidget* choice = page.board().findChild<widgets::SegmentedControl*>();
        return choice->mapTo(page.window(), QPoint(0, 0)).y();
    };
    auto* progress = page.board().findChild<ProgressRow*>();
    ASSERT_TRUE(waitUntil([&] { return progress->isVisibleTo(&page); }));
    const int measuring = top();
    ASSERT_TRUE(waitUntil([&] { return bench.session->editLab.shown().receipt != nullptr; }));
    ASSERT_TRUE(waitUntil([&] { return !progress->isVisibleTo(&page); }));
    EXPECT_EQ(top(), measuring);
}

TEST(EditWindow, MeasuresTheLocalPartAtOnceAndTheRestAtRest)
{
    Workbench bench(editScript(steps({result(effectAnswer())})));
    openLab(bench);
    EditPage& page = bench.window->editPage();
    EXPECT_TRUE(wordsOf(page).contains(u"Nothing is edited"_s));
    page.stackView().addStep(EditOperation::ScaleMlp);
    EXPECT_EQ(bench.session->editLab.edits().stack().front().block, 1) << "the middle block";
    ASSERT_TRUE(waitUntil([&] { return bench.session->editLab.shown().receipt != nullptr; }));
    EXPECT_EQ(partsAsked(bench), (std::vector<std::string>{"local", "downstream", "receipt"}));
    const Json first = bench.asked("edit_effect").front();
    EXPECT_EQ(first["model"], "/models/tiny");
    EXPECT_EQ(first["prompts"], "refusal");
    EXPECT_EQ(first["condition"], "none");
    EXPECT_EQ(first["edits"], Json::parse(R"([{"block":1,"scale_mlp":1.0}])"));
    EXPECT_TRUE(wordsOf(page).contains(u"held-out perplexity goes from 12.5 to 13.8"_s)) << wordsOf(page).toStdString();
    EXPECT_TRUE(wordsOf(*page.side()).contains(u"laid over the model"_s));
}

TEST(EditWindow, TheSliderMeasuresTheNewestAndKeepsEveryPoint)
{
    Workbench bench(editScript(steps({Json{{"sleep", 60}}, result(effectAnswer())})));
    openLab(bench);
    EditPage& page = bench.window->editPage();
    page.stackView().addStep(EditOperation::ScaleMlp);
    auto* slider = page.findChild<QSlider*>();
    ASSERT_TRUE(slider);
    ASSERT_TRUE(waitUntil([&] { return bench.session->editLab.shown().local != nullptr; }));
    for (int value = 190; value >= 100; value -= 10) // α from 0.95 to 0.5, faster than the engine
        slider->setValue(value);
    EXPECT_EQ(bench.session->editLab.edits().stack().front().strength, 0.5);
    ASSERT_TRUE(waitUntil([&] { return bench.session->editLab.shown().downstream != nullptr; }));
    std::size_t local = 0;
    for (const std::string& part : partsAsked(bench))
        local += part == "local" ? 1 : 0;
    EXPECT_LE(local, 4U) << "what a newer value has made old is not asked for";
    const std::vector<CurvePoint> curve = bench.session->editLab.curve();
    ASSERT_GE(curve.size(), 2U);
    EXPECT_EQ(curve.front().strength, 0.5);
    EXPECT_EQ(curve.back().strength, 1);
    EXPECT_FALSE(page.board().exported().title.isEmpty());
    bench.command(u"Send this view to the report"_s);
    ASSERT_TRUE(waitUntil([&] { return bench.session->report.items().size() == 1; }));
    const std::vector<report::Part>& sent = bench.session->report.items()[0].parts;
    ASSERT_GE(sent.size(), 3U) << "whose numbers they are, the curve, its numbers";
    EXPECT_TRUE(std::holds_alternative<report::Picture>(sent[1]));
    EXPECT_TRUE(std::holds_alternative<report::Table>(sent[2]));
    bench.session->report.setExported();
    auto* typed = page.findChild<QLineEdit*>(u"alpha"_s);
    ASSERT_TRUE(typed);
    typed->setText(u"-1.5"_s);
    emit typed->editingFinished();
    EXPECT_EQ(bench.session->editLab.edits().stack().front().strength, -1.5) << "beyond the slider's end";
    typed->setText(u"nan"_s);
    emit typed->editingFinished();
    EXPECT_EQ(bench.session->editLab.edits().stack().front().strength, -1.5);
    EXPECT_TRUE(wordsOf(page).contains(u"not a number"_s));
}

TEST(EditWindow, AChangeCancelsTheDownstreamPartThatIsUnderWay)
{
    Json script = engineScript();
    Json effects = Json::array(
        {steps({result(effectAnswer())}), steps({Json{{"sleep", 60000}}}), steps({result(effectAnswer(2.5))})});
    script["edit_effect"] = effects;
    Workbench bench(script);
    openLab(bench);
    EditPage& page = bench.window->editPage();
    page.stackView().addStep(EditOperation::ScaleMlp);
    ASSERT_TRUE(waitUntil([&] { return partsAsked(bench).size() == 2; })) << "the downstream part hangs";
    EditSlots& edits = bench.session->editLab.edits();
    edits.setStrength(edits.current(), 0.25, false);
    ASSERT_TRUE(waitUntil([&] { return bench.session->editLab.shown().downstream != nullptr; }));
    EXPECT_EQ(bench.session->editLab.shown().local->epsilon, 2.5);
}

TEST(EditWindow, PreparingIsShownAndCanBeCancelled)
{
    Workbench bench(editScript(
        steps({Json{{"progress",
                     {{"stage", "prepare"}, {"done", 10}, {"total", 30}, {"unit", "blocks"}, {"elapsed_s", 1.0}}}},
               Json{{"sleep", 60000}}})));
    openLab(bench);
    EditPage& page = bench.window->editPage();
    page.stackView().addStep(EditOperation::ScaleMlp);
    ASSERT_TRUE(waitUntil([&] { return wordsOf(page).contains(u"Running the unedited model once: 10 of 30"_s); }));
    press(page, u"Cancel"_s);
    EXPECT_TRUE(Workbench::noticeOn(page).contains(u"stopped"_s));
    EXPECT_EQ(bench.session->editLab.phase(), EditLab::Phase::Idle);
}

TEST(EditWindow, AnErrorStandsWhereItHappenedAndAChangeGoesOn)
{
    Json script = engineScript();
    script["edit_effect"] = Json::array({steps({Json{{"error",
                                                      {{"code", -32000},
                                                       {"message", "Block 1's edit gives a number that is not finite."},
                                                       {"data", {{"exit_code", 8}, {"kind", "numeric"}}}}}}}),
                                         steps({result(effectAnswer())})});
    Workbench bench(script);
    openLab(bench);
    EditPage& page = bench.window->editPage();
    page.stackView().addStep(EditOperation::ScaleMlp);
    ASSERT_TRUE(waitUntil([&] { return Workbench::noticeOn(page).contains(u"not finite"_s); }));
    ASSERT_TRUE(Workbench::actOn(page));
    ASSERT_TRUE(waitUntil([&] { return bench.session->editLab.shown().downstream != nullptr; }));
    EXPECT_TRUE(Workbench::noticeOn(page).isEmpty());
}

TEST(EditWindow, AnEngineThatDiesLeavesTheStackAndTriesAgain)
{
    Json script = engineScript();
    script["edit_effect"] = Json::array({steps({Json{{"crash", 9}}}), steps({result(effectAnswer())})});
    Workbench bench(script);
    openLab(bench);
    EditPage& page = bench.window->editPage();
    page.stackView().addStep(EditOperation::ScaleMlp);
    ASSERT_TRUE(waitUntil([&] { return !Workbench::noticeOn(page).isEmpty(); }));
    EXPECT_EQ(bench.session->editLab.edits().stack().size(), 1U);
    ASSERT_TRUE(Workbench::actOn(page));
    ASSERT_TRUE(waitUntil([&] { return bench.session->editLab.shown().downstream != nullptr; }));
}

TEST(EditWindow, CompletionsStreamInAndTheDifferenceIsMarked)
{
    Json script = engineScript();
    const auto progress = [](Json detail) {
        return Json{{"progress",
                     {{"stage", "generate"},
                      {"done", 1},
                      {"total", 4},
                      {"unit", "tokens"},
                      {"elapsed_s", 0.1},
                      {"detail", std::move(detail)}}}};
    };
    Workbench bench(editScript(steps({result(effectAnswer())})));
    const QString more = bench.engine().filePath(u"more"_s);
    Json without = effectAnswer();
    without["completions"] = nullptr;
    script["edit_effect"] =
        Json::array({steps({result(without)}), steps({result(without)}), steps({result(without)}),
                     steps({progress({{"partial", {{"prompt", 0}, {"side", "after"}, {"text", "Sure, I can"}}}}),
                            Json{{"until_file", more.toStdString()}}, result(effectAnswer())})});
    bench.engine().rewrite(script.dump());
    openLab(bench);
    EditPage& page = bench.window->editPage();
    page.stackView().addStep(EditOperation::ScaleMlp);
    page.board().showPart(EditBoard::Completions);
    ASSERT_TRUE(waitUntil([&] { return bench.session->editLab.shown().receipt != nullptr; }));
    EXPECT_EQ(partsAsked(bench).size(), 3U) << "nobody has asked for texts";
    press(page, u"Complete"_s);
    const auto edited = [&] { return page.findChild<QTextEdit*>(u"edited"_s)->toPlainText(); };
    ASSERT_TRUE(waitUntil([&] { return edited() == u"Sure, I can"_s; }));
    QFile file(more);
    ASSERT_TRUE(file.open(QIODevice::WriteOnly));
    ASSERT_TRUE(waitUntil([&] { return bench.session->editLab.shown().completions != nullptr; }));
    EXPECT_EQ(edited(), u"Sure, I cannot help."_s);
    EXPECT_TRUE(wordsOf(page).contains(u"Refuses where it should: 0 of 1 [0.00, 0.79] before, 1 of 1 [0.21, 1.00]"_s))
        << wordsOf(page).toStdString();
    EXPECT_TRUE(wordsOf(page).contains(u"markers: i cannot"_s));
    const QTextDocument* document = page.findChild<QTextEdit*>(u"edited"_s)->document();
    QTextCursor cursor(const_cast<QTextDocument*>(document));
    cursor.setPosition(7);
    EXPECT_TRUE(cursor.charFormat().fontUnderline()) << "“I” is the first other word";
    cursor.setPosition(3);
    EXPECT_FALSE(cursor.charFormat().fontUnderline());
    // While B is held the unedited text stands in its place.
    bench.window->activateWindow();
    page.findChild<QSlider*>()->setFocus();
    QTest::keyPress(page.findChild<QSlider*>(), Qt::Key_B);
    EXPECT_EQ(edited(), u"Sure, here it is."_s);
    QTest::keyRelease(page.findChild<QSlider*>(), Qt::Key_B);
    EXPECT_EQ(edited(), u"Sure, I cannot help."_s);
}

TEST(EditWindow, CutEmptyAndNeverRunAreKeptApartFromAnswers)
{
    Workbench bench(editScript(steps({result(effectAnswer())})));
    openLab(bench);
    EditPage& page = bench.window->editPage();
    page.stackView().addStep(EditOperation::ScaleMlp);
    page.board().showPart(EditBoard::Completions);
    ASSERT_TRUE(waitUntil([&] { return bench.session->editLab.shown().receipt != nullptr; }));
    press(page, u"Complete"_s);
    ASSERT_TRUE(waitUntil([&] { return bench.session->editLab.shown().completions != nullptr; }));
    EXPECT_TRUE(wordsOf(page).contains(
        u"1 of 2 cut, 0 empty, 0 never ran before; 2 of 2 cut, 1 empty, 0 never ran after. A cut text is judged"_s))
        << wordsOf(page).toStdString();
    const auto* facts = page.side()->findChild<widgets::FactList*>();
    QStringList shown;
    for (int i = 0; i < 15; ++i)
        shown << facts->shownLabel(i) + u' ' + facts->shownValue(i);
    EXPECT_TRUE(shown.contains(u"Cut at the length 2 of 2"_s)) << shown.join(u'\n').toStdString();
    EXPECT_TRUE(shown.contains(u"Empty 1 of 2"_s));
    EXPECT_TRUE(shown.contains(u"Never ran 0 of 2"_s));
    EXPECT_TRUE(shown.contains(u"Same next token 75.0\u00a0%"_s)) << shown.join(u'\n').toStdString();
    // Somebody who labels blind is not told what the markers say, not even in numbers.
    const int height = facts->sizeHint().height();
    page.showView(EditPage::Labels);
    EXPECT_LT(facts->sizeHint().height(), height);
    bench.session->labels.setBlind(false);
    EXPECT_EQ(facts->sizeHint().height(), height);
}

TEST(EditWindow, MarkerListsAreShownWithTheirCountsAndChosen)
{
    Json script = editScript(steps({result(effectAnswer())}));
    script["read_markers"] = Json::array({steps({result(completionsAnswer()["markers"])}),
                                          steps({Json{{"error",
                                                       {{"code", -32000},
                                                        {"message", "own.json: version must be a text."},
                                                        {"data", {{"exit_code", 3}, {"kind", "format"}}}}}}})});
    Workbench bench(script);
    openLab(bench);
    EditPage& page = bench.window->editPage();
    page.stackView().addStep(EditOperation::ScaleMlp);
    press(page, u"Show"_s);
    const auto dialog = [&] { return bench.window->findChild<MarkersDialog*>(); };
    ASSERT_TRUE(waitUntil([&] { return dialog() != nullptr; })) << "without a text, as the engine reads them";
    EXPECT_TRUE(wordsOf(*dialog()).contains(u"Marker lists: refusal, version 1"_s));
    EXPECT_EQ(dialog()->findChild<widgets::ValueTable*>()->model()->rowCount(), 3);
    dialog()->accept();
    ASSERT_TRUE(waitUntil([&] { return dialog() == nullptr; }));
    bench.session->editLab.complete();
    ASSERT_TRUE(waitUntil([&] { return bench.session->editLab.shown().completions != nullptr; }));
    const auto completions = bench.session->editLab.shown().completions;
    const widgets::ValueRows rows = markerRows(completions->markers, completions.get());
    ASSERT_EQ(rows.rows.size(), 3U);
    EXPECT_EQ(rows.rows[0][0].text, u"i cannot"_s);
    EXPECT_EQ(rows.rows[0][2].text, u"0"_s);
    EXPECT_EQ(rows.rows[0][3].text, u"1"_s) << "in one of the edited texts";
    EXPECT_EQ(rows.rows[2][1].text, u"harmful"_s);
    // Lists of one's own are what everything is judged by from then on.
    page.stackView().setChoice(u"markers"_s, u"/p/own.json"_s);
    EXPECT_EQ(bench.session->editLab.settings().markers, u"/p/own.json"_s);
    ASSERT_TRUE(waitUntil([&] { return bench.asked("edit_effect").back().value("markers", "") == "/p/own.json"; }));
    press(page, u"Show"_s);
    ASSERT_TRUE(waitUntil([&] { return bench.asked("read_markers").size() == 2; }));
    EXPECT_EQ(bench.asked("read_markers").back()["markers"], "/p/own.json");
    ASSERT_TRUE(waitUntil([&] { return Workbench::noticeOn(page.stackView()).contains(u"version must be a text"_s); }));
}

TEST(EditWindow, ThePointsOfACurveAreMeasuredOneAfterTheOther)
{
    Workbench bench(editScript(steps({result(effectAnswer())})));
    openLab(bench);
    EditPage& page = bench.window->editPage();
    page.stackView().addStep(EditOperation::ScaleMlp);
    ASSERT_TRUE(waitUntil([&] { return bench.session->editLab.shown().receipt != nullptr; }));
    press(page, u"Measure 11 points"_s);
    ASSERT_TRUE(waitUntil([&] { return bench.session->editLab.curve().size() == 11; }));
    ASSERT_TRUE(waitUntil([&] { return !bench.session->editLab.isFillingCurve(); }));
    EXPECT_TRUE(wordsOf(page).contains(u"11 points measured"_s));
    EXPECT_EQ(bench.session->editLab.edits().stack().front().strength, 1) << "the stack is left alone";
}

TEST(EditWindow, WritesThePatchAndCertifiesIt)
{
    Json script = editScript(steps({result(effectAnswer())}));
    script["write_patch"] = once(steps({result({{"path", "/p/x.patch.json"}, {"sha256", "aa"}, {"edits", {"one"}}})}));
    script["edit"] = once(steps({result({{"run", "/p/x.blockcert"},
                                         {"name", "abc"},
                                         {"already", false},
                                         {"epsilon_edit", 4.5},
                                         {"edits", {"block 1: MLP x 0.5"}}})}));
    script["export_model"] =
        once(steps({result({{"out", "/p/x-model"}, {"difference", {{"largest", 0.0125}, {"largest_norm", 800.0}}}})}));
    Workbench bench(script);
    openLab(bench);
    EditPage& page = bench.window->editPage();
    page.stackView().addStep(EditOperation::ScaleMlp);
    EditSlots& edits = bench.session->editLab.edits();
    edits.setStrength(edits.current(), 0.5, false);
    ASSERT_TRUE(waitUntil([&] { return bench.session->editLab.shown().receipt != nullptr; }));
    press(*page.side(), u"Certify…"_s);
    auto* dialog = bench.window->findChild<CertifyDialog*>();
    ASSERT_TRUE(dialog);
    EXPECT_TRUE(dialog->request().out.startsWith(bench.runFolder()));
    const QString out = dialog->request().out;
    dialog->accept();
    ASSERT_TRUE(waitUntil([&] { return bench.session->editIssue.get().isReady(); }));
    EXPECT_EQ(bench.asked("write_patch").front()["edits"], Json::parse(R"([{"block":1,"scale_mlp":0.5}])"));
    const Json certified = bench.asked("edit").front();
    EXPECT_EQ(certified["patch"], "/p/x.patch.json");
    EXPECT_EQ(certified["out"], out.toStdString());
    EXPECT_EQ(certified["prompts"], "refusal");
    EXPECT_FALSE(certified.contains("edits"));
    EXPECT_EQ(Workbench::noticeOn(*page.side()),
              u"block 1: MLP x 0.5: certified as abc in /p/x.blockcert, by the run's word; Check recomputes it."_s);
    // Beside the numbers of another edit it says that it is not theirs.
    edits.setStrength(edits.current(), 0.75, false);
    EXPECT_TRUE(Workbench::noticeOn(*page.side()).contains(u"The stack above is another one now"_s));
    const auto links = page.side()->findChildren<QAbstractButton*>();
    EXPECT_TRUE(std::ranges::any_of(
        links, [](const auto* link) { return link->accessibleName() == u"Check block 1: MLP x 0.5"_s; }));
    edits.setStrength(edits.current(), 0.5, false);
    EXPECT_FALSE(Workbench::noticeOn(*page.side()).contains(u"another one"_s));
    press(*page.side(), u"Export model…"_s);
    auto* checkpoint = bench.window->findChild<CheckpointDialog*>();
    ASSERT_TRUE(checkpoint);
    checkpoint->accept();
    ASSERT_TRUE(waitUntil([&] { return bench.session->editExport.get().isReady(); }));
    EXPECT_EQ(bench.asked("export_model").front()["edit"], "abc");
    EXPECT_TRUE(Workbench::noticeOn(*page.side()).startsWith(u"block 1: MLP x 0.5: the edited model is in"_s));
    EXPECT_TRUE(Workbench::noticeOn(*page.side()).contains(u"by at most 0.0125, where the largest is 800 long"_s))
        << Workbench::noticeOn(*page.side()).toStdString();
    // Another state of the stack has no certificate, so no checkpoint either.
    edits.setStrength(edits.current(), 0.25, false);
    for (const QAbstractButton* button : page.side()->findChildren<QAbstractButton*>())
        EXPECT_FALSE(button->text() == u"Export model…"_s && button->isEnabled());
}

// Certificates that were issued before the window was closed, or killed, are there again, and so is what they allow.
TEST(EditWindow, CertificatesAreRememberedAndCanBeExportedAfterARestart)
{
    Json script = editScript(steps({result(effectAnswer())}));
    script["open"].push_back(script["open"][0]);
    script["tokenize"].push_back(script["tokenize"][0]);
    script["write_patch"] = once(steps({result({{"path", "/p/x.patch.json"}, {"sha256", "aa"}, {"edits", {"one"}}})}));
    Workbench bench(script);
    const QString run = bench.runFolder() + u"/x.blockcert"_s;
    QDir().mkpath(run);
    script["edit"] = once(steps({result({{"run", run.toStdString()},
                                         {"name", "abc"},
                                         {"already", false},
                                         {"epsilon_edit", 4.5},
                                         {"edits", {"block 1: MLP x 0.5"}}})}));
    bench.engine().rewrite(script.dump());
    openLab(bench);
    bench.window->editPage().stackView().addStep(EditOperation::ScaleMlp);
    EditSlots& edits = bench.session->editLab.edits();
    edits.setStrength(edits.current(), 0.5, false);
    ASSERT_TRUE(waitUntil([&] { return bench.session->editLab.shown().receipt != nullptr; }));
    press(*bench.window->editPage().side(), u"Certify…"_s);
    bench.window->findChild<CertifyDialog*>()->accept();
    ASSERT_TRUE(waitUntil([&] { return bench.session->editIssue.get().isReady(); }));
    ASSERT_TRUE(waitUntil([&] { return bench.session->preferences.savedLab().contains("x.blockcert"); }));
    bench.window.reset();
    bench.session.reset();
    bench.start();
    ASSERT_TRUE(bench.openModel());
    bench.window->showPage(MainWindow::Edit);
    const auto buttonNamed = [&](const QString& text) {
        for (QAbstractButton* button : bench.window->editPage().side()->findChildren<QAbstractButton*>())
            if (button->text() == text || button->accessibleName() == text)
                return button;
        return static_cast<QAbstractButton*>(nullptr);
    };
    ASSERT_TRUE(buttonNamed(u"Check block 1: MLP x 0.5"_s));
    EXPECT_TRUE(waitUntil([&] { return buttonNamed(u"Export model…"_s)->isEnabled(); })) << "the stack is as it was";
}

TEST(EditWindow, CopiesTheCommandThatDoesTheSame)
{
    Workbench bench(editScript(steps({result(effectAnswer())})));
    openLab(bench);
    EditPage& page = bench.window->editPage();
    page.stackView().addStep(EditOperation::ScaleMlp);
    bench.command(u"Copy as command"_s);
    const QString command = QGuiApplication::clipboard()->text();
    EXPECT_TRUE(command.startsWith(u"blockcert edit /models/tiny --block 1 --scale-mlp 1 --prompts refusal -o "_s))
        << command.toStdString();
}

TEST(EditWindow, TheOtherSlotIsOneKeyAway)
{
    Workbench bench(editScript(steps({result(effectAnswer())})));
    openLab(bench);
    EditPage& page = bench.window->editPage();
    page.stackView().addStep(EditOperation::ScaleMlp);
    press(page, u"Copy to B"_s);
    EditSlots& edits = bench.session->editLab.edits();
    EXPECT_EQ(edits.slot(), 1);
    edits.setStrength(edits.current(), 0, false);
    ASSERT_TRUE(waitUntil([&] { return bench.session->editLab.shown().local != nullptr; }));
    bench.window->activateWindow();
    page.findChild<QSlider*>()->setFocus();
    QTest::keyClick(page.findChild<QSlider*>(), Qt::Key_X);
    EXPECT_EQ(edits.slot(), 0);
    EXPECT_EQ(edits.stack().front().strength, 1);
    bench.command(u"Undo the last edit"_s);
    EXPECT_EQ(edits.slot(), 1) << "an undo shows what it undoes";
    EXPECT_EQ(edits.stack().front().strength, 1);
}

}
