#include "widgets/block_table.h"
#include "widgets/check_list.h"
#include "widgets/compare_table.h"
#include "widgets/gallery/samples.h"
#include "widgets/progress_list.h"
#include "widgets/prompt_table.h"
#include "widgets/tensor_table.h"

#include <QAbstractItemModelTester>
#include <QSignalSpy>
#include <QTest>

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace blockcert::widgets {

namespace {

// Complaints become warnings, and warnings fail the test.
constexpr auto mode = QAbstractItemModelTester::FailureReportingMode::Warning;

std::string cell(const QAbstractItemModel& model, int row, int column)
{
    return model.index(row, column).data().toString().toStdString();
}

}

TEST(BlockTableModel, IsAModel)
{
    BlockTableModel model;
    const QAbstractItemModelTester tester(&model, mode);
    model.setRows(samples::blockRows());
    EXPECT_EQ(model.rowCount(), 30);
    model.setRows(samples::blockRows()); // the same blocks again: changed, not reset
    model.setRows(nullptr);
    EXPECT_EQ(model.rowCount(), 0);
}

TEST(BlockTableModel, ShowsThreeDigitsAndExplainsAllOfThem)
{
    BlockTableModel model;
    model.setRows(samples::blockRows());
    EXPECT_EQ(cell(model, 11, BlockTableModel::Epsilon), "0.0142");
    const QString whole = model.index(11, BlockTableModel::Epsilon).data(Qt::ToolTipRole).toString();
    EXPECT_TRUE(whole.contains(QStringLiteral("0.014217093"))) << whole.toStdString();
    EXPECT_EQ(cell(model, 11, BlockTableModel::Worst), "prompt 4 · token 0 “Review”");
}

TEST(BlockTable, ANarrowWindowKeepsWhetherABlockIsCertified)
{
    BlockTable table;
    table.setRows(std::make_shared<const std::vector<BlockRow>>(std::vector<BlockRow>(3)));
    for (const int width : {420, 560, 800, 1400}) {
        table.resize(width, 300);
        table.show();
        QCoreApplication::processEvents();
        int used = 0;
        for (int column = 0; column < BlockTableModel::ColumnCount; ++column)
            used += table.isColumnHidden(column) ? 0 : table.columnWidth(column);
        EXPECT_LE(used, table.viewport()->width()) << width;
        EXPECT_FALSE(table.isColumnHidden(BlockTableModel::Certified)) << width;
        EXPECT_TRUE(width < 1400 || !table.isColumnHidden(BlockTableModel::Worst));
    }
}

namespace {

Mark mark(const BlockTableModel& model, int row)
{
    return static_cast<Mark>(model.index(row, BlockTableModel::Certified).data(BlockTableModel::StateRole).toInt());
}

}

TEST(BlockTableModel, AStateHasShapeAndWord)
{
    BlockTableModel model;
    model.setRows(samples::blockRows());
    EXPECT_EQ(cell(model, 0, BlockTableModel::Certified), "claimed") << "nobody has checked it";
    RunVerdict verdict;
    verdict.state = CheckState::Verified;
    verdict.level = 4;
    verdict.lossBlocks = {0};
    model.setVerdict(verdict);
    EXPECT_EQ(cell(model, 0, BlockTableModel::Certified), "yes");
    EXPECT_EQ(mark(model, 0), Mark::Verified);
    EXPECT_EQ(cell(model, 17, BlockTableModel::Certified), "no");
    EXPECT_EQ(mark(model, 17), Mark::WeakerThanPolicy);
    EXPECT_EQ(cell(model, 29, BlockTableModel::Certified), "running");
    EXPECT_EQ(mark(model, 29), Mark::NotChecked);
}

TEST(BlockTableModel, NoFullTickStandsForLossesThatNobodyRecomputed)
{
    BlockTableModel model;
    std::vector<BlockRow> rows(2);
    rows[0].state = rows[1].state = BlockState::Certified;
    rows[0].lossCoverage = 0.99;
    rows[1].block = 1; // measured without losses: nothing rests on them
    model.setRows(std::make_shared<const std::vector<BlockRow>>(rows));
    RunVerdict verdict;
    verdict.state = CheckState::Verified;
    verdict.level = 3;
    model.setVerdict(verdict);
    const QModelIndex certified = model.index(0, BlockTableModel::Certified);
    EXPECT_EQ(mark(model, 0), Mark::ButLosses);
    EXPECT_EQ(cell(model, 0, BlockTableModel::Certified), "losses claimed");
    for (const int role : {static_cast<int>(Qt::ToolTipRole), static_cast<int>(Qt::AccessibleTextRole)})
        EXPECT_TRUE(certified.data(role).toString().contains(QStringLiteral("Level 4 recomputes them"))) << role;
    EXPECT_EQ(mark(model, 1), Mark::Verified);
    EXPECT_EQ(cell(model, 1, BlockTableModel::Certified), "yes");
    verdict.level = 4; // of a baseline whose rounding is larger than what losses are held against
    model.setVerdict(verdict);
    EXPECT_EQ(mark(model, 0), Mark::ButLosses);
    EXPECT_TRUE(certified.data(Qt::ToolTipRole).toString().contains(QStringLiteral("could not be told")));
}

TEST(BlockTableModel, WhatIsMissingIsADash)
{
    BlockTableModel model;
    model.setRows(samples::blockRows());
    EXPECT_EQ(cell(model, 29, BlockTableModel::Loss), "–");
}

TEST(BlockTableModel, FindingsAreSentences)
{
    EXPECT_EQ(findingText({QStringLiteral("activation_coverage_below"), {}, 0.0, 0.94}),
              QStringLiteral("Activation coverage 0 is below 0.94"));
    EXPECT_EQ(findingText(
                  {QStringLiteral("loss_coverage_missing"), QStringLiteral("losses were not measured"), missing, 0.9}),
              QStringLiteral("No loss coverage: losses were not measured"));
    EXPECT_FALSE(findingText({QStringLiteral("some_new_code"), {}, missing, missing}).contains(u'_'));
}

TEST(BlockTable, MissingNumbersComeLastInBothDirections)
{
    BlockTable table;
    table.setRows(samples::blockRows());
    for (const Qt::SortOrder order : {Qt::AscendingOrder, Qt::DescendingOrder}) {
        table.sortByColumn(BlockTableModel::Loss, order);
        EXPECT_EQ(cell(*table.model(), 29, BlockTableModel::Block), "29");
    }
    table.sortByColumn(BlockTableModel::Epsilon, Qt::DescendingOrder);
    EXPECT_EQ(cell(*table.model(), 0, BlockTableModel::Block), "11");
}

TEST(BlockTable, SelectionFollowsTheBlockAndIsKeptWhileNumbersArrive)
{
    BlockTable table;
    QSignalSpy selected(&table, &BlockTable::blockSelected);
    table.setRows(samples::blockRows());
    table.setCurrentBlock(17);
    EXPECT_EQ(table.currentBlock(), 17);
    EXPECT_EQ(selected.count(), 0) << "set by the window, not by the user";
    table.sortByColumn(BlockTableModel::Epsilon, Qt::DescendingOrder);
    table.setRows(samples::blockRows());
    EXPECT_EQ(table.currentBlock(), 17);
    table.selectRow(0);
    ASSERT_EQ(selected.count(), 1);
    EXPECT_EQ(selected[0][0].toInt(), 11);
}

TEST(BlockTable, ReturnGoesToTheWorstToken)
{
    BlockTable table;
    table.resize(900, 300);
    table.setRows(samples::blockRows());
    table.setCurrentBlock(11);
    QSignalSpy worst(&table, &BlockTable::worstActivated);
    QTest::keyClick(&table, Qt::Key_Return);
    ASSERT_EQ(worst.count(), 1);
    EXPECT_EQ(worst[0][0].value<CellKey>(), (CellKey{11, 4, 0}));
}

TEST(BlockTable, ShowsHowTwoRunsDifferInTheSameColumns)
{
    const auto row = [](int block, double epsilon, double activation, BlockState state) {
        BlockRow one;
        one.block = block;
        one.epsilon = epsilon;
        one.activationCoverage = activation;
        one.lossCoverage = missing;
        one.state = state;
        return one;
    };
    auto changes = std::make_shared<std::vector<ComparedBlock>>();
    changes->push_back({0, row(0, 0.01, 1, BlockState::Certified), row(0, 0.03, 0.5, BlockState::NotCertified)});
    changes->push_back({1, row(1, 0.02, 1, BlockState::Certified), row(1, 0.01, 1, BlockState::Certified)});
    changes->push_back({2, row(2, 0.02, 1, BlockState::Certified), std::nullopt});
    changes->push_back({3, row(3, 0.02, 1, BlockState::Certified), row(3, 0.1, 1, BlockState::Certified)});
    changes->front().changeAt = {0, 4, 2};
    changes->front().largestChange = 0.02;

    BlockTable table;
    table.resize(1200, 300);
    QSignalSpy selected(&table, &BlockTable::blockSelected);
    table.setRows(samples::blockRows());
    table.sortByColumn(BlockTableModel::Epsilon, Qt::DescendingOrder);
    table.setCurrentBlock(1);
    table.setChanges(changes);
    const QAbstractItemModelTester tester(table.model(), mode);
    const QAbstractItemModel& model = *table.model();
    ASSERT_EQ(model.rowCount(), 4);
    EXPECT_EQ(table.currentBlock(), 1) << "the block stays chosen";
    EXPECT_EQ(selected.count(), 0);
    const auto at = [&model](int line, int column) { return cell(model, line, column); };
    EXPECT_EQ(at(0, BlockTableModel::Block), "3") << "sorted by the difference, largest first";
    EXPECT_EQ(at(0, BlockTableModel::Epsilon), "+0.0800");
    EXPECT_EQ(at(1, BlockTableModel::Activation), "−0.500");
    EXPECT_EQ(at(1, BlockTableModel::Certified), "yes → no");
    EXPECT_EQ(at(2, BlockTableModel::Epsilon), "−0.0100");
    EXPECT_EQ(at(2, BlockTableModel::Certified), "yes in both");
    EXPECT_EQ(at(2, BlockTableModel::Loss), "–");
    EXPECT_TRUE(model.index(2, BlockTableModel::Loss)
                    .data(Qt::ToolTipRole)
                    .toString()
                    .contains(QStringLiteral("Measured in neither run")));
    EXPECT_EQ(at(3, BlockTableModel::Block), "2") << "what is not in both comes last";
    EXPECT_EQ(at(3, BlockTableModel::Epsilon), "–");
    EXPECT_TRUE(model.index(3, BlockTableModel::Epsilon)
                    .data(Qt::ToolTipRole)
                    .toString()
                    .contains(QStringLiteral("Block 2 is in A and not in B")));
    EXPECT_EQ(model.headerData(BlockTableModel::Mae, Qt::Horizontal).toString().toStdString(), "Δ MAE");
    EXPECT_FALSE(model.index(1, BlockTableModel::Epsilon).data(Qt::ForegroundRole).isNull()) << "worse in B";
    EXPECT_TRUE(model.index(2, BlockTableModel::Epsilon).data(Qt::ForegroundRole).isNull());
    QSignalSpy worst(&table, &BlockTable::worstActivated);
    table.setCurrentBlock(0);
    QTest::keyClick(&table, Qt::Key_Return);
    ASSERT_EQ(worst.count(), 1);
    EXPECT_EQ(worst[0][0].value<CellKey>(), (CellKey{0, 4, 2}));
    table.setRows(samples::blockRows());
    EXPECT_EQ(cell(*table.model(), 0, BlockTableModel::Epsilon), "0.0142") << "of one run again";
}

TEST(CheckListModel, IsAModel)
{
    CheckListModel model;
    const QAbstractItemModelTester tester(&model, mode);
    model.setVerdict(samples::verified());
    model.setVerdict(samples::failed());
    model.setVerdict(nullptr);
}

TEST(CheckListModel, GroupsChecksInTheOrderOfTheVerdict)
{
    CheckListModel model;
    model.setVerdict(samples::verified());
    ASSERT_EQ(model.rowCount(), 5);
    EXPECT_EQ(cell(model, 0, 0), "Integrity");
    EXPECT_EQ(cell(model, 2, 0), "Re-evaluation");
    EXPECT_EQ(model.rowCount(model.index(2, 0)), 5);
}

TEST(CheckListModel, ACheckOfAnUnknownGroupIsStillShown)
{
    auto verdict = std::make_shared<VerdictView>(*samples::verified());
    verdict->checks.push_back(verdict->checks.front());
    verdict->checks.back().group = QStringLiteral("weather");
    CheckListModel model;
    model.setVerdict(verdict);
    ASSERT_EQ(model.rowCount(), 6);
    EXPECT_EQ(cell(model, 5, 0), "weather");
    int checks = 0;
    for (int group = 0; group < model.rowCount(); ++group)
        checks += model.rowCount(model.index(group, 0));
    EXPECT_EQ(checks, static_cast<int>(verdict->checks.size()));
}

TEST(CheckListModel, ATickBesideTwoNumbersSaysThatTheyAgreeWithinWhatIsAllowed)
{
    const auto howOf = [](CheckState state, const QString& issuer, const QString& recomputed) {
        VerdictView verdict;
        verdict.checks.push_back({QStringLiteral("replay.error"),
                                  QStringLiteral("re-evaluation"),
                                  {},
                                  {},
                                  state,
                                  issuer,
                                  recomputed,
                                  QStringLiteral("replayed"),
                                  {},
                                  true});
        CheckListModel model;
        model.setVerdict(std::make_shared<const VerdictView>(verdict));
        const QModelIndex group = model.index(0, 0);
        return model.index(0, CheckListModel::How, group).data().toString().toStdString();
    };
    EXPECT_EQ(howOf(CheckState::Verified, QStringLiteral("1e-5"), QStringLiteral("1.1e-5")),
              "replayed, differs within what is allowed");
    EXPECT_EQ(howOf(CheckState::Verified, QStringLiteral("1e-5"), QStringLiteral("1e-5")), "replayed");
    EXPECT_EQ(howOf(CheckState::Failed, QStringLiteral("1e-5"), QStringLiteral("2e-5")), "replayed");
    EXPECT_EQ(howOf(CheckState::Verified, QStringLiteral("30 blocks"), QStringLiteral("30 certificates")), "replayed");
}

TEST(CheckListModel, NothingRecomputedIsADashAndFindsNoDifference)
{
    CheckListModel model;
    model.setVerdict(samples::verified());
    const QModelIndex losses = model.index(4, 0, model.index(2, 0));
    EXPECT_EQ(losses.siblingAtColumn(CheckListModel::Recomputed).data().toString().toStdString(), "–");
    EXPECT_EQ(losses.data(CheckListModel::DifferenceRole).toInt(), -1);
}

TEST(CheckListModel, AFailedNumberMarksItsFirstDifferingDigit)
{
    CheckListModel model;
    model.setVerdict(samples::failed());
    const QModelIndex epsilon = model.index(0, 0, model.index(2, 0));
    EXPECT_EQ(epsilon.data(CheckListModel::DifferenceRole).toInt(), 5); // 0.014|0… and 0.014|2…
}

TEST(CheckList, OpensWhatWantsAttentionAndKeepsWhatTheUserClosed)
{
    CheckList list;
    list.resize(900, 600);
    list.setVerdict(samples::failed());
    const auto weights = [&] { return list.model()->index(1, 0, list.model()->index(0, 0)); };
    const auto signature = [&] { return list.model()->index(0, 0, list.model()->index(4, 0)); };
    EXPECT_TRUE(list.isExpanded(weights()));
    EXPECT_FALSE(list.isExpanded(signature())) << "not required at this level";
    list.collapse(weights());
    list.setVerdict(samples::failed());
    EXPECT_FALSE(list.isExpanded(weights()));
}

TEST(CheckList, KnowsTheHeightOfItsContent)
{
    CheckList list;
    list.resize(900, 600);
    list.setVerdict(samples::verified());
    const int closed = list.contentHeight();
    EXPECT_GT(closed, 12 * 26);
    list.expand(list.model()->index(0, 0, list.model()->index(0, 0)));
    EXPECT_GT(list.contentHeight(), closed);
}

TEST(PromptTableModel, IsAModel)
{
    PromptTableModel model;
    const QAbstractItemModelTester tester(&model, mode);
    model.setPrompts(samples::promptList());
    EXPECT_EQ(model.rowCount(), 10);
    EXPECT_EQ(cell(model, 1, PromptTableModel::TokenCount), "17 of 29") << "a cut prompt says so in words";
}

TEST(PromptTable, HidesColumnsWithoutContent)
{
    PromptTable table;
    table.setPrompts(samples::promptList());
    EXPECT_TRUE(table.isColumnHidden(PromptTableModel::Problem));
    EXPECT_FALSE(table.isColumnHidden(PromptTableModel::Tags));
}

TEST(TensorTableModel, IsAModel)
{
    TensorTableModel model;
    const QAbstractItemModelTester tester(&model, mode);
    model.setCard(samples::modelCard());
    EXPECT_EQ(model.rowCount(), 272);
    EXPECT_EQ(cell(model, 0, TensorTableModel::Shape), "49152 × 576");
}

TEST(TensorTable, KeepsTheFilesOrderUntilAskedAndSearchesNameRoleAndType)
{
    TensorTable table;
    table.setCard(samples::modelCard());
    EXPECT_EQ(cell(*table.model(), 0, 0), "token_embd.weight");
    table.setFilter(QStringLiteral("q8_0"));
    EXPECT_EQ(table.shownTensors(), 1);
    table.setFilter(QStringLiteral("ffn_gate"));
    EXPECT_EQ(table.shownTensors(), 30);
    table.setFilter(QString());
    table.sortByColumn(TensorTableModel::Bytes, Qt::DescendingOrder);
    EXPECT_EQ(cell(*table.model(), 0, 0), "token_embd.weight");
    EXPECT_EQ(cell(*table.model(), 271, TensorTableModel::DType), "F32");
}

TEST(ProgressModel, IsAModelThatGrows)
{
    ProgressModel model;
    const QAbstractItemModelTester tester(&model, mode);
    auto growing = std::make_shared<RunProgress>(*samples::progress());
    growing->rows.resize(3);
    model.setProgress(growing);
    QSignalSpy inserted(&model, &QAbstractItemModel::rowsInserted);
    QSignalSpy changed(&model, &QAbstractItemModel::dataChanged);
    auto more = std::make_shared<RunProgress>(*samples::progress());
    more->rows[1].done /= 2;
    model.setProgress(more);
    EXPECT_EQ(model.rowCount(), 14);
    EXPECT_EQ(inserted.count(), 1);
    EXPECT_EQ(changed.count(), 1) << "only the row that changed is announced";
    model.setProgress(nullptr);
    EXPECT_EQ(model.rowCount(), 0);
}

TEST(ProgressList, SummarisesWithARangeForTheTimeLeft)
{
    EXPECT_EQ(ProgressList::summary(*samples::progress()).toStdString(),
              "87 of 300 cells · 41 s · 2.10 cells/s · about 2–3 min left");
    RunProgress done = *samples::progress();
    done.state = StepState::Cancelled;
    EXPECT_EQ(ProgressList::summary(done).toStdString(), "87 of 300 cells · 41 s · cancelled");
    EXPECT_EQ(ProgressList::summary(done, QStringLiteral("paused")).toStdString(), "87 of 300 cells · 41 s · paused");
}

}
