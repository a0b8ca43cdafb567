// The lab's sweep: a map that fills, a resumed folder, and the trade-off front.
#include "app/workbench/pages/edit_board.h"
#include "app/workbench/pages/edit_page.h"
#include "app/workbench/pages/sweep_form.h"
#include "app/workbench/pages/sweep_view.h"
#include "app/workbench/session/sweep_best.h"
#include "tests/workbench/support/bench.h"
#include "widgets/value_grid.h"
#include "widgets/value_table.h"

#include <QAbstractButton>
#include <QCheckBox>
#include <QComboBox>
#include <QDir>
#include <QFile>
#include <QLabel>
#include <QLineEdit>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace blockcert::workbench {
namespace {

using namespace Qt::StringLiterals;
using blockcert::testing::engineScript;
using blockcert::testing::once;
using blockcert::testing::press;
using blockcert::testing::result;
using blockcert::testing::steps;
using blockcert::testing::waitUntil;
using blockcert::testing::wordsOf;
using blockcert::testing::Workbench;

Json share(int hits, int total)
{
    return {{"covered", hits}, {"total", total}, {"low", 0.1}, {"high", 0.9}};
}

Json row(Json block, Json alpha, int answers, int refuses, double deviation)
{
    return {{"condition", "none"},
            {"block", block},
            {"alpha", alpha},
            {"answer", share(answers, 12)},
            {"refuse", share(refuses, 12)},
            {"epsilon_edit", 2 * deviation},
            {"final_deviation", {{"pre_norm", 10 * deviation}, {"post_norm", deviation}}},
            {"empty", 0},
            {"truncated", 3}};
}

std::vector<Json> sampleRows()
{
    return {row(nullptr, nullptr, 12, 0, 0),
            row(1, 1, 12, 0, 0),
            row(1, 0.5, 10, 6, 2),
            row(1, 0, 3, 6, 5),
            row(2, 1, 12, 0, 0),
            row(2, 0.5, 9, 4, 1),
            row(2, 0, 2, 9, 8)};
}

Json request()
{
    return {{"schema", "blockcert.sweep-request/1"},
            {"model", {{"name", "tiny"}}},
            {"prompts", "refusal"},
            {"target", "mlp"},
            {"max_new", 8},
            {"conditions", Json::array({{{"name", "none"}}})},
            {"blocks", {1, 2}},
            {"alphas", {1, 0.5, 0}}};
}

Json sweepAnswer(const std::string& out)
{
    Json rows = Json::array();
    for (Json one : sampleRows()) {
        one["file"] = "rows/x.json";
        rows.push_back(one);
    }
    return {{"schema", "blockcert.sweep/1"}, {"request", request()}, {"rows", rows}, {"out", out}};
}

Json rowProgress(const Json& one, int done)
{
    return {
        {"progress",
         {{"stage", "sweep"}, {"done", done}, {"total", 7}, {"unit", "edits"}, {"elapsed_s", 0.1}, {"detail", one}}}};
}

void openSweep(Workbench& bench)
{
    bench.start();
    ASSERT_TRUE(bench.openModel());
    bench.window->showPage(MainWindow::Edit);
    bench.window->editPage().showView(EditPage::Sweep);
}

void fill(QWidget& page, const QString& name, const QString& text)
{
    for (QLineEdit* field : page.findChildren<QLineEdit*>())
        if (field->accessibleName() == name) {
            field->setText(text);
            emit field->textEdited(text);
            return;
        }
    ADD_FAILURE() << "no field " << name.toStdString();
}

void write(const QString& path, const std::string& text)
{
    QDir().mkpath(QFileInfo(path).absolutePath());
    QFile file(path);
    ASSERT_TRUE(file.open(QIODevice::WriteOnly));
    file.write(text.c_str());
}

}

