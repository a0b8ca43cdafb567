#include "widgets/change.h"
#include "widgets/colour_map.h"
#include "widgets/error_scale.h"
#include "widgets/gallery/samples.h"
#include "widgets/heatmap_values.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

namespace blockcert::widgets {

TEST(ErrorScale, AValueAtTheThresholdIsCoveredAndTheNextDoubleIsNot)
{
    for (const double tau : {1e-2, 1e-5, 3.7e-3, 5e-3, 1e-3}) {
        const ErrorScale scale = ErrorScale::anchored(tau / 1000, tau, tau * 40);
        EXPECT_EQ(scale.stepOf(tau), ErrorScale::steps / 2 - 1);
        EXPECT_EQ(scale.stepOf(std::nextafter(tau, 1.0)), ErrorScale::steps / 2);
    }
}

TEST(ErrorScale, TheThresholdStandsInTheMiddleOfTheLegend)
{
    const ErrorScale scale = ErrorScale::anchored(1e-5, 1e-2, 0.4);
    EXPECT_DOUBLE_EQ(scale.positionOf(1e-2), 0.5);
    EXPECT_DOUBLE_EQ(scale.positionOf(1e-5), 0.0);
    EXPECT_DOUBLE_EQ(scale.positionOf(0.4), 1.0);
    for (const double position : {0.1, 0.35, 0.5, 0.77, 0.99})
        EXPECT_NEAR(scale.positionOf(scale.valueAt(position)), position, 1e-12); // a pow and a log
}

TEST(ErrorScale, ADifferenceKeepsItsSignAndIsHeldAgainstNoThreshold)
{
    const ErrorScale scale = ErrorScale::diverging(1e-3, 10);
    EXPECT_FALSE(scale.hasThreshold());
    EXPECT_EQ(scale.low(), -10);
    EXPECT_EQ(scale.stepOf(-10), 0);
    EXPECT_EQ(scale.stepOf(10), ErrorScale::steps - 1);
    for (const double magnitude : {1e-6, 2e-3, 0.05, 0.7, 9.0, 1e4})
        EXPECT_EQ(scale.stepOf(magnitude) + scale.stepOf(-magnitude), ErrorScale::steps - 1) << magnitude;
    EXPECT_EQ(scale.positionOf(0), 0.5);
    EXPECT_DOUBLE_EQ(scale.positionOf(scale.valueAt(0.2)), 0.2);
    EXPECT_NE(scale.colourOf(0, lightTokens()), scale.colourOf(ErrorScale::steps - 1, lightTokens()));
    EXPECT_EQ(scale.withRange(-10, 4).low(), -4) << "both ends follow the one that moved";
}

TEST(ErrorScale, ADifferenceHasItsSignInTheMarginsOfAMapAsWell)
{
    TokenMap map;
    map.blocks = {0};
    map.prompts.push_back(
        {QStringLiteral("a"), QStringLiteral("a b"), {Token{1, QStringLiteral("a")}, Token{2, QStringLiteral("b")}}});
    auto cell = std::make_shared<MapCell>();
    cell->error = {-3, 1};
    map.cells = {cell};
    map.thresholds = noThresholds();
    HeatmapValues values;
    values.build(map, Metric::Error, arrange(map, Metric::Error, HeatmapLayout()), Aggregate::Extreme,
                 ErrorScale::fitted(map, Metric::Error));
    EXPECT_EQ(values.columnMarginal(0).extreme, -3) << "the furthest from zero, not its magnitude";
    EXPECT_EQ(values.columnMarginal(0).mean, -1);
}

TEST(ErrorScale, WhatIsNotMeasuredHasNoStep)
{
    EXPECT_EQ(ErrorScale::anchored(1e-5, 1e-2, 1).stepOf(missing), -1);
}

TEST(ErrorScale, ZeroIsAMeasurement)
{
    EXPECT_EQ(ErrorScale::anchored(1e-5, 1e-2, 1).stepOf(0.0), 0);
}

TEST(ErrorScale, StepsNeverDecrease)
{
    for (const ErrorScale& scale : {ErrorScale::anchored(1e-6, 1e-2, 3), ErrorScale::sequential(1e-3, 10)}) {
        int last = 0;
        for (double value = 1e-8; value < 100; value *= 1.01) {
            const int step = scale.stepOf(value);
            EXPECT_GE(step, last);
            EXPECT_LT(step, ErrorScale::steps);
            last = step;
        }
        EXPECT_EQ(last, ErrorScale::steps - 1);
    }
}

TEST(ErrorScale, ALinearScaleBeginsAtZeroAndIsAnchoredToo)
{
    const ErrorScale scale = ErrorScale::anchored(0, 1e-2, 0.5, ScaleKind::Linear);
    EXPECT_EQ(scale.low(), 0);
    EXPECT_DOUBLE_EQ(scale.positionOf(5e-3), 0.25);
    EXPECT_DOUBLE_EQ(scale.positionOf(1e-2), 0.5);
    EXPECT_DOUBLE_EQ(scale.valueAt(0.75), 0.255);
    EXPECT_EQ(scale.stepOf(1e-2), ErrorScale::steps / 2 - 1);
    EXPECT_EQ(scale.stepOf(std::nextafter(1e-2, 1.0)), ErrorScale::steps / 2);
    EXPECT_EQ(scale.stepOf(0), 0);
}

TEST(ErrorScale, CoverageRunsFromAllToNoneAndIsWarmBelowAlpha)
{
    const ErrorScale scale = ErrorScale::coverage(0.94);
    EXPECT_EQ(scale.stepOf(1), 0);
    EXPECT_EQ(scale.stepOf(std::nextafter(1.0, 0.0)), 1) << "nearly all is not all";
    EXPECT_LT(scale.stepOf(0.94), ErrorScale::steps / 2);
    EXPECT_EQ(scale.stepOf(std::nextafter(0.94, 0.0)), ErrorScale::steps / 2);
    EXPECT_EQ(scale.stepOf(0), ErrorScale::steps - 1);
    EXPECT_DOUBLE_EQ(scale.positionOf(0.94), 0.5);
    EXPECT_TRUE(scale.isWithin(0.94));
    EXPECT_FALSE(scale.isWithin(0.939));
    int last = 0;
    for (double share = 1; share >= 0; share -= 0.001) {
        EXPECT_GE(scale.stepOf(share), last);
        last = scale.stepOf(share);
    }
}

// A map on which everything is covered must not look like one on which nothing was measured.
TEST(ErrorScale, WhatIsCoveredStandsOutFromTheGroundInBothAppearances)
{
    const auto distance = [](const QColor& a, const QColor& b) {
        return std::abs(a.red() - b.red()) + std::abs(a.green() - b.green()) + std::abs(a.blue() - b.blue());
    };
    for (const Tokens* tokens : {&lightTokens(), &darkTokens()})
        for (const QColor& ground : {tokens->window, tokens->panel})
            EXPECT_GE(distance(ErrorScale::coverage(0.94).colourOf(0, *tokens), ground), 30);
}

TEST(ErrorScale, OnADarkGroundTheSmallDifferencesAreTheDarkOnes)
{
    const ErrorScale scale = ErrorScale::diverging(1e-3, 1);
    for (int step = 0; step < ErrorScale::steps / 2 - 1; ++step) {
        EXPECT_GT(scale.colourOf(step, darkTokens()).lightness(), scale.colourOf(step + 1, darkTokens()).lightness());
        EXPECT_LT(scale.colourOf(step, lightTokens()).lightness(), scale.colourOf(step + 1, lightTokens()).lightness());
    }
    EXPECT_LT(scale.colourOf(ErrorScale::steps / 2, darkTokens()).lightness(), 90);
}

TEST(ErrorScale, AnAlphaOfOneLeavesNoDivisionByZero)
{
    const ErrorScale scale = ErrorScale::coverage(1);
    EXPECT_EQ(scale.stepOf(1), 0);
    EXPECT_GE(scale.stepOf(0.999), ErrorScale::steps / 2);
    EXPECT_TRUE(std::isfinite(scale.positionOf(1)));
    EXPECT_TRUE(std::isfinite(ErrorScale::coverage(0).positionOf(0)));
}

TEST(ErrorScale, ALinearFitIsNotFlattenedByOneOutlier)
{
    TokenMap map;
    map.blocks = {0};
    map.prompts.push_back({QStringLiteral("p"), {}, std::vector<Token>(300)});
    auto cell = std::make_shared<MapCell>();
    cell->error.assign(300, 2e-3);
    cell->error[7] = 80;
    map.cells.push_back(cell);
    const ErrorScale scale = ErrorScale::fitted(map, Metric::Error, ScaleKind::Linear);
    EXPECT_DOUBLE_EQ(scale.high(), 2e-2);
    EXPECT_TRUE(scale.clipsHigh());
    EXPECT_FALSE(scale.clipsLow());
    EXPECT_EQ(scale.stepOf(80), ErrorScale::steps - 1) << "the outlier keeps the strongest colour";
}

TEST(ErrorScale, AnotherRangeKeepsKindAndThreshold)
{
    const ErrorScale scale = ErrorScale::anchored(1e-5, 1e-2, 1).withRange(1e-4, 0.2);
    EXPECT_EQ(scale.low(), 1e-4);
    EXPECT_EQ(scale.high(), 0.2);
    EXPECT_EQ(scale.threshold(), 1e-2);
    EXPECT_TRUE(ErrorScale::coverage(0.9).withRange(0.5, 0.6).sameRange(ErrorScale::coverage(0.9)));
}

TEST(ErrorScale, RoundTicksAreMultiplesOfOneTwoOrFive)
{
    EXPECT_EQ(roundTicks(0, 1, 5), (std::vector<double>{0, 0.2, 0.4, 0.6, 0.8, 1}));
    EXPECT_EQ(roundTicks(0.3, 7.1, 4), (std::vector<double>{2, 4, 6}));
    EXPECT_EQ(roundTicks(0, 30, 6), (std::vector<double>{0, 5, 10, 15, 20, 25, 30}));
    EXPECT_TRUE(roundTicks(1, 1, 5).empty());
    EXPECT_TRUE(roundTicks(1e300, std::nextafter(1e300, 2e300), 5).empty());
}

TEST(ErrorScale, ImpossibleRangesAreWidened)
{
    const ErrorScale scale = ErrorScale::anchored(5, 1e-2, 1e-9);
    EXPECT_LT(scale.low(), scale.threshold());
    EXPECT_GT(scale.high(), scale.threshold());
    const ErrorScale flat = ErrorScale::sequential(0, 0);
    EXPECT_GT(flat.high(), flat.low());
    EXPECT_TRUE(std::isfinite(flat.positionOf(1)));
}

TEST(ErrorScale, SignedValuesAreColouredByMagnitude)
{
    const ErrorScale scale = ErrorScale::anchored(1e-6, 1e-3, 1e-1);
    EXPECT_EQ(scale.stepOf(-2e-3), scale.stepOf(2e-3));
}

TEST(ErrorScale, AFittedScaleShowsAtLeastADecadeOnBothSidesOfTheThreshold)
{
    TokenMap map;
    map.blocks = {0};
    map.prompts.push_back({QStringLiteral("p"), {}, {Token{}, Token{}}});
    auto cell = std::make_shared<MapCell>();
    cell->error = {0.011, 0.012};
    map.cells.push_back(cell);
    const ErrorScale scale = ErrorScale::fitted(map, Metric::Error);
    EXPECT_LE(scale.low(), 1e-3);
    EXPECT_GE(scale.high(), 1e-1);
    EXPECT_EQ(scale.stepOf(0.012), ErrorScale::steps / 2); // barely above: the first warm step
}

TEST(ErrorScale, AFittedScaleMarksWhatItClips)
{
    TokenMap map;
    map.blocks = {0};
    map.prompts.push_back({QStringLiteral("p"), {}, std::vector<Token>(300)});
    auto cell = std::make_shared<MapCell>();
    cell->error.assign(300, 2e-4);
    cell->error[0] = 1e-9; // one outlier below must not stretch the scale
    map.cells.push_back(cell);
    const ErrorScale scale = ErrorScale::fitted(map, Metric::Error);
    EXPECT_GE(scale.low(), 1e-5);
    EXPECT_TRUE(scale.clipsLow());
    EXPECT_FALSE(scale.clipsHigh());
}

TEST(ErrorScale, AnEmptyMapStillHasAScale)
{
    TokenMap map;
    EXPECT_TRUE(ErrorScale::fitted(map, Metric::Error).hasThreshold());
    EXPECT_FALSE(ErrorScale::fitted(map, Metric::Margin).hasThreshold());
}

TEST(ErrorScale, TicksArePowersOfTenInsideTheRange)
{
    const std::vector<double> ticks = ErrorScale::anchored(1e-5, 1e-2, 0.4).ticks();
    ASSERT_EQ(ticks.size(), 5U);
    EXPECT_DOUBLE_EQ(ticks.front(), 1e-5);
    EXPECT_DOUBLE_EQ(ticks.back(), 1e-1);
}

TEST(ErrorScale, WarmColoursStartRightAboveTheThreshold)
{
    const ErrorScale scale = ErrorScale::anchored(1e-5, 1e-2, 0.4);
    for (const Tokens* tokens : {&lightTokens(), &darkTokens()}) {
        EXPECT_EQ(scale.colourOf(4, *tokens), tokens->cool[4]);
        EXPECT_EQ(scale.colourOf(5, *tokens), tokens->warm[0]);
    }
}

TEST(ColourMaps, AreCompiledIn)
{
    ASSERT_EQ(cividis().size(), 10U);
    ASSERT_EQ(blueOrange().size(), 11U);
    EXPECT_EQ(cividis().front(), QColor(0x00, 0x22, 0x4E));
    EXPECT_GT(blueOrange().front().blue(), blueOrange().front().red());
    EXPECT_GT(blueOrange().back().red(), blueOrange().back().blue());
}

TEST(ColourMaps, CividisGrowsLighterWithEveryStep)
{
    for (std::size_t i = 1; i < cividis().size(); ++i)
        EXPECT_GT(qGray(cividis()[i].rgb()), qGray(cividis()[i - 1].rgb()));
}

}
