#include "widgets/gallery/samples.h"
#include "widgets/theme.h"
#include "widgets/token_heatmap.h"

#include <QAccessible>
#include <QApplication>
#include <QClipboard>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QScrollBar>
#include <QSignalSpy>
#include <QTest>

#include <gtest/gtest.h>

namespace blockcert::widgets {

namespace {

class HeatmapTest : public testing::Test {
protected:
    HeatmapTest()
    {
        heatmap.resize(900, 600);
        heatmap.setMap(samples::tokenMap());
        heatmap.setPrompt(4);
        heatmap.show();
    }

    [[nodiscard]] QPoint centreOf(const CellKey& key) const { return heatmap.rectOf(key).center().toPoint(); }

    void press(Qt::Key key, Qt::KeyboardModifiers modifiers = Qt::NoModifier)
    {
        QTest::keyClick(&heatmap, key, modifiers);
    }

    TokenHeatmap heatmap;
};

}

TEST_F(HeatmapTest, EveryShownCellIsHitInItsMiddle)
{
    for (int block = 0; block < 30; ++block)
        for (int token = 0; token < 8; ++token) {
            const CellKey key{block, 4, token};
            EXPECT_EQ(heatmap.cellAt(QPointF(centreOf(key))), key);
        }
}

TEST_F(HeatmapTest, LabelsAndMarginalsAreNoCells)
{
    EXPECT_FALSE(heatmap.cellAt({2, 200}));
    EXPECT_FALSE(heatmap.cellAt({400, 3}));
    EXPECT_FALSE(heatmap.cellAt({899, 599}));
}

TEST_F(HeatmapTest, AClickHoldsACellAndEscapeReleasesIt)
{
    QSignalSpy held(&heatmap, &TokenHeatmap::heldChanged);
    const CellKey key{11, 4, 3};
    QTest::mouseClick(heatmap.viewport(), Qt::LeftButton, {}, centreOf(key));
    EXPECT_TRUE(heatmap.isHeld());
    EXPECT_EQ(heatmap.held(), key);
    EXPECT_EQ(heatmap.current(), key);
    press(Qt::Key_Escape);
    EXPECT_FALSE(heatmap.isHeld());
    EXPECT_EQ(heatmap.current(), key); // the cursor stays where it was
    EXPECT_EQ(held.count(), 2);
}

TEST_F(HeatmapTest, AClickBesideTheCellsReleases)
{
    heatmap.hold({11, 4, 3});
    QTest::mouseClick(heatmap.viewport(), Qt::LeftButton, {}, QPoint(3, 300));
    EXPECT_FALSE(heatmap.isHeld());
}

TEST_F(HeatmapTest, EscapeIsLeftToTheWindowWhenNothingIsHeld)
{
    QKeyEvent event(QEvent::KeyPress, Qt::Key_Escape, Qt::NoModifier);
    QApplication::sendEvent(&heatmap, &event);
    EXPECT_FALSE(event.isAccepted());
}

TEST_F(HeatmapTest, ArrowKeysMoveTheCursorAndStopAtTheEdges)
{
    heatmap.setCurrent({0, 4, 0});
    press(Qt::Key_Right);
    press(Qt::Key_Down);
    EXPECT_EQ(heatmap.current(), (CellKey{1, 4, 1}));
    press(Qt::Key_Left);
    press(Qt::Key_Left);
    press(Qt::Key_Up);
    press(Qt::Key_Up);
    EXPECT_EQ(heatmap.current(), (CellKey{0, 4, 0}));
    press(Qt::Key_End);
    EXPECT_EQ(heatmap.current().block, 29);
    press(Qt::Key_End, Qt::ControlModifier);
    const int last = static_cast<int>(heatmap.map()->prompts[4].tokens.size()) - 1;
    EXPECT_EQ(heatmap.current(), (CellKey{29, 4, last}));
    press(Qt::Key_Home, Qt::ControlModifier);
    EXPECT_EQ(heatmap.current(), (CellKey{0, 4, 0}));
}

TEST_F(HeatmapTest, TheCursorIsScrolledIntoView)
{
    heatmap.resize(900, 220);
    const int last = static_cast<int>(heatmap.map()->prompts[4].tokens.size()) - 1;
    heatmap.setCurrent({0, 4, last});
    EXPECT_GT(heatmap.verticalScrollBar()->value(), 0);
    EXPECT_TRUE(QRectF(heatmap.viewport()->rect()).contains(heatmap.rectOf({0, 4, last})));
}

TEST_F(HeatmapTest, ArrowKeysStepOverTheHeadingsBetweenPrompts)
{
    heatmap.setPrompt(std::nullopt);
    const int last = static_cast<int>(heatmap.map()->prompts[0].tokens.size()) - 1;
    heatmap.setCurrent({3, 0, last});
    press(Qt::Key_Down);
    EXPECT_EQ(heatmap.current(), (CellKey{3, 1, 0}));
    press(Qt::Key_Up);
    EXPECT_EQ(heatmap.current(), (CellKey{3, 0, last}));
    press(Qt::Key_Home, Qt::ControlModifier);
    EXPECT_EQ(heatmap.current(), (CellKey{0, 0, 0}));
}

TEST_F(HeatmapTest, NAndPVisitTheCellsAboveTheThreshold)
{
    heatmap.setCurrent({0, 4, 0});
    press(Qt::Key_N);
    EXPECT_EQ(heatmap.current(), (CellKey{11, 4, 0}));
    const CellKey first = heatmap.current();
    press(Qt::Key_N);
    EXPECT_NE(heatmap.current(), first);
    press(Qt::Key_P);
    EXPECT_EQ(heatmap.current(), first);
}

TEST_F(HeatmapTest, WithoutAFailureNothingIsVisited)
{
    heatmap.setMetric(Metric::Margin);
    EXPECT_FALSE(heatmap.visitUncovered(true));
}

TEST_F(HeatmapTest, AHeldCellFollowsTheKeyboard)
{
    heatmap.hold({5, 4, 5});
    press(Qt::Key_Right);
    EXPECT_EQ(heatmap.held(), (CellKey{6, 4, 5}));
}

TEST_F(HeatmapTest, EqualTokensAreDifferentRows)
{
    const auto& tokens = heatmap.map()->prompts[4].tokens;
    std::vector<int> the;
    for (std::size_t i = 0; i < tokens.size(); ++i)
        if (tokens[i].piece == QStringLiteral(" the"))
            the.push_back(static_cast<int>(i));
    ASSERT_GE(the.size(), 2U);
    EXPECT_EQ(heatmap.values().rows(), static_cast<int>(tokens.size()));
    EXPECT_NE(heatmap.rectOf({0, 4, the[0]}), heatmap.rectOf({0, 4, the[1]}));
}

TEST_F(HeatmapTest, CellsOfARunningJobArriveOneByOne)
{
    auto empty = std::make_shared<TokenMap>(*samples::tokenMap());
    std::fill(empty->cells.begin(), empty->cells.end(), nullptr);
    heatmap.setMap(empty);
    EXPECT_EQ(heatmap.values().step(0, 11), -1);
    const auto full = samples::tokenMap();
    heatmap.setCell(11, 4, full->cells[11 * full->prompts.size() + 4]);
    EXPECT_GE(heatmap.values().step(0, 11), ErrorScale::steps / 2);
    EXPECT_EQ(heatmap.values().step(0, 10), -1);
    EXPECT_EQ(empty->cells[11 * full->prompts.size() + 4], nullptr) << "the caller's map is not changed";
    heatmap.setCell(99, 4, full->cells[0]); // not a column of this map: ignored
    heatmap.setCell(3, -1, full->cells[0]);
}

TEST_F(HeatmapTest, AMapThatLosesTheHeldCellReleasesIt)
{
    heatmap.hold({29, 4, 2});
    QSignalSpy held(&heatmap, &TokenHeatmap::heldChanged);
    auto shorter = std::make_shared<TokenMap>(*samples::tokenMap());
    shorter->blocks.resize(10);
    shorter->cells.resize(10 * shorter->prompts.size());
    heatmap.setMap(shorter);
    EXPECT_FALSE(heatmap.isHeld());
    EXPECT_FALSE(heatmap.current().isValid());
    EXPECT_EQ(held.count(), 1);
}

TEST_F(HeatmapTest, WithoutAMapNothingHappens)
{
    heatmap.setMap(nullptr);
    press(Qt::Key_Down);
    press(Qt::Key_N);
    QTest::mouseClick(heatmap.viewport(), Qt::LeftButton, {}, QPoint(300, 200));
    EXPECT_FALSE(heatmap.current().isValid());
    EXPECT_EQ(heatmap.description().toStdString(), "No run is shown.");
    heatmap.grab();
}

TEST_F(HeatmapTest, FitShowsEveryRowWithoutScrolling)
{
    heatmap.setMap(samples::largeMap(2048, 32));
    heatmap.setPrompt(0);
    EXPECT_GT(heatmap.verticalScrollBar()->maximum(), 0);
    heatmap.zoomToFit();
    EXPECT_EQ(heatmap.verticalScrollBar()->maximum(), 0);
    heatmap.resize(900, 300);
    EXPECT_EQ(heatmap.verticalScrollBar()->maximum(), 0);
    heatmap.resetZoom();
    EXPECT_GT(heatmap.verticalScrollBar()->maximum(), 0);
}

TEST_F(HeatmapTest, ZoomingKeepsTheCellUnderThePointer)
{
    heatmap.setMap(samples::largeMap(400, 30));
    heatmap.setPrompt(0);
    heatmap.verticalScrollBar()->setValue(1500);
    const QPointF pointer(500, 320);
    const auto before = heatmap.cellAt(pointer);
    ASSERT_TRUE(before);
    QWheelEvent wheel(pointer, heatmap.viewport()->mapToGlobal(pointer), {}, QPoint(0, 120), Qt::NoButton,
                      Qt::ControlModifier, Qt::NoScrollPhase, false);
    QApplication::sendEvent(heatmap.viewport(), &wheel);
    const auto after = heatmap.cellAt(pointer);
    ASSERT_TRUE(after);
    EXPECT_LE(std::abs(after->token - before->token), 1); // scroll positions are whole pixels
    EXPECT_GT(heatmap.grid().cellHeight(), 18);
}

TEST_F(HeatmapTest, CopyGivesTheCellAsJsonWithoutInventedNumbers)
{
    const CellKey key{11, 4, 0};
    const QJsonObject object = QJsonDocument::fromJson(heatmap.cellJson(key).toUtf8()).object();
    EXPECT_EQ(object[QStringLiteral("error")].toDouble(), 0.014217093);
    EXPECT_TRUE(object[QStringLiteral("loss_base")].isNull()); // the first token is not predicted
    EXPECT_EQ(object[QStringLiteral("top_base")].toArray().size(), 5);
    heatmap.setPrompt(7);
    const QJsonObject absent = QJsonDocument::fromJson(heatmap.cellJson({29, 7, 1}).toUtf8()).object();
    EXPECT_TRUE(absent[QStringLiteral("error")].isNull());
}

TEST_F(HeatmapTest, TheDescriptionCountsFailuresAndNamesTheWorstCell)
{
    const std::string text = heatmap.description().toStdString();
    EXPECT_NE(text.find("930 cells measured"), std::string::npos) << text;
    EXPECT_NE(text.find("above τ_act = 0.01"), std::string::npos) << text;
    EXPECT_NE(text.find("0.0142 at prompt 4, token 0, block 11"), std::string::npos) << text;
}

TEST_F(HeatmapTest, ScreenReadersSeeATable)
{
    QAccessibleInterface* interface = QAccessible::queryAccessibleInterface(&heatmap);
    ASSERT_NE(interface, nullptr);
    EXPECT_EQ(interface->role(), QAccessible::Table);
    QAccessibleTableInterface* table = interface->tableInterface();
    ASSERT_NE(table, nullptr);
    EXPECT_EQ(table->rowCount(), static_cast<int>(heatmap.map()->prompts[4].tokens.size()));
    EXPECT_EQ(table->columnCount(), 30);
    EXPECT_EQ(table->columnDescription(11).toStdString(), "Block 11");
    QAccessibleInterface* cell = table->cellAt(0, 11);
    ASSERT_NE(cell, nullptr);
    EXPECT_EQ(cell->text(QAccessible::Name).toStdString(),
              "Token 0 “Review”, block 11: Error 0.014217093, above τ_act");
    EXPECT_EQ(interface->indexOfChild(cell), 11);
    EXPECT_EQ(interface->child(11), cell);
    heatmap.hold({11, 4, 0});
    EXPECT_TRUE(cell->state().selected);
    ASSERT_EQ(table->selectedCells().size(), 1);
    EXPECT_EQ(table->selectedCells().front(), cell);
    const QPoint centre = heatmap.viewport()->mapToGlobal(centreOf({12, 4, 2}));
    QAccessibleInterface* under = interface->childAt(centre.x(), centre.y());
    ASSERT_NE(under, nullptr);
    EXPECT_EQ(under->tableCellInterface()->columnIndex(), 12);
    EXPECT_EQ(under->tableCellInterface()->rowIndex(), 2);
}

TEST_F(HeatmapTest, AnotherRunDoesNotMixUpTheCellsOfTheTable)
{
    QAccessibleTableInterface* table = QAccessible::queryAccessibleInterface(&heatmap)->tableInterface();
    ASSERT_NE(table->cellAt(2, 3), nullptr);
    heatmap.setMap(samples::largeMap(50, 7));
    heatmap.setPrompt(0);
    EXPECT_EQ(table->columnCount(), 7);
    const auto name = table->cellAt(9, 3)->text(QAccessible::Name).toStdString();
    EXPECT_EQ(name.find("Token 9 "), 0U) << name;
    EXPECT_EQ(table->cellAt(9, 7), nullptr);
}

TEST_F(HeatmapTest, EveryMetricPaints)
{
    for (const Metric metric : allMetrics) {
        heatmap.setMetric(metric);
        EXPECT_FALSE(heatmap.grab().isNull());
    }
}

TEST_F(HeatmapTest, SortedRowsKeepTheCellUnderTheCursor)
{
    heatmap.setCurrent({11, 4, 0});
    HeatmapLayout view = heatmap.view();
    view.rowOrder = RowOrder::Value;
    view.columnOrder = ColumnOrder::Value;
    heatmap.setView(view);
    EXPECT_EQ(heatmap.current(), (CellKey{11, 4, 0}));
    EXPECT_EQ(heatmap.positionOf({11, 4, 0}), (GridPosition{0, 0})) << "the largest error comes first";
    EXPECT_EQ(heatmap.blockAt(0), 11);
    EXPECT_EQ(heatmap.columnOf(11), 0);
    for (int column = 0; column < 30; ++column)
        EXPECT_EQ(heatmap.columnOf(heatmap.blockAt(column)), column);
    double last = 1e300;
    for (int row = 0; row < heatmap.values().rows(); ++row) {
        EXPECT_LE(heatmap.values().rowMarginal(row).extreme, last);
        last = heatmap.values().rowMarginal(row).extreme;
    }
    press(Qt::Key_Right);
    EXPECT_EQ(heatmap.current().block, heatmap.blockAt(1));
    for (const int block : {0, 7, 29})
        EXPECT_EQ(heatmap.cellAt(QPointF(centreOf({block, 4, 3}))), (CellKey{block, 4, 3}));
}

TEST_F(HeatmapTest, APromptAsOneRowShowsItsWorstTokenAndADoubleClickOpensIt)
{
    HeatmapLayout view;
    view.unit = RowUnit::Prompts;
    heatmap.setView(view);
    EXPECT_EQ(heatmap.prompt(), std::nullopt);
    EXPECT_EQ(heatmap.values().rows(), 10);
    EXPECT_EQ(heatmap.keyOf({4, 11}), (CellKey{11, 4, 0}));
    EXPECT_DOUBLE_EQ(heatmap.values().value(4, 11), 0.014217093);
    EXPECT_EQ(heatmap.values().step(7, 29), -1) << "a prompt that was not replayed is missing";
    QSignalSpy activated(&heatmap, &TokenHeatmap::activated);
    QTest::mouseDClick(heatmap.viewport(), Qt::LeftButton, {}, centreOf({11, 4, 0}));
    ASSERT_EQ(activated.count(), 1);
    const auto key = activated[0][0].value<CellKey>();
    heatmap.setPrompt(key.prompt);
    heatmap.setCurrent(key);
    EXPECT_EQ(heatmap.prompt(), 4);
    EXPECT_EQ(heatmap.current(), (CellKey{11, 4, 0}));
    heatmap.setPrompt(std::nullopt);
    EXPECT_EQ(heatmap.view().unit, RowUnit::Prompts) << "back where one came from";
}

TEST_F(HeatmapTest, ADragSelectsASliceAndEscapeClearsItFirst)
{
    heatmap.hold({0, 4, 0});
    QSignalSpy sliced(&heatmap, &TokenHeatmap::sliceSelected);
    QTest::mousePress(heatmap.viewport(), Qt::LeftButton, {}, centreOf({3, 4, 2}));
    QTest::mouseMove(heatmap.viewport(), centreOf({5, 4, 6}));
    QTest::mouseRelease(heatmap.viewport(), Qt::LeftButton, {}, centreOf({5, 4, 6}));
    const MapSlice slice = heatmap.slice();
    EXPECT_EQ(slice.blocks, (std::vector<int>{3, 4, 5}));
    ASSERT_EQ(slice.tokens.size(), 5U);
    EXPECT_EQ(slice.tokens.front(), (MapSlice::Place{4, 2}));
    EXPECT_EQ(slice.tokens.back(), (MapSlice::Place{4, 6}));
    EXPECT_GE(sliced.count(), 1);
    EXPECT_EQ(heatmap.held(), (CellKey{0, 4, 0})) << "a drag holds nothing";
    press(Qt::Key_Escape);
    EXPECT_FALSE(heatmap.selection());
    EXPECT_TRUE(sliced.back()[0].value<MapSlice>().isEmpty());
    EXPECT_TRUE(heatmap.isHeld());
    press(Qt::Key_Escape);
    EXPECT_FALSE(heatmap.isHeld());
}

TEST_F(HeatmapTest, ShiftAndArrowsExtendTheSelection)
{
    heatmap.setCurrent({3, 4, 2});
    press(Qt::Key_Right, Qt::ShiftModifier);
    press(Qt::Key_Down, Qt::ShiftModifier);
    press(Qt::Key_Down, Qt::ShiftModifier);
    EXPECT_EQ(heatmap.slice().blocks, (std::vector<int>{3, 4}));
    EXPECT_EQ(heatmap.slice().tokens.size(), 3U);
    press(Qt::Key_C, Qt::ControlModifier);
    const QStringList lines = QApplication::clipboard()->text().split(u'\n');
    ASSERT_EQ(lines.size(), 5); // head, three tokens, the end
    EXPECT_EQ(lines[0].toStdString(), "prompt\ttoken\tpiece\tblock 3\tblock 4");
    EXPECT_EQ(lines[1].count(u'\t'), 4);
    EXPECT_EQ(lines[1].section(u'\t', 3, 3).toDouble(), heatmap.values().value(2, 3));
    const std::string words = heatmap.selectionSentence().toStdString();
    EXPECT_EQ(words.find("3 tokens × 2 blocks: 6 measured, 0 above τ_act, largest "), 0U) << words;
}

TEST_F(HeatmapTest, ASelectionEndsWhenRowsTakeOtherPlaces)
{
    heatmap.select(GridRange{{0, 0}, {3, 3}});
    heatmap.setMetric(Metric::MlpPart);
    EXPECT_TRUE(heatmap.selection()) << "the same cells under another metric";
    HeatmapLayout view = heatmap.view();
    view.rowOrder = RowOrder::Value;
    heatmap.setView(view);
    EXPECT_FALSE(heatmap.selection());
}

TEST_F(HeatmapTest, AMinimapStandsBesideAMapThatScrollsAndMovesIt)
{
    EXPECT_TRUE(heatmap.minimapRect().isEmpty());
    heatmap.setMap(samples::largeMap(1000, 16));
    heatmap.setPrompt(0);
    const QRect minimap = heatmap.minimapRect();
    ASSERT_FALSE(minimap.isEmpty());
    QTest::mouseClick(heatmap.viewport(), Qt::LeftButton, {}, minimap.center());
    const int middle = heatmap.verticalScrollBar()->maximum() / 2;
    EXPECT_NEAR(heatmap.verticalScrollBar()->value(), middle, heatmap.grid().cellHeight() * 2);
    EXPECT_FALSE(heatmap.isHeld()) << "the minimap is no cell";
    EXPECT_FALSE(heatmap.cellAt(minimap.center()));
    heatmap.zoomToFit();
    EXPECT_TRUE(heatmap.minimapRect().isEmpty());
}

TEST_F(HeatmapTest, ALinearScaleAndAnotherMetricFitTheirOwnRange)
{
    heatmap.setScaleKind(ScaleKind::Linear);
    EXPECT_EQ(heatmap.scale().kind(), ScaleKind::Linear);
    EXPECT_EQ(heatmap.scale().low(), 0);
    heatmap.setScale(heatmap.scale().withRange(0, 0.011));
    EXPECT_TRUE(heatmap.scale().clipsHigh()) << "0.0142 lies beyond";
    heatmap.setMetric(Metric::Coverage);
    EXPECT_TRUE(heatmap.scale().isCoverage());
    EXPECT_FALSE(heatmap.hasFixedScale());
    EXPECT_EQ(heatmap.values().step(0, 11), ErrorScale::steps - 1);
    EXPECT_EQ(heatmap.values().step(1, 11), 0);
    EXPECT_EQ(heatmap.cellSentence({11, 4, 0}).toStdString(), "Token 0 “Review”, block 11: not covered");
}

TEST_F(HeatmapTest, RowsSortedByValueFollowTheCellsThatArrive)
{
    const auto full = samples::tokenMap();
    auto empty = std::make_shared<TokenMap>(*full);
    std::fill(empty->cells.begin(), empty->cells.end(), nullptr);
    heatmap.setMap(empty);
    HeatmapLayout view = heatmap.view();
    view.columnOrder = ColumnOrder::Value;
    heatmap.setView(view);
    EXPECT_EQ(heatmap.blockAt(0), 0);
    heatmap.setCell(11, 4, full->cells[11 * full->prompts.size() + 4]);
    EXPECT_TRUE(QTest::qWaitFor([&] { return heatmap.blockAt(0) == 11; }, 2000));
}

TEST_F(HeatmapTest, ScreenReadersFollowSortingAndSelection)
{
    HeatmapLayout view = heatmap.view();
    view.columnOrder = ColumnOrder::Value;
    heatmap.setView(view);
    QAccessibleInterface* interface = QAccessible::queryAccessibleInterface(&heatmap);
    QAccessibleTableInterface* table = interface->tableInterface();
    EXPECT_EQ(table->columnDescription(0).toStdString(), "Block 11");
    EXPECT_EQ(table->cellAt(0, 0)->text(QAccessible::Name).toStdString(),
              "Token 0 “Review”, block 11: Error 0.014217093, above τ_act");
    heatmap.select(GridRange{{1, 0}, {2, 2}});
    EXPECT_EQ(table->selectedCellCount(), 6);
    EXPECT_EQ(table->selectedCells().size(), 6);
    EXPECT_TRUE(table->cellAt(2, 2)->state().selected);
    EXPECT_FALSE(table->cellAt(0, 0)->state().selected);
}

TEST_F(HeatmapTest, AFixedScaleIsKeptWhenTheMapChanges)
{
    const ErrorScale shared = ErrorScale::anchored(1e-7, 1e-2, 5);
    heatmap.setScale(shared);
    heatmap.setMap(samples::largeMap(20, 4));
    EXPECT_TRUE(heatmap.scale().sameRange(shared));
    heatmap.setScale(std::nullopt);
    EXPECT_FALSE(heatmap.scale().sameRange(shared));
}

TEST_F(HeatmapTest, WhatWasInViewStaysThereWhenTheViewShrinks)
{
    heatmap.setPrompt(std::nullopt);
    heatmap.hold({3, 1, 4});
    const auto isInView = [this] {
        const QRectF cell = heatmap.rectOf(heatmap.held());
        return cell.top() >= 20 && cell.bottom() <= heatmap.viewport()->height();
    };
    ASSERT_TRUE(isInView());
    heatmap.resize(900, 160);
    EXPECT_TRUE(isInView()) << heatmap.rectOf(heatmap.held()).top();
    heatmap.verticalScrollBar()->setValue(heatmap.verticalScrollBar()->maximum());
    ASSERT_FALSE(isInView());
    heatmap.resize(900, 150);
    EXPECT_FALSE(isInView()) << "whoever scrolled away is left there";
}

TEST_F(HeatmapTest, LargerTypeHasHigherRowsSoThatEveryTokenIsNamed)
{
    heatmap.setPrompt(std::nullopt);
    for (const double scale : {1.25, 1.6}) {
        setTypeScale(*qApp, scale);
        QApplication::processEvents();
        EXPECT_GE(heatmap.grid().cellHeight() + 1, QFontMetrics(fixedFont(TextSize::Secondary)).height()) << scale;
    }
    setTypeScale(*qApp, 1);
    QApplication::processEvents();
    EXPECT_EQ(heatmap.grid().cellHeight(), 18);
}

TEST_F(HeatmapTest, TheCornerNamesThePromptWhoseHeadingIsOutOfView)
{
    heatmap.setPrompt(std::nullopt);
    heatmap.resize(900, 200);
    const auto corner = [this] {
        QApplication::processEvents();
        return heatmap.grab(QRect(0, 0, 120, 36)).toImage();
    };
    const QImage atTheTop = corner();
    heatmap.verticalScrollBar()->setValue(60);
    const QImage inPromptZero = corner();
    EXPECT_NE(inPromptZero, atTheTop) << "the heading is out of view";
    heatmap.verticalScrollBar()->setValue(80);
    EXPECT_EQ(corner(), inPromptZero) << "still the same prompt";
    heatmap.verticalScrollBar()->setValue(static_cast<int>(
        heatmap.verticalScrollBar()->value() + heatmap.rectOf({0, 1, 2}).top() - heatmap.rectOf({0, 0, 2}).top()));
    EXPECT_NE(corner(), inPromptZero) << "another prompt";
}

}