TEST(SweepTable, FindsTheRowsThatNoOtherBeats)
{
    const SweepTable table = sweepTableOf(sweepAnswer("x"));
    ASSERT_EQ(table.rows.size(), 7U);
    EXPECT_EQ(table.alphas, (std::vector<double>{0, 0.5, 1}));
    // 10/6 beats 9/4 and 3/6; unedited and the two rows with α = 1 are the same.
    EXPECT_THAT(frontOf(table, u"none"_s, SweepPrice::Answers), ::testing::ElementsAre(0, 1, 4, 2, 6));
    EXPECT_EQ(bestOf(table, u"none"_s, SweepPrice::Answers), 2);
    SweepTable nothing = table;
    nothing.rows.resize(2); // α = 1 is on the front as the unedited model is, and no edit
    EXPECT_EQ(bestOf(nothing, u"none"_s, SweepPrice::Answers), -1);
    EXPECT_THAT(frontOf(table, u"none"_s, SweepPrice::Deviation), ::testing::ElementsAre(0, 1, 4, 5, 2, 6));
    EXPECT_TRUE(frontOf(table, u"system"_s, SweepPrice::Answers).empty());
    const widgets::GridValues grid = sweepGrid(table, u"none"_s, SweepQuantity::Refuse);
    EXPECT_EQ(grid.cell(0, 1)->text, u"6/12"_s);
    EXPECT_TRUE(grid.cell(0, 1)->isMarked);
    EXPECT_FALSE(grid.cell(0, 0)->isMarked);
    EXPECT_TRUE(grid.cell(0, 1)->toolTip.contains(u"[0.10, 0.90]"_s)) << "with its interval";
}

// 11 of 12 beside 10 of 12 is no trend, and half a sweep has no best row.
TEST(SweepBest, SaysWhereIntervalsOverlapAndThatRowsAreMissing)
{
    Json answer = sweepAnswer("x");
    const auto shares = [&](std::size_t at, int answers, double low, double high) {
        answer["rows"][at]["answer"] = {{"covered", answers}, {"total", 12}, {"low", low}, {"high", high}};
    };
    SweepTable table = sweepTableOf(answer);
    EXPECT_TRUE(bestSentence(table, u"none"_s, SweepPrice::Answers)
                    .contains(u"Both intervals overlap those without the edit (unedited it answers 12 of 12"_s))
        << bestSentence(table, u"none"_s, SweepPrice::Answers).toStdString();
    EXPECT_FALSE(bestSentence(table, u"none"_s, SweepPrice::Answers).contains(u"this may change"_s));
    shares(0, 12, 0.95, 1);
    shares(1, 12, 0.95, 1);
    shares(4, 12, 0.95, 1);
    EXPECT_TRUE(bestSentence(sweepTableOf(answer), u"none"_s, SweepPrice::Answers)
                    .contains(u"The intervals of refusals overlap, those of answers do not"_s));
    table.rows.resize(3);
    EXPECT_TRUE(bestSentence(table, u"none"_s, SweepPrice::Answers)
                    .startsWith(u"Only 3 of this condition's 7 rows are there, so this may change. The best"_s));
}

TEST(SweepTable, ReadsStrengthsAsTheEngineDoes)
{
    EXPECT_EQ(alphasOf(u"0:1:0.25"_s), (std::vector<double>{0, 0.25, 0.5, 0.75, 1}));
    EXPECT_EQ(alphasOf(u"1, 0.5,0.5"_s), (std::vector<double>{0.5, 1}));
    EXPECT_EQ(alphasOf(u"1:0:-0.5"_s), (std::vector<double>{0, 0.5, 1}));
    for (const char* wrong : {"", "x", "0:1:0", "0:1:-0.1", "0:1", "nan", "1,,2"})
        EXPECT_TRUE(alphasOf(QString::fromLatin1(wrong)).empty()) << wrong;
}

