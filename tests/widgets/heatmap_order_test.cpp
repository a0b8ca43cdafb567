#include "widgets/heatmap_order.h"

#include <gtest/gtest.h>

#include <memory>

namespace blockcert::widgets {

namespace {

// errors[prompt][token][block]; every prompt has its own tags.
TokenMap mapOf(const std::vector<std::vector<std::vector<double>>>& errors, const std::vector<QStringList>& tags = {})
{
    TokenMap map;
    const std::size_t blocks = errors[0][0].size();
    for (std::size_t block = 0; block < blocks; ++block)
        map.blocks.push_back(static_cast<int>(block) * 10);
    map.cells.resize(blocks * errors.size());
    for (std::size_t prompt = 0; prompt < errors.size(); ++prompt) {
        map.prompts.push_back({QString::number(prompt),
                               {},
                               std::vector<Token>(errors[prompt].size()),
                               prompt < tags.size() ? tags[prompt] : QStringList()});
        for (std::size_t block = 0; block < blocks; ++block) {
            auto cell = std::make_shared<MapCell>();
            for (const std::vector<double>& token : errors[prompt]) {
                cell->error.push_back(token[block]);
                cell->margin.push_back(token[block]);
            }
            map.cells[block * errors.size() + prompt] = cell;
        }
    }
    return map;
}

HeatmapLayout sorted()
{
    HeatmapLayout layout;
    layout.rowOrder = RowOrder::Value;
    layout.columnOrder = ColumnOrder::Value;
    return layout;
}

using Rows = std::vector<HeatmapRow>;

}

TEST(HeatmapOrder, EveryTokenIsARowUnderTheHeadingOfItsPrompt)
{
    const TokenMap map = mapOf({{{1}, {2}}, {{3}}});
    const HeatmapArrangement shown = arrange(map, Metric::Error, {});
    EXPECT_EQ(shown.rows, (Rows{{0, -1}, {0, 0}, {0, 1}, {1, -1}, {1, 0}}));
    EXPECT_EQ(shown.columns, std::vector<int>{0});
}

TEST(HeatmapOrder, TheMostStrikingComesFirstAndTheUnmeasuredLast)
{
    HeatmapLayout layout = sorted();
    layout.prompt = 0;
    const TokenMap map = mapOf({{{missing, missing}, {1, 2}, {5, 0}, {1, 4}}});
    EXPECT_EQ(arrange(map, Metric::Error, layout).rows, (Rows{{0, 2}, {0, 3}, {0, 1}, {0, 0}}));
    EXPECT_EQ(arrange(map, Metric::Error, layout).columns, (std::vector<int>{0, 1}));
    // Of margins the smallest wants attention: token 2 holds a 0 at block 1.
    EXPECT_EQ(arrange(map, Metric::Margin, layout).rows, (Rows{{0, 2}, {0, 1}, {0, 3}, {0, 0}}));
    EXPECT_EQ(arrange(map, Metric::Margin, layout).columns, (std::vector<int>{1, 0}));
}

TEST(HeatmapOrder, EqualValuesKeepTheirOrderAndNeverMerge)
{
    HeatmapLayout layout = sorted();
    layout.prompt = 0;
    const TokenMap map = mapOf({{{7}, {7}, {7}}});
    EXPECT_EQ(arrange(map, Metric::Error, layout).rows, (Rows{{0, 0}, {0, 1}, {0, 2}}));
}

TEST(HeatmapOrder, AMeanRanksOtherwiseThanAnExtreme)
{
    HeatmapLayout layout = sorted();
    layout.unit = RowUnit::Prompts;
    const TokenMap map = mapOf({{{9}, {0}, {0}}, {{4}, {4}, {4}}});
    EXPECT_EQ(arrange(map, Metric::Error, layout).rows.front().prompt, 0);
    layout.aggregate = Aggregate::Mean;
    EXPECT_EQ(arrange(map, Metric::Error, layout).rows.front().prompt, 1);
}

TEST(HeatmapOrder, PromptsOfOneTagStandUnderOneHeading)
{
    HeatmapLayout layout;
    layout.unit = RowUnit::Prompts;
    layout.rowOrder = RowOrder::Tag;
    const TokenMap map = mapOf({{{1}}, {{1}}, {{1}}, {{1}}},
                               {{QStringLiteral("code")}, {}, {QStringLiteral("list")}, {QStringLiteral("code")}});
    EXPECT_EQ(arrange(map, Metric::Error, layout).rows,
              (Rows{{0, -3}, {0, -2}, {3, -2}, {2, -3}, {2, -2}, {1, -3}, {1, -2}}));
}

TEST(HeatmapOrder, WithoutATagThereIsNoHeading)
{
    HeatmapLayout layout;
    layout.unit = RowUnit::Prompts;
    layout.rowOrder = RowOrder::Tag;
    EXPECT_EQ(arrange(mapOf({{{1}}, {{2}}}), Metric::Error, layout).rows, (Rows{{0, -2}, {1, -2}}));
}

TEST(HeatmapOrder, CoverageRanksByTheShareOfCoveredTokens)
{
    HeatmapLayout layout = sorted();
    layout.unit = RowUnit::Prompts;
    // τ_act is 0.01: prompt 0 has one of two covered, prompt 1 none, prompt 2 all.
    const TokenMap map = mapOf({{{1e-3}, {1}}, {{0.02}, {0.02}}, {{0.01}, {0}}});
    const Rows rows = arrange(map, Metric::Coverage, layout).rows;
    EXPECT_EQ(rows, (Rows{{1, -2}, {0, -2}, {2, -2}}));
}

TEST(Summary, KeepsExtremeAndMeanOfMagnitudes)
{
    Summary sum(Striking::Large);
    EXPECT_TRUE(sum.add(-3));
    EXPECT_FALSE(sum.add(missing));
    EXPECT_FALSE(sum.add(1));
    EXPECT_EQ(sum.count(), 2);
    EXPECT_EQ(sum.extreme(), 3);
    EXPECT_EQ(sum.mean(), 2);
    EXPECT_TRUE(isMissing(Summary(Striking::Large).mean()));
}

}
