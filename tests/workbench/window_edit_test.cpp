// The Edit lab: its stacks, what it asks the engine and when, and what it shows of the answers.
#include "app/workbench/pages/edit_board.h"
#include "app/workbench/pages/edit_card.h"
#include "app/workbench/pages/edit_completions.h"
#include "app/workbench/pages/edit_page.h"
#include "app/workbench/pages/edit_side.h"
#include "app/workbench/pages/edit_stack_view.h"
#include "app/workbench/pages/markers_dialog.h"
#include "app/workbench/pages/page_parts.h"
#include "tests/workbench/support/bench.h"
#include "tests/workbench/support/edit_answers.h"
#include "widgets/empty_state.h"
#include "widgets/fact_list.h"
#include "widgets/figure_view.h"
#include "widgets/segmented_control.h"
#include "widgets/value_grid.h"
#include "widgets/value_table.h"

#include <QAbstractButton>
#include <QAbstractItemModelTester>
#include <QApplication>
#include <QComboBox>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QScrollArea>
#include <QSlider>
#include <QSpinBox>
#include <QTest>
#include <QTextEdit>

#include <gtest/gtest.h>

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
    EXPECT_TRUE(sideEffectRows(*effect.downstream).rows.front().back().text.endsWith(u"%"_s))
        << "as the receipt has it";
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

// Where three columns have no room the receipt is a view beside the stack; nothing lies at the side.
TEST(EditWindow, InANarrowWindowTheReceiptIsAViewAndNothingIsCutOff)
{
    Workbench bench(editScript(steps({result(effectAnswer())})));
    openLab(bench);
    EditPage& page = bench.window->editPage();
    page.stackView().addStep(EditOperation::ScaleMlp);
    bench.session->editLab.edits().setStrength(bench.session->editLab.edits().current(), 0.5, false);
    ASSERT_TRUE(waitUntil([&] { return bench.session->editLab.shown().receipt != nullptr; }));
    EXPECT_FALSE(page.isAncestorOf(page.side())) << "at 1440 pixels it stands in the window's own column";
    EXPECT_TRUE(page.side()->isVisible());
    bench.window->resize(1000, 720);
    ASSERT_TRUE(waitUntil([&] { return page.hasFoldedSide(); }));
    const auto nothingIsCut = [&](const char* what) {
        QCoreApplication::processEvents();
        for (const QScrollArea* area : page.findChildren<QScrollArea*>()) {
            const int least = area->isVisible() ? area->widget()->minimumSizeHint().width() : 0;
            EXPECT_LE(least, area->width()) << what;
        }
        EXPECT_LE(page.minimumSizeHint().width(), page.parentWidget()->width()) << what;
        EXPECT_LE(page.width(), page.parentWidget()->width()) << what;
    };
    for (const auto part :
         {EditBoard::Curve, EditBoard::Layers, EditBoard::SideEffects, EditBoard::Tokens, EditBoard::Completions}) {
        page.board().showPart(part);
        nothingIsCut("a part of the board");
    }
    EXPECT_GT(page.board().width(), 500);
    EXPECT_TRUE(page.findChild<QSlider*>()->isVisible());
    EXPECT_FALSE(page.side()->isVisible());
    for (const EditPage::View view : {EditPage::Sweep, EditPage::Labels, EditPage::Receipt}) {
        page.showView(view);
        nothingIsCut("a view");
    }
    EXPECT_TRUE(page.side()->isVisible());
    EXPECT_TRUE(page.findChild<QSlider*>()->isVisible()) << "the strength is beside it";
    EXPECT_TRUE(wordsOf(page).contains(u"Tensors touched"_s)) << wordsOf(page).toStdString();
    bench.window->resize(1440, 900);
    ASSERT_TRUE(waitUntil([&] { return !page.hasFoldedSide() && page.side()->isVisible(); }));
    EXPECT_EQ(page.view(), EditPage::Lab);
    EXPECT_TRUE(page.board().isVisible());
}

TEST(EditWindow, NeutralStrengthsCannotBeCertifiedEvenBeforeTheyAreMeasured)
{
    Workbench bench(editScript(steps({Json{{"sleep", 60000}}})));
    openLab(bench);
    EditPage& page = bench.window->editPage();
    page.stackView().addStep(EditOperation::ScaleMlp);
    QPushButton* certify = nullptr;
    for (QPushButton* one : page.side()->findChildren<QPushButton*>())
        if (one->text() == u"Certify…"_s)
            certify = one;
    ASSERT_NE(certify, nullptr);
    EXPECT_FALSE(certify->isEnabled());
    EXPECT_TRUE(certify->toolTip().contains(u"changes nothing"_s)) << certify->toolTip().toStdString();
    bench.session->editLab.edits().setStrength(bench.session->editLab.edits().current(), 0.5, false);
    EXPECT_TRUE(certify->isEnabled());
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