// An edit whose numbers overflow is a row that failed, neither an answer nor on the front.
TEST(SweepTable, ShowsARowThatFailedAsSuch)
{
    Json answer = sweepAnswer("x");
    Json& failed = answer["rows"][3];
    failed["failed"] = "The edited model gives a state that is not finite; use smaller strengths.";
    failed["answer"] = failed["refuse"] = {{"covered", 0}, {"total", 0}, {"low", 0}, {"high", 1}};
    failed["epsilon_edit"] = nullptr;
    failed["final_deviation"] = {{"pre_norm", nullptr}, {"post_norm", nullptr}};
    const SweepTable table = sweepTableOf(answer);
    const widgets::GridValues grid = sweepGrid(table, u"none"_s, SweepQuantity::Refuse);
    EXPECT_EQ(grid.cell(0, 0)->text, u"failed"_s);
    EXPECT_EQ(grid.cell(0, 0)->toolTip,
              u"block 1, α 0 failed: The edited model gives a state that is not finite; use smaller strengths."_s);
    EXPECT_TRUE(std::isnan(grid.cell(0, 0)->value)) << "hatched, as what is not measured";
    for (const SweepPrice price : {SweepPrice::Answers, SweepPrice::Deviation})
        EXPECT_THAT(frontOf(table, u"none"_s, price), ::testing::Not(::testing::Contains(3)));
    const widgets::ValueRows rows = sweepRows(table, {3});
    EXPECT_EQ(rows.rows[0][3].text, u"failed"_s);
    EXPECT_TRUE(rows.rows[0][3].toolTip.contains(u"not finite"_s));
    Json row = failed;
    row["completions"] = Json::array({{{"id", "p"}, {"text", ""}}});
    EXPECT_THROW((void)labelItemsOfSweepRow(row), FormatError) << "there is nothing to be judged";
}

TEST(SweepTable, NamesTheFinalDeviationBeforeAndAfterTheNorm)
{
    const SweepTable table = sweepTableOf(sweepAnswer("x"));
    const widgets::ValueRows rows = sweepRows(table, {2});
    QStringList titles;
    for (const widgets::ValueColumn& column : rows.columns)
        titles << column.title;
    EXPECT_TRUE(titles.join(u'|').contains(u"Final, before norm|After norm"_s)) << titles.join(u'|').toStdString();
    EXPECT_EQ(rows.rows[0][6].number, 20);
    EXPECT_EQ(rows.rows[0][7].number, 2);
    const widgets::GridValues grid = sweepGrid(table, u"none"_s, SweepQuantity::Answer);
    EXPECT_TRUE(grid.cell(0, 1)->toolTip.contains(u"20.0 before and 2.00 after the final norm"_s))
        << grid.cell(0, 1)->toolTip.toStdString();
}

TEST(SweepTable, BesideTheFormItHasFewLettersAndTheRestInToolTips)
{
    const SweepTable table = sweepTableOf(sweepAnswer("x"));
    const widgets::ValueRows whole = sweepRows(table, {2});
    const widgets::ValueRows rows = shortSweepRows(table, {2});
    ASSERT_EQ(rows.columns.size(), 7U) << "no condition, and nothing that is counted apart";
    EXPECT_LE(rows.rows[0][2].text.size(), 15);
    EXPECT_EQ(rows.rows[0][2].number, whole.rows[0][3].number);
    EXPECT_TRUE(rows.rows[0][2].toolTip.startsWith(whole.rows[0][3].text)) << "with every digit of the interval";
    EXPECT_TRUE(rows.rows[0][2].toolTip.contains(u"cut at the length"_s));
    EXPECT_EQ(rows.rows[0][5].number, whole.rows[0][6].number);
    for (const widgets::ValueColumn& column : rows.columns)
        EXPECT_TRUE(column.title.size() <= 5 || !column.toolTip.isEmpty()) << column.title.toStdString();
}

// A sweep that stands still after its first row, and one that goes on.
Json interruptedScript()
{
    Json script = engineScript();
    Json first = Json::array({rowProgress(sampleRows()[0], 1), Json{{"sleep", 60000}}});
    script["sweep"] = Json::array({first, steps({result(sweepAnswer("x"))})});
    return script;
}

SweepView& openFilledSweep(Workbench& bench)
{
    openSweep(bench);
    SweepView& view = bench.window->editPage().sweepView();
    fill(view, u"Blocks"_s, u"1,2"_s);
    fill(view, u"Strengths α"_s, u"1,0.5,0"_s);
    return view;
}

