#include "widgets/error_scale.h"
#include "widgets/heatmap_geometry.h"
#include "widgets/heatmap_raster.h"
#include "widgets/heatmap_values.h"

#include <gtest/gtest.h>

#include <utility>

namespace blockcert::widgets {

namespace {

// Two prompts of 3 and 2 tokens with headings: rows H 0 1 2 H 0 1.
HeatmapGeometry twoPrompts()
{
    HeatmapGeometry grid;
    grid.setRows({{0, -1}, {0, 0}, {0, 1}, {0, 2}, {1, -1}, {1, 0}, {1, 1}});
    grid.setColumns(4);
    grid.setCellSize(20, 10);
    grid.setHeadingHeight(30);
    return grid;
}

TokenMap column(const std::vector<double>& errors)
{
    TokenMap map;
    map.blocks = {0};
    map.prompts.push_back({QStringLiteral("p"), {}, std::vector<Token>(errors.size())});
    auto cell = std::make_shared<MapCell>();
    cell->error = errors;
    map.cells.push_back(cell);
    return map;
}

// The rows as given, every block in order.
HeatmapArrangement inOrder(const TokenMap& map, std::vector<HeatmapRow> rows)
{
    HeatmapArrangement shown;
    shown.rows = std::move(rows);
    for (std::size_t column = 0; column < map.blocks.size(); ++column)
        shown.columns.push_back(static_cast<int>(column));
    return shown;
}

}

TEST(HeatmapGeometry, HeadingsShiftTheRowsBelowThem)
{
    const HeatmapGeometry grid = twoPrompts();
    EXPECT_EQ(grid.rowTop(0), 0);
    EXPECT_EQ(grid.rowTop(1), 30);
    EXPECT_EQ(grid.rowTop(4), 60);
    EXPECT_EQ(grid.rowTop(5), 90);
    EXPECT_EQ(grid.contentSize(), QSizeF(80, 110));
}

TEST(HeatmapGeometry, EveryPointOfACellHitsThatCell)
{
    const HeatmapGeometry grid = twoPrompts();
    for (int row = 0; row < 7; ++row)
        for (int column = 0; column < 4; ++column) {
            const QRectF cell = grid.cellRect({row, column});
            for (const QPointF& inside : {cell.topLeft(), cell.center(), cell.bottomRight() - QPointF(0.01, 0.01)}) {
                const auto hit = grid.hit(inside);
                if (grid.rows()[static_cast<std::size_t>(row)].token < 0)
                    EXPECT_FALSE(hit) << "a heading is no cell";
                else
                    EXPECT_EQ(hit, (GridPosition{row, column}));
            }
        }
}

TEST(HeatmapGeometry, NothingIsHitOutside)
{
    const HeatmapGeometry grid = twoPrompts();
    for (const QPointF& outside : {QPointF(-0.1, 40), QPointF(80, 40), QPointF(10, -1), QPointF(10, 110)})
        EXPECT_FALSE(grid.hit(outside));
    EXPECT_FALSE(HeatmapGeometry().hit({1, 1}));
}

TEST(HeatmapGeometry, RowsAreFoundByPromptAndToken)
{
    const HeatmapGeometry grid = twoPrompts();
    EXPECT_EQ(grid.rowOf(0, 2), 3);
    EXPECT_EQ(grid.rowOf(1, 0), 5);
    EXPECT_EQ(grid.rowOf(1, -1), -1);
    EXPECT_EQ(grid.rowOf(1, 2), -1);
    EXPECT_EQ(grid.rowOf(2, 0), -1);
}

TEST(HeatmapGeometry, RowsInAnyOrderAreFound)
{
    HeatmapGeometry grid;
    grid.setRows({{1, 1}, {1, 0}, {0, 2}, {0, 0}});
    EXPECT_EQ(grid.rowOf(1, 1), 0);
    EXPECT_EQ(grid.rowOf(1, 0), 1);
    EXPECT_EQ(grid.rowOf(0, 2), 2);
    EXPECT_EQ(grid.rowOf(0, 1), -1);
    EXPECT_EQ(grid.rowOf(0, 0), 3);
}

TEST(HeatmapGeometry, WhereAPromptIsOneRowEveryTokenOfItIsThere)
{
    HeatmapGeometry grid;
    grid.setRows({{0, HeatmapRow::tagHeading}, {2, HeatmapRow::wholePrompt}, {0, HeatmapRow::wholePrompt}});
    EXPECT_EQ(grid.rowOf(2, 0), 1);
    EXPECT_EQ(grid.rowOf(2, 17), 1);
    EXPECT_EQ(grid.rowOf(0, 3), 2);
    EXPECT_EQ(grid.rowOf(1, 0), -1);
}

TEST(HeatmapGeometry, FittedRowsFillTheSizeExactly)
{
    const HeatmapGeometry small = twoPrompts().fittedTo({48, 200});
    EXPECT_NEAR(small.contentSize().width(), 48, 1e-9);   // four columns added up
    EXPECT_NEAR(small.contentSize().height(), 200, 1e-9); // five rows and two headings added up
}

TEST(HeatmapValues, MarginalsSummariseWhatWasMeasured)
{
    const TokenMap map = column({1e-3, 3e-2, missing, 2e-3});
    const std::vector<HeatmapRow> rows{{0, 0}, {0, 1}, {0, 2}, {0, 3}};
    HeatmapValues values;
    values.build(map, Metric::Error, inOrder(map, rows), Aggregate::Extreme, ErrorScale::anchored(1e-5, 1e-2, 1));
    const Marginal& marginal = values.columnMarginal(0);
    EXPECT_EQ(marginal.measured, 3);
    EXPECT_EQ(marginal.covered, 2);
    EXPECT_DOUBLE_EQ(marginal.extreme, 3e-2);
    EXPECT_DOUBLE_EQ(marginal.mean, 0.011);
    EXPECT_EQ(values.step(2, 0), -1);
    EXPECT_EQ(values.rowMarginal(2).measured, 0);
}

TEST(HeatmapValues, OfMarginsTheSmallestIsTheExtreme)
{
    TokenMap map = column({0, 0, 0});
    auto cell = std::make_shared<MapCell>();
    cell->margin = {0.5, 0.02, 3};
    map.cells[0] = cell;
    HeatmapValues values;
    values.build(map, Metric::Margin, inOrder(map, {{0, 0}, {0, 1}, {0, 2}}), Aggregate::Extreme,
                 ErrorScale::sequential(1e-2, 10));
    EXPECT_DOUBLE_EQ(values.columnMarginal(0).extreme, 0.02);
}

TEST(HeatmapValues, AWholePromptStandsForItsMostStrikingToken)
{
    const TokenMap map = column({1e-3, 3e-2, missing, 2e-3});
    const ErrorScale scale = ErrorScale::anchored(1e-5, 1e-2, 1);
    HeatmapValues values;
    values.build(map, Metric::Error, inOrder(map, {{0, HeatmapRow::wholePrompt}}), Aggregate::Extreme, scale);
    EXPECT_DOUBLE_EQ(values.value(0, 0), 3e-2);
    EXPECT_EQ(values.tokenOf(0, 0), 1);
    EXPECT_EQ(values.columnMarginal(0).measured, 3);
    EXPECT_EQ(values.columnMarginal(0).covered, 2);
    EXPECT_DOUBLE_EQ(values.columnMarginal(0).mean, 0.011);
    values.build(map, Metric::Error, inOrder(map, {{0, HeatmapRow::wholePrompt}}), Aggregate::Mean, scale);
    EXPECT_DOUBLE_EQ(values.value(0, 0), 0.011);
    EXPECT_EQ(values.tokenOf(0, 0), 1) << "the token to look at is the same";
}

TEST(HeatmapValues, TheCoverageOfAPromptIsTheShareOfItsMeasuredTokens)
{
    const TokenMap map = column({1e-3, 3e-2, missing, 1e-2});
    HeatmapValues values;
    values.build(map, Metric::Coverage, inOrder(map, {{0, HeatmapRow::wholePrompt}}), Aggregate::Extreme,
                 ErrorScale::coverage(0.94));
    EXPECT_DOUBLE_EQ(values.value(0, 0), 2.0 / 3); // a token at τ is covered
    EXPECT_EQ(values.columnMarginal(0).covered, 2);
    EXPECT_EQ(values.tokenOf(0, 0), 1) << "the uncovered one";
}

TEST(HeatmapValues, AnUnmeasuredPromptIsMissingAndNotZero)
{
    TokenMap map = column({1e-3, 1e-3});
    map.cells[0] = nullptr;
    HeatmapValues values;
    values.build(map, Metric::Coverage, inOrder(map, {{0, HeatmapRow::wholePrompt}}), Aggregate::Mean,
                 ErrorScale::coverage(0.94));
    EXPECT_TRUE(isMissing(values.value(0, 0)));
    EXPECT_EQ(values.step(0, 0), -1);
    EXPECT_EQ(values.columnMarginal(0).measured, 0);
}

TEST(HeatmapRaster, AFailureInOneOfManyThinColumnsStaysVisible)
{
    constexpr int blocks = 640;
    const ErrorScale scale = ErrorScale::anchored(1e-5, 1e-2, 1);
    for (const int failing : {0, 1, 333, blocks - 1}) {
        TokenMap map = column({1e-4});
        const auto fine = map.cells[0];
        const auto bad = column({0.5}).cells[0];
        map.blocks.resize(blocks);
        map.cells.assign(blocks, fine);
        map.cells[static_cast<std::size_t>(failing)] = bad;
        for (int block = 0; block < blocks; ++block)
            map.blocks[static_cast<std::size_t>(block)] = block;
        HeatmapValues values;
        values.build(map, Metric::Error, inOrder(map, {{0, 0}}), Aggregate::Extreme, scale);
        HeatmapGeometry grid;
        grid.setRows({{0, 0}});
        grid.setColumns(blocks);
        grid.setCellSize(96.0 / blocks, 20);
        QImage image;
        rasteriseCells(image, values, grid, QRectF(0, 0, 96, 20), 1, scale, lightTokens());
        int warm = 0;
        for (int x = 0; x < image.width(); ++x)
            warm += image.pixelColor(x, 3) == lightTokens().warm[4] ? 1 : 0;
        EXPECT_GE(warm, 1) << "block " << failing;
        EXPECT_LE(warm, 2) << "block " << failing;
    }
}

TEST(HeatmapRaster, ASingleFailureAmongThousandsOfThinRowsStaysVisible)
{
    constexpr int tokens = 2048;
    const ErrorScale scale = ErrorScale::anchored(1e-5, 1e-2, 1);
    std::vector<HeatmapRow> rows;
    for (int token = 0; token < tokens; ++token)
        rows.push_back({0, token});
    for (const int failing : {0, 1, 777, 2046, 2047}) {
        std::vector<double> errors(tokens, 1e-4);
        errors[static_cast<std::size_t>(failing)] = 0.011;
        const TokenMap map = column(errors);
        HeatmapValues values;
        values.build(map, Metric::Error, inOrder(map, rows), Aggregate::Extreme, scale);
        HeatmapGeometry grid;
        grid.setRows(rows);
        grid.setColumns(1);
        grid.setCellSize(8, 200.0 / tokens);
        QImage image;
        rasteriseCells(image, values, grid, QRectF(0, 0, 8, 200), 1, scale, lightTokens());
        int warm = 0;
        for (int y = 0; y < image.height(); ++y)
            warm += image.pixelColor(3, y) == lightTokens().warm[0] ? 1 : 0;
        EXPECT_GE(warm, 1) << "token " << failing;
        EXPECT_LE(warm, 2) << "token " << failing;
    }
}

TEST(HeatmapRaster, MissingCellsAreHatchedAndNeverAColourOfTheScale)
{
    const ErrorScale scale = ErrorScale::anchored(1e-5, 1e-2, 1);
    const std::vector<HeatmapRow> rows{{0, 0}, {0, 1}};
    const TokenMap map = column({missing, 1e-3});
    HeatmapValues values;
    values.build(map, Metric::Error, inOrder(map, rows), Aggregate::Extreme, scale);
    HeatmapGeometry grid;
    grid.setRows(rows);
    grid.setColumns(1);
    grid.setCellSize(30, 20);
    for (const double ratio : {1.0, 1.5, 2.0}) {
        QImage image;
        rasteriseCells(image, values, grid, QRectF(0, 0, 30, 40), ratio, scale, darkTokens());
        ASSERT_EQ(image.size(), (QSizeF(30, 40) * ratio).toSize());
        int hatch = 0;
        int ground = 0;
        const int end = static_cast<int>(18 * ratio);
        for (int y = 0; y < end; ++y)
            for (int x = 0; x < end; ++x) {
                const QColor pixel = image.pixelColor(x, y);
                hatch += pixel == darkTokens().hatch ? 1 : 0;
                ground += pixel == darkTokens().window ? 1 : 0;
            }
        EXPECT_EQ(hatch + ground, end * end);
        EXPECT_GT(hatch, end * end / 10);
        EXPECT_GT(ground, hatch);
    }
}

TEST(HeatmapRaster, GapsBetweenCellsAreEquallyWideAtOneAndAHalf)
{
    const ErrorScale scale = ErrorScale::anchored(1e-5, 1e-2, 1);
    TokenMap map = column({1e-3});
    map.blocks = {0, 1, 2, 3, 4, 5, 6, 7};
    map.cells.assign(8, map.cells[0]);
    HeatmapValues values;
    values.build(map, Metric::Error, inOrder(map, {{0, 0}}), Aggregate::Extreme, scale);
    HeatmapGeometry grid;
    grid.setRows({{0, 0}});
    grid.setColumns(8);
    grid.setCellSize(21, 18);
    QImage image;
    rasteriseCells(image, values, grid, QRectF(0, 0, 168, 18), 1.5, scale, lightTokens());
    std::vector<int> gaps;
    int run = 0;
    for (int x = 0; x < image.width(); ++x) {
        if (image.pixelColor(x, 4) == lightTokens().window) {
            ++run;
        } else if (run > 0) {
            gaps.push_back(run);
            run = 0;
        }
    }
    ASSERT_EQ(gaps.size(), 7U);
    for (const int gap : gaps)
        EXPECT_EQ(gap, gaps.front());
}

}
