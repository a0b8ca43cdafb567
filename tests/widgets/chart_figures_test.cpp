#include "widgets/chart_comparison.h"
#include "widgets/chart_figures.h"
#include "widgets/gallery/samples.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>

namespace blockcert::widgets {

namespace {

const figure::Series& seriesNamed(const figure::Figure& figure, const std::string& name)
{
    for (const figure::Series& series : figure.panels.at(0).series)
        if (series.name == name)
            return series;
    throw std::runtime_error("no series " + name);
}

// Counts without sorting anything.
double shareByHand(const TokenMap& map, std::optional<std::size_t> column, std::size_t prompts, double tau)
{
    double within = 0;
    double measured = 0;
    for (std::size_t block = 0; block < map.blocks.size(); ++block)
        for (std::size_t prompt = 0; prompt < prompts; ++prompt) {
            const MapCell* cell = map.cell(block, prompt);
            if (cell == nullptr || (column && block != *column))
                continue;
            for (const double error : cell->error) {
                ++measured;
                within += error <= tau ? 1 : 0;
            }
        }
    return within / measured;
}

}

TEST(ChartFigures, CoverageByThresholdCountsEveryMeasuredToken)
{
    const auto map = samples::tokenMap();
    const figure::Figure figure = chartFigure(*map, Chart::CoverageByThreshold, 11);
    EXPECT_EQ(figure.panels[0].x.scale, figure::Scale::Log);
    const figure::Series& all = seriesNamed(figure, "all blocks");
    const figure::Series& eleven = seriesNamed(figure, "block 11");
    ASSERT_GT(all.points.size(), 10U);
    for (std::size_t i = 0; i < all.points.size(); ++i) {
        const double tau = all.points[i].x;
        EXPECT_DOUBLE_EQ(all.points[i].y.value(), shareByHand(*map, std::nullopt, map->prompts.size(), tau)) << tau;
        EXPECT_DOUBLE_EQ(eleven.points[i].y.value(), shareByHand(*map, 11, map->prompts.size(), tau)) << tau;
        EXPECT_GE(all.points[i].y.value(), i == 0 ? 0 : all.points[i - 1].y.value()) << "coverage grows with τ";
        if (i + 1 == all.points.size())
            break;
        const double between = std::sqrt(tau * all.points[i + 1].x);
        EXPECT_NEAR(all.points[i].y.value(), shareByHand(*map, std::nullopt, map->prompts.size(), between), 1e-3)
            << "what is drawn between two points, " << between << ", of which there are at most 2,000";
    }
    EXPECT_EQ(all.mark, figure::Mark::Steps);
    EXPECT_EQ(all.points.back().y, 1.0);
    const auto& rules = figure.panels[0].rules;
    ASSERT_EQ(rules.size(), 2U);
    EXPECT_EQ(rules[0].at, map->thresholds.tauAct);
    EXPECT_EQ(rules[1].at, map->thresholds.alphaAct);
}

TEST(ChartFigures, ThePromptSetCurveIsTheSmallestCoverageOfTheFirstPrompts)
{
    const auto map = samples::tokenMap();
    const figure::Figure figure = chartFigure(*map, Chart::PromptSetSize);
    const figure::Series& smallest = seriesNamed(figure, "smallest of the blocks");
    const figure::Series& mean = seriesNamed(figure, "mean of the blocks");
    ASSERT_EQ(smallest.points.size(), map->prompts.size());
    for (std::size_t k = 1; k <= map->prompts.size(); ++k) {
        double least = 1;
        double sum = 0;
        for (std::size_t column = 0; column < map->blocks.size(); ++column) {
            const double share = shareByHand(*map, column, k, map->thresholds.tauAct);
            least = std::min(least, share);
            sum += share;
        }
        EXPECT_EQ(smallest.points[k - 1].x, static_cast<double>(k));
        EXPECT_DOUBLE_EQ(smallest.points[k - 1].y.value(), least);
        EXPECT_NEAR(mean.points[k - 1].y.value(), sum / static_cast<double>(map->blocks.size()), 1e-14); // 30 additions
    }
}

TEST(ChartFigures, MeanAndLargestErrorAreThoseOfTheCells)
{
    const auto map = samples::tokenMap();
    const figure::Figure figure = chartFigure(*map, Chart::MeanErrorByBlock);
    const figure::Series& mean = seriesNamed(figure, "mean error");
    const figure::Series& largest = seriesNamed(figure, "ε, largest error");
    double sum = 0;
    double most = 0;
    int count = 0;
    for (std::size_t prompt = 0; prompt < map->prompts.size(); ++prompt)
        if (const MapCell* cell = map->cell(29, prompt))
            for (const double error : cell->error) {
                sum += error;
                most = std::max(most, error);
                ++count;
            }
    EXPECT_NEAR(mean.points[29].y.value(), sum / count, 1e-15); // the order of the additions differs
    EXPECT_EQ(largest.points[29].y, most);
    EXPECT_EQ(largest.points[29].x, 29);
}

TEST(ChartFigures, QuantilesAreByNearestRank)
{
    const std::vector<double> values{1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    EXPECT_EQ(nearestRank(values, 0.5), 5);
    EXPECT_EQ(nearestRank(values, 0.9), 9);
    EXPECT_EQ(nearestRank(values, 0.91), 10);
    EXPECT_EQ(nearestRank(values, 1), 10);
    EXPECT_EQ(nearestRank(values, 0), 1);
    EXPECT_TRUE(isMissing(nearestRank({}, 0.5)));
    // The definition itself: the smallest value that at least the share of all do not exceed.
    for (const double share : {0.01, 0.1, 0.25, 0.333, 0.5, 0.66, 0.9, 0.99}) {
        const double rank = nearestRank(values, share);
        EXPECT_GE(shareWithin(values, rank), share);
        if (rank > 1) {
            EXPECT_LT(shareWithin(values, rank - 1), share);
        }
    }
    const auto map = samples::tokenMap();
    const figure::Figure figure = chartFigure(*map, Chart::ErrorQuantiles);
    ASSERT_EQ(figure.panels[0].series.size(), 4U);
    for (std::size_t block = 0; block < map->blocks.size(); ++block)
        for (std::size_t i = 1; i < 4; ++i)
            EXPECT_GE(*figure.panels[0].series[i].points[block].y, *figure.panels[0].series[i - 1].points[block].y);
}

TEST(ChartFigures, TheRelativeMeasureIsDrawnWhereItDecides)
{
    auto map = std::make_shared<TokenMap>(*samples::tokenMap());
    map->thresholds.relativeDecides = true;
    const figure::Figure figure = chartFigure(*map, Chart::MeanErrorByBlock);
    EXPECT_EQ(figure.panels[0].rules[0].at, map->thresholds.tauRel);
    EXPECT_NE(figure.panels[0].y.label.find("relative"), std::string::npos);
}

TEST(ChartFigures, WithoutMeasurementsThereAreNoNumbers)
{
    TokenMap map;
    map.blocks = {0, 1};
    map.prompts.push_back({QStringLiteral("p"), {}, std::vector<Token>(3)});
    map.cells.resize(2);
    for (const Chart chart : allCharts)
        for (const figure::Panel& panel : chartFigure(map, chart).panels)
            for (const figure::Series& series : panel.series)
                for (const figure::Point& point : series.points)
                    EXPECT_FALSE(point.y) << "missing is not zero";
}

TEST(ChartFigures, ZeroErrorHasNoPlaceOnALogAxis)
{
    TokenMap map;
    map.blocks = {0};
    map.prompts.push_back({QStringLiteral("p"), {}, std::vector<Token>(2)});
    auto cell = std::make_shared<MapCell>();
    cell->error = {0, 0};
    map.cells = {cell};
    for (const figure::Series& series : chartFigure(map, Chart::MeanErrorByBlock).panels[0].series)
        EXPECT_FALSE(series.points[0].y);
    const figure::Figure coverage = chartFigure(map, Chart::CoverageByThreshold);
    EXPECT_EQ(seriesNamed(coverage, "all blocks").points.front().y, 1.0) << "zero is within every threshold";
}

namespace {

// One prompt of two tokens at 30 blocks, of which `measured` have the errors 0.001 and 0.002 times (1 + block).
TokenMap fewBlocks(const std::vector<int>& measured)
{
    TokenMap map;
    map.prompts.push_back({QStringLiteral("p"), {}, std::vector<Token>(2)});
    map.prompts.push_back({QStringLiteral("q"), {}, std::vector<Token>(5)});
    for (int block = 0; block < 30; ++block) {
        map.blocks.push_back(block);
        auto cell = std::make_shared<MapCell>();
        cell->error = {0.001 * (1 + block), 0.002 * (1 + block)};
        map.cells.push_back(std::find(measured.begin(), measured.end(), block) != measured.end() ? cell : nullptr);
        map.cells.push_back(nullptr);
    }
    return map;
}

}

TEST(ChartFigures, AChartNamesTheBlocksAndPromptsThatWereMeasured)
{
    const TokenMap map = fewBlocks({0, 3});
    for (const Chart chart : allCharts)
        EXPECT_NE(chartFigure(map, chart).scope.find("1 of 2 prompts, 2 tokens, 2 of 30 blocks"), std::string::npos)
            << chartFigure(map, chart).scope;
}

TEST(ChartFigures, NoBlockHasTheLeastCoverageWhereAllCoverAlike)
{
    const figure::Figure alike = chartFigure(fewBlocks({0, 3}), Chart::CoverageByThreshold);
    EXPECT_EQ(seriesNamed(alike, "largest error: block 3").points.back().y, 1.0);
    EXPECT_NE(alike.caption.find("every block covers the same share"), std::string::npos) << alike.caption;
    const figure::Figure apart = chartFigure(fewBlocks({0, 7}), Chart::CoverageByThreshold);
    EXPECT_EQ(seriesNamed(apart, "least: block 7").points.back().y, 1.0);
    EXPECT_NE(apart.caption.find("the block with the least coverage"), std::string::npos) << apart.caption;
}

TEST(ChartComparison, DrawsBothRunsOverWhatBothMeasured)
{
    const auto a = samples::tokenMap();
    TokenMap b = *a;
    b.run = QStringLiteral("other");
    for (auto& one : b.cells) {
        if (!one)
            continue;
        auto larger = std::make_shared<MapCell>(*one);
        for (double& error : larger->error)
            error *= 10;
        one = larger;
    }
    for (std::size_t prompt = 0; prompt < b.prompts.size(); ++prompt)
        b.cells[prompt] = nullptr; // its first block
    for (const Chart chart : allCharts) {
        const figure::Figure both = comparedChart(*a, b, chart, 3);
        ASSERT_GE(both.panels.size(), 2U) << chartName(chart).toStdString();
        EXPECT_TRUE(both.sameRange);
        for (const figure::Panel& panel : both.panels) {
            ASSERT_EQ(panel.series.size(), 2U);
            EXPECT_EQ(panel.series[0].name, "A");
            EXPECT_EQ(panel.series[1].name, "B");
        }
    }
    const figure::Figure errors = comparedChart(*a, b, Chart::MeanErrorByBlock);
    const figure::Figure alone = chartFigure(*a, Chart::MeanErrorByBlock);
    const figure::Panel& mean = errors.panels[0];
    EXPECT_FALSE(mean.series[0].points[0].y) << "not in B, so in neither curve";
    ASSERT_TRUE(alone.panels[0].series[0].points[0].y);
    EXPECT_EQ(mean.series[0].points[5].y, alone.panels[0].series[0].points[5].y);
    EXPECT_NEAR(*mean.series[1].points[5].y, 10 * *mean.series[0].points[5].y, 1e-12 * *mean.series[1].points[5].y);
    const figure::Figure coverage = comparedChart(*a, b, Chart::CoverageByThreshold);
    EXPECT_EQ(coverage.panels[0].series[0].points.back().x, coverage.panels[0].series[1].points.back().x)
        << "the curve of smaller errors goes on";
}

}