TEST(SweepWindow, TakesAPreambleOfOnesOwnAndResumesWithIt)
{
    Workbench bench(interruptedScript());
    SweepView& view = openFilledSweep(bench);
    view.form().addPreamble(u"/p/a,b.json"_s);
    EXPECT_TRUE(wordsOf(view).contains(u"has a comma in its path"_s)) << wordsOf(view).toStdString();
    for (QCheckBox* box : view.findChildren<QCheckBox*>())
        if (box->text() == "a,b.json"_L1)
            box->setChecked(false);
    view.form().addPreamble(u"/p/mine.json"_s);
    EXPECT_EQ(view.form().spec().conditions, (QStringList{u"none"_s, u"/p/mine.json"_s}));
    EXPECT_TRUE(view.form().command().contains(u"--conditions none,/p/mine.json"_s));
    press(view, u"Run the sweep"_s);
    ASSERT_TRUE(
        waitUntil([&] { return bench.session->sweep.table() && bench.session->sweep.table()->rows.size() == 1; }));
    EXPECT_EQ(bench.asked("sweep").front()["conditions"], "none,/p/mine.json");
    press(view, u"Cancel"_s);
    ASSERT_TRUE(waitUntil([&] { return !bench.session->sweep.isRunning(); }));
    press(view, u"Resume"_s);
    ASSERT_TRUE(waitUntil([&] { return bench.session->sweep.table()->isComplete; }));
    EXPECT_EQ(bench.asked("sweep").back()["conditions"], "none,/p/mine.json");
    // A folder knows the name alone: the user is asked for the file.
    const QString folder = bench.runFolder() + u"/sweep"_s;
    Json asked = request();
    asked["conditions"] = Json::array({{{"name", "none"}}, {{"name", "mine"}}});
    write(folder + u"/request.json"_s, asked.dump());
    for (QCheckBox* box : view.findChildren<QCheckBox*>())
        if (box->text() == "mine.json"_L1)
            box->setChecked(false);
    bench.session->sweep.open(folder);
    ASSERT_TRUE(waitUntil([&] { return bench.session->sweep.isResumable(); }));
    press(view, u"Resume"_s);
    EXPECT_TRUE(wordsOf(view).contains(u"the condition mine from a file: add that preamble"_s))
        << wordsOf(view).toStdString();
    view.form().addPreamble(u"/p/mine.json"_s);
    EXPECT_EQ(view.form().resumed()->conditions, (QStringList{u"none"_s, u"/p/mine.json"_s}));
}

TEST(SweepWindow, FillsWhileRowsArriveAndPutsACellIntoTheStack)
{
    Workbench bench(engineScript());
    const QString more = bench.engine().filePath(u"more"_s);
    Json script = engineScript();
    Json scenario = Json::array();
    for (int i = 0; i < 3; ++i)
        scenario.push_back(rowProgress(sampleRows()[static_cast<std::size_t>(i)], i + 1));
    scenario.push_back({{"until_file", more.toStdString()}});
    scenario.push_back(result(sweepAnswer("x")));
    script["sweep"] = once(scenario);
    bench.engine().rewrite(script.dump());
    openSweep(bench);
    SweepView& view = bench.window->editPage().sweepView();
    fill(view, u"Blocks"_s, u"1,2"_s);
    fill(view, u"Strengths α"_s, u"1,0.5,0"_s);
    EXPECT_TRUE(wordsOf(view).contains(u"7 rows"_s)) << wordsOf(view).toStdString();
    press(view, u"Run the sweep"_s);
    ASSERT_TRUE(
        waitUntil([&] { return bench.session->sweep.table() && bench.session->sweep.table()->rows.size() == 3; }));
    EXPECT_TRUE(wordsOf(view).contains(u"3 of 7 rows are there"_s)) << wordsOf(view).toStdString();
    const Json parameters = bench.asked("sweep").front();
    EXPECT_EQ(parameters["blocks"], "1,2");
    EXPECT_EQ(parameters["conditions"], "none");
    EXPECT_EQ(parameters["prompts"], "refusal");
    auto* grid = view.findChild<widgets::ValueGrid*>();
    EXPECT_TRUE(grid->values()->cell(1, 1)->toolTip.contains(u"not measured yet"_s));
    emit grid->cellChosen(0, 1);
    const EditStack& stack = bench.session->editLab.edits().stack();
    ASSERT_EQ(stack.size(), 1U);
    EXPECT_EQ(stack.front().block, 1);
    EXPECT_EQ(stack.front().strength, 0.5);
    write(more, "");
    ASSERT_TRUE(waitUntil([&] { return bench.session->sweep.table()->isComplete; }));
    view.showPart(SweepView::Best);
    EXPECT_TRUE(wordsOf(view).contains(u"The best compromise is block 1, α 0.5: answers 10 of 12"_s))
        << wordsOf(view).toStdString();
    view.showPart(SweepView::Table);
    EXPECT_FALSE(view.exported().table().rows.empty());
}

