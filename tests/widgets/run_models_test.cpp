// The tables of runs, jobs, verdicts, failures and comparisons: models that keep Qt's rules, and what they say.
#include "widgets/compare_table.h"
#include "widgets/failure_table.h"
#include "widgets/job_table.h"
#include "widgets/number_text.h"
#include "widgets/run_table.h"
#include "widgets/theme.h"
#include "widgets/verdict_table.h"

#include <QAbstractItemModelTester>
#include <QCoreApplication>
#include <QHeaderView>
#include <QSignalSpy>
#include <QTest>

#include <gtest/gtest.h>

namespace blockcert::widgets {

namespace {

using namespace Qt::StringLiterals;

// Complaints become warnings, and warnings fail the test.
constexpr auto mode = QAbstractItemModelTester::FailureReportingMode::Warning;

std::string cell(const QAbstractItemModel& model, int row, int column)
{
    return model.index(row, column).data().toString().toStdString();
}

JobRow job(qint64 id, StepState state)
{
    JobRow row;
    row.id = id;
    row.title = u"Certify all blocks"_s;
    row.state = state;
    row.stage = u"replay"_s;
    row.done = 30;
    row.total = 120;
    row.unit = u"cells"_s;
    row.rate = 7.5;
    row.etaSeconds = 12;
    row.elapsedSeconds = 4;
    row.memoryBytes = 612e6;
    return row;
}

RunRow run(const QString& name, RunRow::State state, double epsilon)
{
    RunRow row;
    row.path = u"/runs/"_s + name;
    row.name = name;
    row.state = state;
    row.model = u"tiny"_s;
    row.prompts = u"base"_s;
    row.baselineDtype = u"F32"_s;
    row.blocks = 30;
    row.certified = 29;
    row.epsilon = epsilon;
    row.changed = static_cast<qint64>(epsilon * 1e6);
    return row;
}

}

TEST(JobTable, KeepsTheCurrentJobWhileOthersComeAndGo)
{
    JobTable table;
    const QAbstractItemModelTester tester(table.model(), mode);
    table.setRows({job(1, StepState::Running)});
    ASSERT_TRUE(table.currentJob());
    table.setRows({job(2, StepState::Running), job(1, StepState::Done)});
    EXPECT_EQ(table.currentJob()->id, 1);
    table.setRows({job(2, StepState::Done), job(1, StepState::Done)});
    EXPECT_EQ(table.currentJob()->id, 1);
    table.setRows({job(2, StepState::Done)});
    EXPECT_EQ(table.currentJob()->id, 2);
    table.setRows({});
    EXPECT_FALSE(table.currentJob());
}

TEST(JobTableModel, SaysHowFarHowFastAndHowLongStill)
{
    JobTableModel model;
    model.setRows({job(1, StepState::Running), job(2, StepState::Done)});
    EXPECT_EQ(cell(model, 0, JobTableModel::Progress), "30 of 120 cells");
    EXPECT_EQ(cell(model, 0, JobTableModel::Rate), "7.50 cells/s");
    EXPECT_EQ(cell(model, 0, JobTableModel::Left), "about " + durationText(12).toStdString());
    EXPECT_EQ(cell(model, 1, JobTableModel::Left), "–") << "what has ended has nothing left";
    EXPECT_EQ(cell(model, 0, JobTableModel::Memory), bytesText(612'000'000).toStdString());
    EXPECT_EQ(cell(model, 1, JobTableModel::Memory), "–") << "nor takes any memory";
    EXPECT_DOUBLE_EQ(model.index(0, JobTableModel::Progress).data(JobTableModel::FractionRole).toDouble(), 0.25);
}

TEST(RunTable, NothingIsScrolledSideways)
{
    RunTable table;
    RunRow noted;
    noted.note = QStringLiteral("to be measured again");
    noted.tags = {QStringLiteral("paper")};
    table.setRows({noted});
    for (const int width : {640, 1000, 1600}) {
        table.resize(width, 300);
        table.show();
        QCoreApplication::processEvents();
        int used = 0;
        for (int column = 0; column < RunTableModel::ColumnCount; ++column)
            used += table.isColumnHidden(column) ? 0 : table.columnWidth(column);
        EXPECT_LE(used, table.viewport()->width()) << width;
        EXPECT_TRUE(width > 640 || table.isColumnHidden(RunTableModel::Note));
        EXPECT_TRUE(width < 1600 || !table.isColumnHidden(RunTableModel::Note));
    }
}

TEST(RunTable, NamesHaveTheRoomOfColumnsInWhichNothingIsWritten)
{
    RunRow row;
    row.name = QStringLiteral("SmolLM2-135M-Instruct.Q4_1-stress-fp32-2");
    row.model = QStringLiteral("SmolLM2-135M-Instruct.Q4_1");
    row.surrogate = QStringLiteral("low-rank:64");
    row.prompts = QStringLiteral("stress");
    row.baselineDtype = QStringLiteral("F32");
    RunTable table;
    table.setRows({row});
    table.resize(1000, 300); // in a window of 1440 pixels
    table.show();
    QCoreApplication::processEvents();
    EXPECT_TRUE(table.isColumnHidden(RunTableModel::Tags));
    EXPECT_TRUE(table.isColumnHidden(RunTableModel::Note));
    const QFontMetrics metrics(textFont(TextSize::Secondary));
    for (const int column : {RunTableModel::Name, RunTableModel::Surrogate, RunTableModel::Prompts})
        EXPECT_GE(table.columnWidth(column),
                  metrics.horizontalAdvance(table.model()->index(0, column).data().toString()) + 16)
            << column;
    for (int column = 0; column < RunTableModel::ColumnCount; ++column)
        EXPECT_TRUE(table.isColumnHidden(column) ||
                    table.columnWidth(column) >= table.horizontalHeader()->sectionSizeHint(column))
            << "a header is cut: " << column;
}

TEST(RunTable, TellsRunsApartByTheirSurrogates)
{
    RunTable table;
    std::vector<RunRow> rows{run(u"a"_s, RunRow::State::Verified, 0.1), run(u"b"_s, RunRow::State::Verified, 0.2)};
    rows[0].surrogate = u"exact"_s;
    rows[1].surrogate = u"low-rank:64:attn, drop-rope"_s;
    table.setRows(rows);
    RunTableModel model;
    model.setRows(rows);
    EXPECT_EQ(cell(model, 0, RunTableModel::Surrogate), "exact");
    EXPECT_EQ(cell(model, 1, RunTableModel::Surrogate), "low rank 64 (attn), drop-rope");
    table.setSearch(u"rank 64"_s);
    EXPECT_EQ(table.shownRuns(), 1);
    table.resize(1100, 300);
    table.show();
    QCoreApplication::processEvents();
    EXPECT_FALSE(table.isColumnHidden(RunTableModel::Surrogate));
}

TEST(RunTable, FindsByEveryWordAndKeepsTheChosenRun)
{
    RunTable table;
    const QAbstractItemModelTester tester(table.model(), mode);
    std::vector<RunRow> rows{run(u"stress-fp32"_s, RunRow::State::Verified, 0.014),
                             run(u"base-bf16"_s, RunRow::State::Failed, 2.5)};
    rows[1].tags = {u"paper"_s};
    rows[1].note = u"made for table 1"_s;
    table.setRows(rows);
    table.setCurrent(u"/runs/base-bf16"_s);
    table.setSearch(u"table PAPER"_s);
    EXPECT_EQ(table.shownRuns(), 1);
    ASSERT_NE(table.current(), nullptr);
    EXPECT_EQ(table.current()->name, u"base-bf16"_s);
    table.setSearch(u"table nothing"_s);
    EXPECT_EQ(table.shownRuns(), 0);
    table.setSearch({});
    std::swap(rows[0], rows[1]);
    table.setCurrent(u"/runs/stress-fp32"_s);
    table.setRows(rows);
    ASSERT_NE(table.current(), nullptr);
    EXPECT_EQ(table.current()->name, u"stress-fp32"_s);
}

TEST(RunTableModel, OnlyWhatWasCheckedHereHasATick)
{
    RunTableModel model;
    model.setRows({run(u"a"_s, RunRow::State::Unverified, 1), run(u"b"_s, RunRow::State::Verified, 1),
                   run(u"c"_s, RunRow::State::Unchanged, 1)});
    const auto state = [&model](int row) {
        return static_cast<Mark>(model.index(row, RunTableModel::State).data(RunTableModel::StateRole).toInt());
    };
    EXPECT_EQ(state(0), Mark::NotChecked);
    EXPECT_EQ(state(1), Mark::Verified);
    EXPECT_EQ(state(2), Mark::Unchanged) << "its digests alone";
    EXPECT_EQ(cell(model, 2, RunTableModel::State), "unchanged");
    EXPECT_EQ(cell(model, 0, RunTableModel::Blocks), "29 of 30");
}

TEST(VerdictTable, SortsWhatNeedsAttentionFirst)
{
    VerdictTable table;
    const QAbstractItemModelTester tester(table.model(), mode);
    VerdictRow good;
    good.name = u"good"_s;
    good.progress = StepState::Done;
    good.state = CheckState::Verified;
    VerdictRow bad = good;
    bad.name = u"bad"_s;
    bad.state = CheckState::Failed;
    bad.failed = 2;
    VerdictRow waiting;
    waiting.name = u"waiting"_s;
    VerdictRow unreadable;
    unreadable.name = u"unreadable"_s;
    unreadable.progress = StepState::Failed;
    table.setRows({good, waiting, unreadable, bad});
    table.sortByColumn(VerdictTableModel::Verdict, Qt::AscendingOrder);
    QStringList order;
    for (int row = 0; row < table.model()->rowCount(); ++row)
        order << table.model()->index(row, VerdictTableModel::Run).data().toString();
    EXPECT_EQ(order, (QStringList{u"bad"_s, u"unreadable"_s, u"good"_s, u"waiting"_s}));
    QSignalSpy spy(&table, &VerdictTable::rowActivated);
    emit table.activated(table.model()->index(0, 0));
    EXPECT_EQ(spy.value(0).value(0).toInt(), 3) << "the position in the list, not in the table";
}

TEST(VerdictTable, ATickNamesALevelThatRecomputesNothing)
{
    VerdictTableModel model;
    VerdictRow row;
    row.progress = StepState::Done;
    row.state = CheckState::Verified;
    row.level = 1;
    model.setRows({row});
    const auto mark = [&model] {
        return static_cast<Mark>(model.index(0, VerdictTableModel::Verdict).data(VerdictTableModel::StateRole).toInt());
    };
    EXPECT_EQ(cell(model, 0, VerdictTableModel::Verdict), "Unchanged");
    EXPECT_EQ(mark(), Mark::Unchanged);
    row.level = 2;
    model.setRow(0, row);
    EXPECT_EQ(cell(model, 0, VerdictTableModel::Verdict), "Verified at level 2");
    EXPECT_EQ(mark(), Mark::Verified);
    row.level = 3;
    model.setRow(0, row);
    EXPECT_EQ(cell(model, 0, VerdictTableModel::Verdict), "Verified");
}

TEST(FailureTable, FiltersByFacetAndShowsWorstFirst)
{
    FailureTable table;
    const QAbstractItemModelTester tester(table.model(), mode);
    auto rows = std::make_shared<std::vector<FailureRow>>();
    rows->push_back({FailureReason::Error, {11, 0, 0}, u"p"_s, u"A"_s, 0.02, 0.01, true, 1, {}});
    rows->push_back({FailureReason::LossDifference, {28, 1, 3}, u"q"_s, u"B"_s, 0.5, 0.001, false, 2, {}});
    table.setRows(rows);
    ASSERT_EQ(table.shownFailures(), 2);
    EXPECT_EQ(table.model()->index(0, FailureTableModel::Block).data().toString(), u"28"_s);
    FailureFilter filter;
    filter.onlyMassive = true;
    table.setFilter(filter);
    EXPECT_EQ(table.shownFailures(), 1);
    filter = {};
    filter.onlyUnmarked = true;
    table.setFilter(filter);
    table.setMarks([](const CellKey& key) { return key.block == 28 ? u"expected"_s : QString(); });
    EXPECT_EQ(table.shownFailures(), 1);
    QSignalSpy spy(&table, &FailureTable::failureChosen);
    table.step(1);
    ASSERT_EQ(spy.size(), 1);
    EXPECT_EQ(spy[0][0].value<CellKey>(), (CellKey{11, 0, 0}));
}

TEST(CompareTableModel, SaysWhatIsWorseAndWhatIsNotThere)
{
    CompareTableModel model;
    const QAbstractItemModelTester tester(&model, mode);
    BlockRow a;
    a.state = BlockState::Certified;
    a.epsilon = 0.01;
    a.activationCoverage = 1;
    BlockRow b = a;
    b.epsilon = 0.03;
    b.activationCoverage = 0.5;
    b.state = BlockState::NotCertified;
    model.setRows({{0, a, b}, {1, a, std::nullopt}}, false);
    EXPECT_EQ(cell(model, 0, CompareTableModel::EpsilonDelta), "+0.0200");
    EXPECT_TRUE(model.index(0, CompareTableModel::EpsilonDelta).data(CompareTableModel::WorseRole).toBool());
    EXPECT_TRUE(model.index(0, CompareTableModel::CertifiedB).data(CompareTableModel::WorseRole).toBool());
    EXPECT_EQ(cell(model, 1, CompareTableModel::EpsilonDelta), "–") << "of what is not there nothing is known";
    EXPECT_EQ(cell(model, 1, CompareTableModel::CertifiedB), "not there");
    model.setRows({}, false);
    EXPECT_EQ(model.rowCount(), 0);
}

}
