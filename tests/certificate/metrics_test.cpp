#include "engine/certificate/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

namespace blockcert::certificate {
namespace {

using ::testing::ElementsAre;

// Owns what TokenMeasurements looks at.
struct Column {
    std::vector<std::int64_t> offset;
    std::vector<double> error;
    std::vector<double> norm;
    std::vector<std::uint8_t> path;
    std::vector<double> base;
    std::vector<double> stitched;

    [[nodiscard]] TokenMeasurements view() const
    {
        TokenMeasurements tokens;
        for (std::size_t p = 0; p + 1 < offset.size(); ++p)
            tokens.promptIds.push_back("p" + std::to_string(p));
        tokens.offset = offset;
        tokens.error = error;
        tokens.outputNorm = norm;
        tokens.pathAgrees = path;
        tokens.lossBase = base;
        tokens.lossStitched = stitched;
        return tokens;
    }
};

// Two prompts of 3 and 2 tokens:
//   error  .001 .02 .01 | .5 .003      norm  1 2 1 | 10 0.5      losses  - 1 3 | - 4
Column twoPrompts()
{
    return {{0, 3, 5},       {0.001, 0.02, 0.01, 0.5, 0.003}, {1, 2, 1, 10, 0.5}, {1, 1, 0, 1, 1}, {1, 3, 4},
            {1.0005, 3.5, 4}};
}

TEST(Metrics, AreThePapersOnAHandComputedPicture)
{
    Policy policy;
    policy.tauRel = 0.01;
    const CoverageMetrics metrics = measure(twoPrompts().view(), policy);
    EXPECT_EQ(metrics.l2.epsilon, 0.5);
    EXPECT_EQ(metrics.l2.worst, (TokenLocation{{1}, 0}));
    EXPECT_EQ(metrics.l2.mean, (0.001 + 0.02 + 0.01 + 0.5 + 0.003) / 5);
    EXPECT_EQ(metrics.l2.coverage, (Fraction{3, 5})); // .001, .01 (equal counts) and .003
    EXPECT_EQ(metrics.relative.epsilon, 0.05);
    EXPECT_EQ(metrics.relative.coverage, (Fraction{4, 5})); // .001 .01 .01 .05 .006
    EXPECT_EQ(metrics.path, (Fraction{4, 5}));
    EXPECT_EQ(metrics.loss.totalLoss, 8);
    EXPECT_EQ(metrics.loss.coveredLoss, 5);
    EXPECT_EQ(metrics.loss.value, 5.0 / 8.0);
    EXPECT_EQ(metrics.loss.tokens, (Fraction{2, 3}));
    EXPECT_EQ(metrics.loss.maxDifference, 0.5);
    EXPECT_EQ(metrics.loss.why, "");
}

TEST(Metrics, GiveARowForEachPrompt)
{
    const CoverageMetrics metrics = measure(twoPrompts().view(), Policy{});
    ASSERT_EQ(metrics.prompts.size(), 2U);
    EXPECT_EQ(metrics.prompts[0].id, "p0");
    EXPECT_EQ(metrics.prompts[0].tokens, 3);
    EXPECT_EQ(metrics.prompts[0].l2.epsilon, 0.02);
    EXPECT_EQ(metrics.prompts[0].l2.worst, (TokenLocation{{0}, 1}));
    EXPECT_EQ(metrics.prompts[0].loss.value, 0.25); // 1 of 1 + 3
    EXPECT_EQ(metrics.prompts[1].l2.worst, (TokenLocation{{1}, 0}));
    EXPECT_EQ(metrics.prompts[1].path, (Fraction{2, 2}));
    EXPECT_EQ(metrics.prompts[1].loss.value, 1.0);
}

TEST(Metrics, NameTheFirstOfSeveralWorstTokens)
{
    Column column{{0, 2, 4}, {0.1, 0.3, 0.3, 0.2}, {1, 1, 1, 1}, {1, 1, 1, 1}, {}, {}};
    EXPECT_EQ(measure(column.view(), Policy{}).l2.worst, (TokenLocation{{0}, 1}));
}

TEST(Metrics, TakeNearestRankQuantiles)
{
    std::vector<double> values(20);
    for (std::size_t i = 0; i < values.size(); ++i)
        values[i] = static_cast<double>((i * 7) % 20 + 1); // a permutation of 1 … 20
    EXPECT_EQ(nearestRankQuantiles(values), (Quantiles{10, 18, 19, 20}));
    EXPECT_EQ(nearestRankQuantiles(std::vector<double>{3.5}), (Quantiles{3.5, 3.5, 3.5, 3.5}));
    EXPECT_EQ(nearestRankQuantiles({}), Quantiles{});
}

TEST(Metrics, RankWholeNumbersExactlyWhereFloatingPointProductsWouldNot)
{
    // ⌈0.95 · n⌉ for n = 1 … 2000 by counting: the smallest k with 100 k ≥ 95 n.
    for (std::size_t n = 1; n <= 2000; ++n) {
        std::vector<double> values(n);
        for (std::size_t i = 0; i < n; ++i)
            values[i] = static_cast<double>(i + 1);
        std::size_t k = 1;
        while (100 * k < 95 * n)
            ++k;
        ASSERT_EQ(nearestRankQuantiles(values).q95, static_cast<double>(k)) << n;
    }
}

TEST(Metrics, CountARelativeErrorOfZeroOverZeroAsCoveredAndOfSomethingOverZeroNot)
{
    Column column{{0, 3}, {0, 0.25, 0.1}, {0, 0, 1}, {1, 1, 1}, {}, {}};
    Policy policy;
    policy.tauRel = 1e300;
    const CoverageMetrics metrics = measure(column.view(), policy);
    EXPECT_EQ(metrics.relative.coverage, (Fraction{2, 3}));
    EXPECT_EQ(metrics.relative.epsilon, 0.1);
    EXPECT_EQ(metrics.relative.mean, 0.05);
    EXPECT_TRUE(std::isfinite(metrics.relative.quantiles.q99));
}

TEST(Metrics, TreatAnOverflowingRelativeErrorAsOneThatDoesNotExist)
{
    const std::vector<double> relative = relativeErrors(std::vector<double>{1e10}, std::vector<double>{5e-324});
    EXPECT_TRUE(std::isinf(relative[0]));
}

TEST(Metrics, AnswerNoLossCoverageRatherThanOne)
{
    Column none = twoPrompts();
    none.base.clear();
    none.stitched.clear();
    EXPECT_EQ(measure(none.view(), Policy{}).loss.value, std::nullopt);
    EXPECT_EQ(measure(none.view(), Policy{}).loss.why, "losses were not measured");

    Column single{{0, 1, 2}, {0.1, 0.2}, {1, 1}, {1, 1}, {}, {}};
    EXPECT_EQ(measure(single.view(), Policy{}).loss.value, std::nullopt);
    EXPECT_EQ(measure(single.view(), Policy{}).loss.why, "no token is predicted");

    Column zero = twoPrompts();
    zero.base = {0, 0, 0};
    zero.stitched = {0, 0, 0};
    EXPECT_EQ(measure(zero.view(), Policy{}).loss.value, std::nullopt);
    EXPECT_EQ(measure(zero.view(), Policy{}).loss.why, "the baseline losses sum to zero");
}

TEST(Metrics, SumAnEstimateAndTakeItForNoCoverage)
{
    const Column column = twoPrompts();
    TokenMeasurements tokens = column.view();
    const std::vector<double> estimate = {0.25, -0.5, 0, 0.125, 0};
    tokens.firstOrder = estimate;
    tokens.lossStitched = {};
    Policy anything;
    anything.alphaAct = anything.alphaLoss = 0;
    const CoverageMetrics metrics = measure(tokens, anything);
    EXPECT_EQ(metrics.firstOrder, (FirstOrderEstimate{-0.125, 8}));
    EXPECT_EQ(metrics.prompts[0].firstOrder, (FirstOrderEstimate{-0.25, 4}));
    EXPECT_EQ(metrics.prompts[1].firstOrder, (FirstOrderEstimate{0.125, 4}));
    EXPECT_EQ(metrics.loss,
              (LossCoverage{std::nullopt, 0, 0, {}, 0, "the loss was estimated (first order), not measured"}));
    EXPECT_EQ(judge(metrics, anything).size(), 1U) << "no policy is met by an estimate";
    EXPECT_FALSE(measure(column.view(), anything).firstOrder);
}

TEST(Metrics, GivePromptsOfOneTokenNoLossWhileOthersHaveOne)
{
    Column column{{0, 1, 3}, {0.1, 0.2, 0.3}, {1, 1, 1}, {1, 1, 1}, {2.5}, {2.5}};
    const CoverageMetrics metrics = measure(column.view(), Policy{});
    EXPECT_EQ(metrics.prompts[0].loss.value, std::nullopt);
    EXPECT_EQ(metrics.prompts[1].loss.value, 1.0);
    EXPECT_EQ(metrics.loss.tokens, (Fraction{1, 1}));
}

TEST(Metrics, CoverMoreAsTheThresholdGrows)
{
    std::mt19937_64 random(7);
    Column column;
    column.offset = {0, 40, 100};
    for (int i = 0; i < 100; ++i) {
        column.error.push_back(static_cast<double>(random() % 1000) / 1000);
        column.norm.push_back(1 + static_cast<double>(random() % 7));
        column.path.push_back(1);
    }
    std::int64_t before = 0;
    for (int step = 0; step <= 20; ++step) {
        Policy policy;
        policy.tauAct = step / 20.0;
        const std::int64_t covered = measure(column.view(), policy).l2.coverage.covered;
        EXPECT_GE(covered, before);
        before = covered;
    }
    EXPECT_EQ(before, 100);
}

TEST(Metrics, AgreeWithTheDefinitionsOnRandomTokens)
{
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        std::mt19937_64 random(seed);
        const auto uniform = [&] { return static_cast<double>(random() >> 11) * 0x1p-53; };
        Column column;
        column.offset = {0};
        for (std::uint64_t p = 0; p < 1 + seed % 4; ++p)
            column.offset.push_back(column.offset.back() + 1 + static_cast<std::int64_t>(random() % 9));
        const auto count = static_cast<std::size_t>(column.offset.back());
        for (std::size_t i = 0; i < count; ++i) {
            column.error.push_back(uniform() * 0.02);
            column.norm.push_back(uniform() * 5 + 1e-3);
            column.path.push_back(random() % 5 != 0);
        }
        for (std::size_t i = 0; i + column.offset.size() - 1 < count; ++i) {
            column.base.push_back(uniform() * 8);
            column.stitched.push_back(column.base.back() + (uniform() - 0.5) * 4e-3);
        }
        const Policy policy;
        const CoverageMetrics metrics = measure(column.view(), policy);

        EXPECT_EQ(metrics.l2.epsilon, *std::max_element(column.error.begin(), column.error.end()));
        EXPECT_EQ(metrics.l2.coverage.covered,
                  std::count_if(column.error.begin(), column.error.end(), [](double e) { return e <= 1e-2; }));
        std::vector<double> sorted = column.error;
        std::sort(sorted.begin(), sorted.end());
        std::size_t median = 1;
        while (2 * median < count)
            ++median;
        EXPECT_EQ(metrics.l2.quantiles.q50, sorted[median - 1]);
        double covered = 0;
        double total = 0;
        for (std::size_t i = 0; i < column.base.size(); ++i) {
            total += column.base[i];
            if (std::abs(column.stitched[i] - column.base[i]) <= 1e-3)
                covered += column.base[i];
        }
        if (total > 0) {
            EXPECT_EQ(metrics.loss.value, covered / total);
        }
    }
}

CoverageMetrics withCoverages(Fraction l2, Fraction relative, std::optional<double> loss)
{
    CoverageMetrics metrics;
    metrics.l2.coverage = l2;
    metrics.relative.coverage = relative;
    metrics.loss.value = loss;
    metrics.loss.why = loss ? "" : "losses were not measured";
    return metrics;
}

TEST(Judge, CertifiesExactlyAtTheThresholds)
{
    EXPECT_THAT(judge(withCoverages({47, 50}, {0, 50}, 0.9), Policy{}), ElementsAre()); // 47/50 = 0.94
}

TEST(Judge, NamesEveryCriterionThatIsNotMet)
{
    const auto findings = judge(withCoverages({46, 50}, {50, 50}, 0.89), Policy{});
    EXPECT_THAT(findings, ElementsAre(CertificateFinding{"activation_coverage_below", "", 0.92, 0.94},
                                      CertificateFinding{"loss_coverage_below", "", 0.89, 0.9}));
}

TEST(Judge, LooksAtTheRelativeMeasureWhereThePolicySaysSo)
{
    Policy policy;
    policy.measure = ErrorMeasure::RelativeL2;
    EXPECT_THAT(judge(withCoverages({0, 50}, {50, 50}, 1.0), policy), ElementsAre());
    EXPECT_THAT(judge(withCoverages({50, 50}, {0, 50}, 1.0), policy),
                ElementsAre(CertificateFinding{"relative_coverage_below", "", 0.0, 0.94}));
}

TEST(Judge, DoesNotMeetACriterionThatWasNotMeasured)
{
    EXPECT_THAT(
        judge(withCoverages({50, 50}, {50, 50}, std::nullopt), Policy{}),
        ElementsAre(CertificateFinding{"loss_coverage_missing", "losses were not measured", std::nullopt, 0.9}));
}

TEST(Judge, DoesNotCertifyAnEmptyTrace)
{
    EXPECT_FALSE(judge(withCoverages({0, 0}, {0, 0}, 1.0), Policy{}).empty());
}

TEST(Norms, SumInIndexOrder)
{
    const std::vector<double> a = {3, 4};
    const std::vector<double> b = {0, 0};
    EXPECT_EQ(l2Norm(a), 5);
    EXPECT_EQ(l2Distance(a, b), 5);
    // 1e16 + 1 + 1 in this order loses both ones; in the other order it would keep them.
    const std::vector<double> order = {1e8, 1, 1};
    EXPECT_EQ(l2Norm(order), std::sqrt(1e16));
}

}
}