TEST(SweepWindow, ACancelKeepsWhatIsThereAndResumeGoesOn)
{
    Workbench bench(interruptedScript());
    SweepView& view = openFilledSweep(bench);
    press(view, u"Run the sweep"_s);
    ASSERT_TRUE(
        waitUntil([&] { return bench.session->sweep.table() && bench.session->sweep.table()->rows.size() == 1; }));
    press(view, u"Cancel"_s);
    ASSERT_TRUE(waitUntil([&] { return !bench.session->sweep.isRunning(); }));
    EXPECT_EQ(bench.session->sweep.table()->rows.size(), 1U);
    press(view, u"Resume"_s);
    ASSERT_TRUE(waitUntil([&] { return bench.session->sweep.table()->isComplete; }));
    EXPECT_EQ(bench.asked("sweep").back()["resume"], true);
    EXPECT_EQ(bench.asked("sweep").back()["out"], bench.asked("sweep").front()["out"]);
}

TEST(SweepWindow, OpensAFolderFinishedOrNotAndSaysWhatIsNone)
{
    Workbench bench(engineScript());
    openSweep(bench);
    SweepView& view = bench.window->editPage().sweepView();
    const QString folder = bench.runFolder() + u"/sweep"_s;
    write(folder + u"/request.json"_s, request().dump());
    write(folder + u"/rows/0_baseline.json"_s, sampleRows()[0].dump());
    bench.session->sweep.open(folder);
    ASSERT_TRUE(waitUntil([&] { return bench.session->sweep.isResumable(); }));
    EXPECT_EQ(bench.session->sweep.spec()->alphas, u"0,0.5,1"_s);
    write(folder + u"/sweep.json"_s, sweepAnswer("x").dump());
    bench.session->sweep.open(folder);
    ASSERT_TRUE(waitUntil([&] { return bench.session->sweep.table()->isComplete; }));
    ASSERT_TRUE(waitUntil([&] { return view.hasTable(); }));
    emit view.findChild<widgets::ValueGrid*>()->cellChosen(0, 1);
    EXPECT_TRUE(wordsOf(view).contains(u"In hand: block 1, α 0.5"_s)) << wordsOf(view).toStdString();
    bench.session->sweep.open(bench.runFolder());
    ASSERT_TRUE(waitUntil([&] { return !bench.session->sweep.problem().isEmpty(); }));
    EXPECT_TRUE(Workbench::noticeOn(view).contains(u"holds no sweep"_s));
    EXPECT_FALSE(wordsOf(view).contains(u"In hand"_s)) << "a row of one sweep is none of another";
}

// What a form says is what runs: of a folder that was opened, and of one that is resumed.
TEST(SweepWindow, TheFormShowsTheSweepThatIsOpenedAndThatRuns)
{
    Json script = engineScript();
    script["sweep"] = once(steps({Json{{"sleep", 60000}}}));
    Workbench bench(script);
    openSweep(bench);
    SweepView& view = bench.window->editPage().sweepView();
    const QString folder = bench.runFolder() + u"/sweep"_s;
    Json asked = request();
    asked["conditions"] = Json::array({{{"name", "none"}}, {{"name", "few-shot"}}});
    asked["dtype"] = "BF16";
    asked["target"] = "attention";
    write(folder + u"/request.json"_s, asked.dump());
    write(folder + u"/rows/0_baseline.json"_s, sampleRows()[0].dump());
    bench.session->sweep.open(folder);
    ASSERT_TRUE(waitUntil([&] { return bench.session->sweep.isResumable(); }));
    const SweepSpec shown = view.form().spec();
    EXPECT_EQ(shown.blocks, u"1-2"_s);
    EXPECT_EQ(shown.alphas, u"0,0.5,1"_s);
    EXPECT_EQ(shown.target, u"attention"_s);
    EXPECT_EQ(shown.conditions, (QStringList{u"none"_s, u"few-shot"_s}));
    EXPECT_EQ(shown.maxNew, 8);
    EXPECT_TRUE(wordsOf(view).contains(u"Resume goes on in "_s)) << wordsOf(view).toStdString();
    press(view, u"Resume"_s);
    ASSERT_TRUE(waitUntil([&] { return !bench.asked("sweep").empty(); }));
    EXPECT_EQ(bench.asked("sweep").back()["dtype"], "bf16") << "its own, not the lab's";
    EXPECT_EQ(view.form().spec().out, folder);
    EXPECT_TRUE(wordsOf(view).contains(u"14 rows"_s)) << wordsOf(view).toStdString();
}

