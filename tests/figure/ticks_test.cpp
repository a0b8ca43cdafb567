// Ticks and ranges against what one would write by hand.
#include "engine/figure/ticks.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <random>

namespace blockcert::figure {
namespace {

std::vector<std::string> labels(const std::vector<Tick>& ticks)
{
    std::vector<std::string> texts;
    for (const Tick& tick : ticks)
        if (!tick.text.empty())
            texts.push_back(tick.text + (tick.exponent.empty() ? "" : "^" + tick.exponent));
    return texts;
}

Axis logAxis()
{
    Axis axis;
    axis.scale = Scale::Log;
    return axis;
}

using testing::ElementsAre;

TEST(Ticks, LinearOnesAreMultiplesOfOneTwoOrFive)
{
    EXPECT_THAT(labels(ticksFor({0, 1}, Scale::Linear, 6)), ElementsAre("0.0", "0.2", "0.4", "0.6", "0.8", "1.0"));
    EXPECT_THAT(labels(ticksFor({0, 10}, Scale::Linear, 5)), ElementsAre("0", "5", "10"));
    EXPECT_THAT(labels(ticksFor({-0.3, 0.3}, Scale::Linear, 4)), ElementsAre("−0.2", "0.0", "0.2"));
    EXPECT_THAT(labels(ticksFor({0, 4e6}, Scale::Linear, 5)), ElementsAre("0", "10^6", "2×10^6", "3×10^6", "4×10^6"));
    EXPECT_THAT(labels(ticksFor({0, 2e-12}, Scale::Linear, 3)), ElementsAre("0", "10^−12", "2×10^−12"));
}

TEST(Ticks, LogOnesAreOneTwoFiveWhereThereIsRoomElseDecades)
{
    EXPECT_THAT(labels(ticksFor({0.1, 1}, Scale::Log, 6)), ElementsAre("0.1", "0.2", "0.5", "1"));
    EXPECT_THAT(labels(ticksFor({1e-4, 1e-2}, Scale::Log, 6)), ElementsAre("10^−4", "10^−3", "10^−2"));
    EXPECT_THAT(labels(ticksFor({1e-5, 1e-4}, Scale::Log, 6)), ElementsAre("10^−5", "2×10^−5", "5×10^−5", "10^−4"));
    EXPECT_THAT(labels(ticksFor({1e-8, 1e2}, Scale::Log, 4)), ElementsAre("10^−6", "10^−3", "10^0"));
}

TEST(Ticks, LogOnesThatSpanDecadesAreAllPowersOfTen)
{
    EXPECT_THAT(labels(ticksFor({1e-2, 1e3}, Scale::Log, 8)),
                ElementsAre("10^−2", "10^−1", "10^0", "10^1", "10^2", "10^3"));
    EXPECT_THAT(labels(ticksFor({0.01, 1}, Scale::Log, 12)), ElementsAre("10^−2", "10^−1", "10^0"));
}

TEST(Ticks, WholeOnesNeverStandAtAHalf)
{
    EXPECT_THAT(wholeTicks(0, 2), ElementsAre(0, 1, 2));
    EXPECT_THAT(wholeTicks(0, 10), ElementsAre(0, 2, 4, 6, 8, 10));
    EXPECT_THAT(wholeTicks(0, 100, 3), ElementsAre(0, 50, 100));
    EXPECT_THAT(wholeTicks(1, 1), ElementsAre(1));
}

TEST(Ticks, MinorLogTicksStandBetweenDecadesAndHaveNoLabel)
{
    int minor = 0;
    for (const Tick& tick : ticksFor({1, 100}, Scale::Log, 4))
        minor += tick.text.empty() ? 1 : 0;
    EXPECT_EQ(minor, 16); // 2 … 9 and 20 … 90
}

TEST(Ticks, ASingleValueIsWrittenAsShortAsItIs)
{
    EXPECT_EQ(tickAt(0.94).text, "0.94");
    EXPECT_EQ(tickAt(29).text, "29");
    EXPECT_EQ(tickAt(1e-5), (Tick{1e-5, "10", "−5"}));
    EXPECT_EQ(tickAt(0.01, Notation::PowerOfTen), (Tick{0.01, "10", "−2"}));
}

TEST(Range, EndsAtRoundNumbersAroundTheValues)
{
    EXPECT_EQ(rangeFor(std::vector<double>{0.3, 9.2}, {}), (Range{0, 10}));
    const Range wide = rangeFor(std::vector<double>{3e-6, 0.02}, logAxis());
    EXPECT_NEAR(std::log10(wide.lower), -6, 1e-12);
    EXPECT_NEAR(std::log10(wide.upper), -1, 1e-12);
    const Range narrow = rangeFor(std::vector<double>{0.3, 0.4}, logAxis());
    EXPECT_NEAR(narrow.lower, 0.2, 1e-12);
    EXPECT_NEAR(narrow.upper, 0.5, 1e-12);
}

TEST(Range, KeepsTheLimitsOfTheAxis)
{
    Axis axis;
    axis.lower = 0;
    axis.upper = 1;
    EXPECT_EQ(rangeFor(std::vector<double>{0.5, 7}, axis), (Range{0, 1}));
}

TEST(Range, IsNeverEmpty)
{
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const std::vector<std::vector<double>> hard = {{}, {0}, {1}, {-3, -3}, {nan}, {0, -1}, {1e-300}, {1e300, 1e-300}};
    for (const auto& values : hard)
        for (const Axis& axis : {Axis{}, logAxis()}) {
            const Range range = rangeFor(values, axis);
            EXPECT_LT(range.lower, range.upper);
            EXPECT_TRUE(axis.scale == Scale::Linear || range.lower > 0);
        }
}

// For any range: ticks ascend, lie inside, and there are no more labels than asked for.
TEST(Ticks, KeepTheirPromisesForRandomRanges)
{
    std::mt19937_64 random(7); // fixed, so that a failure can be repeated
    for (int i = 0; i < 2000; ++i) {
        const auto draw = [&] { return std::pow(10.0, static_cast<double>(random() % 2400) / 100 - 12); };
        const Scale scale = i % 2 == 0 ? Scale::Log : Scale::Linear;
        Axis axis;
        axis.scale = scale;
        const Range range = rangeFor(std::vector<double>{draw(), draw()}, axis);
        const int most = 2 + static_cast<int>(random() % 10);
        const auto ticks = ticksFor(range, scale, most);
        const auto texts = labels(ticks);
        EXPECT_GE(texts.size(), 1U) << range.lower << " … " << range.upper;
        EXPECT_LE(texts.size(), static_cast<std::size_t>(most)) << range.lower << " … " << range.upper;
        for (std::size_t t = 0; t < ticks.size(); ++t) {
            EXPECT_GE(shareOf(ticks[t].value, range, scale), -1e-6);
            EXPECT_LE(shareOf(ticks[t].value, range, scale), 1 + 1e-6);
            if (t > 0) {
                EXPECT_GT(ticks[t].value, ticks[t - 1].value);
            }
        }
    }
}

}
}