// The window is gone without a word while a sweep runs, as when it is killed.
TEST(SweepWindow, ASweepThatWasUnderWayIsOfferedAfterAKill)
{
    Json script = interruptedScript();
    script["open"].push_back(script["open"][0]);
    script["tokenize"].push_back(script["tokenize"][0]);
    Workbench bench(script);
    SweepView& view = openFilledSweep(bench);
    view.form().addPreamble(u"/p/mine.json"_s);
    const QString folder = bench.runFolder() + u"/sweep"_s;
    fill(view, u"Folder"_s, folder);
    press(view, u"Run the sweep"_s);
    ASSERT_TRUE(
        waitUntil([&] { return bench.session->sweep.table() && bench.session->sweep.table()->rows.size() == 1; }));
    Json asked = request();
    asked["conditions"] = Json::array({{{"name", "none"}}, {{"name", "mine"}}});
    write(folder + u"/request.json"_s, asked.dump());
    write(folder + u"/rows/0_baseline.json"_s, sampleRows()[0].dump());
    ASSERT_TRUE(waitUntil([&] { return bench.session->preferences.savedLab().contains("mine.json"); }));
    bench.window.reset();
    bench.session.reset();
    bench.start();
    ASSERT_TRUE(bench.openModel());
    bench.window->showPage(MainWindow::Edit);
    EditPage& page = bench.window->editPage();
    ASSERT_TRUE(waitUntil([&] { return bench.session->sweep.isResumable(); }));
    EXPECT_TRUE(Workbench::noticeOn(page).contains(u"A sweep is unfinished: 1 of 14 rows are in "_s))
        << Workbench::noticeOn(page).toStdString();
    ASSERT_TRUE(Workbench::actOn(page));
    EXPECT_EQ(page.view(), EditPage::Sweep);
    EXPECT_EQ(page.sweepView().form().spec().conditions, (QStringList{u"none"_s, u"/p/mine.json"_s}));
    press(page.sweepView(), u"Resume"_s);
    ASSERT_TRUE(waitUntil([&] { return bench.session->sweep.table()->isComplete; }));
    const Json resumed = bench.asked("sweep").back();
    EXPECT_EQ(resumed["resume"], true);
    EXPECT_EQ(resumed["conditions"], "none,/p/mine.json");
    EXPECT_EQ(resumed["out"], folder.toStdString());
    EXPECT_TRUE(Workbench::noticeOn(page.sweepView()).isEmpty());
}

// Numbers of a table are whole, and those of one condition stand alone.
TEST(SweepWindow, TheTableIsOfTheChosenConditionAndCutsNoNumber)
{
    Workbench bench(engineScript());
    openSweep(bench);
    bench.window->resize(1440, 900);
    SweepView& view = bench.window->editPage().sweepView();
    const QString folder = bench.runFolder() + u"/sweep"_s;
    Json both = sweepAnswer("x");
    both["request"]["conditions"].push_back({{"name", "few-shot"}});
    Json other = row(nullptr, nullptr, 12, 12, 0);
    other["condition"] = "few-shot";
    both["rows"].push_back(other);
    write(folder + u"/sweep.json"_s, both.dump());
    bench.session->sweep.open(folder);
    ASSERT_TRUE(waitUntil([&] { return bench.session->sweep.table() && bench.session->sweep.table()->isComplete; }));
    view.showPart(SweepView::Table);
    auto* table = view.findChild<widgets::ValueTable*>();
    EXPECT_EQ(table->model()->rowCount(), 7) << "of the condition none";
    for (int column = 0; column < table->model()->columnCount(); ++column)
        for (int at = 0; at < 7; ++at) {
            const QModelIndex index = table->model()->index(at, column);
            const QFontMetrics metrics(index.data(Qt::FontRole).value<QFont>());
            EXPECT_LE(metrics.horizontalAdvance(index.data().toString()) + 24, table->columnWidth(column))
                << index.data().toString().toStdString();
        }
    auto* condition = view.findChild<QComboBox*>(QString(), Qt::FindChildrenRecursively);
    for (QComboBox* box : view.findChildren<QComboBox*>())
        if (box->accessibleName() == u"Condition"_s)
            condition = box;
    condition->setCurrentIndex(1);
    emit condition->activated(1);
    EXPECT_EQ(table->model()->rowCount(), 1);
    EXPECT_EQ(view.exported().table().rows.size(), 8U) << "what is written has every row";
}

// A folder that was opened is resumed with its own prompts, and where it knows a file by its name alone the user is
// asked for it; what it holds stays in view.
TEST(SweepWindow, AnOpenedFolderIsResumedWithItsOwnPrompts)
{
    Json script = engineScript();
    script["sweep"] = once(steps({result(sweepAnswer("x"))}));
    Workbench bench(script);
    openSweep(bench);
    const QString folder = bench.runFolder() + u"/sweep"_s;
    Json asked = request();
    asked["prompts"] = "few.jsonl";
    write(folder + u"/request.json"_s, asked.dump());
    write(folder + u"/rows/0_baseline.json"_s, sampleRows()[0].dump());
    SweepBoard& board = bench.session->sweep;
    board.open(folder);
    ASSERT_TRUE(waitUntil([&] { return board.isResumable() && board.table()->prompts == "few.jsonl"_L1; }));
    LabSettings settings = bench.session->editLab.settings();
    board.start(*board.spec(), settings, 3, true);
    EXPECT_FALSE(board.isRunning());
    EXPECT_TRUE(board.problem().contains(u"of the prompts in few.jsonl: choose that file"_s))
        << board.problem().toStdString();
    EXPECT_EQ(board.table()->rows.size(), 1U);
    EXPECT_TRUE(bench.asked("sweep").empty());
    settings.prompts = u"/p/few.jsonl"_s;
    board.start(*board.spec(), settings, 3, true);
    ASSERT_TRUE(waitUntil([&] { return board.table()->isComplete; }));
    EXPECT_EQ(bench.asked("sweep").back()["resume"], true);
}

TEST(SweepBoard, SaysInOneSentenceWhyAFolderCannotBeRead)
{
    QTemporaryDir folder;
    const QString file = folder.filePath(u"sweep.json"_s);
    for (const auto& [content, why] : {std::pair{std::string(), "sweep.json"},
                                       {std::string("{\"request\": {\"blo"), "sweep.json"},
                                       {std::string("\x7f"
                                                    "ELF\0\1",
                                                    6),
                                        "sweep.json"},
                                       {std::string("[1, 2]"), "sweep.json' holds no sweep: it names no blocks"},
                                       {std::string("{\"request\": 3}"), "sweep.json' holds no sweep: it names no"}}) {
        QFile made(file);
        ASSERT_TRUE(made.open(QIODevice::WriteOnly));
        made.write(content.data(), static_cast<qint64>(content.size()));
        made.close();
        try {
            (void)readSweepFolder(folder.path());
            ADD_FAILURE() << content;
        } catch (const Error& error) {
            EXPECT_THAT(error.what(), ::testing::HasSubstr(why));
            EXPECT_THAT(error.what(), ::testing::EndsWith("."));
        }
    }
    ASSERT_TRUE(QFile::resize(file, (qint64{64} << 20) + 1)); // sparse
    EXPECT_THROW((void)readSweepFolder(folder.path()), ResourceError);
    ASSERT_TRUE(QFile::remove(file));
    ASSERT_TRUE(QDir().mkpath(file)); // a folder in its place is none
    EXPECT_THROW((void)readSweepFolder(folder.path()), FileError);
}

}
