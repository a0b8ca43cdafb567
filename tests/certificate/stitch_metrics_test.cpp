// The measures of a stitched model, from small tables whose results can be worked out by hand.
#include "engine/certificate/stitch_layout.h"
#include "engine/certificate/stitch_metrics.h"

#include <gtest/gtest.h>

#include <cmath>

namespace blockcert::certificate {
namespace {

// Two prompts of 3 and 2 tokens, two layers.
StitchColumns columns()
{
    StitchColumns c;
    c.offset = {0, 3, 5};
    c.tokenId = {1, 2, 3, 4, 5};
    c.labelId = {7, -1};
    c.layers = 2;
    c.residualL2 = {0, 0, 0, 0, 0, 0.5, 1, 0.25, 4, 0.25};
    c.residualMae = {0, 0, 0, 0, 0, 0.125, 0.25, 0.0625, 1, 0.0625};
    c.residualMax = {0, 0, 0, 0, 0, 0.375, 0.75, 0.125, 3, 0.125};
    c.residualNorm = {2, 2, 2, 2, 2, 2, 2, 2, 2, 2};
    c.lossBase = {1, 2, 4};
    c.lossStitched = {1, 2.5, 4.25};
    c.divergence = {0, 0.5, 0.25, 1, 0};
    c.topIdBase = {9, 0, 0, 0, 0, 9, 0, 0, 0, 0, 7, 0, 0, 0, 0, 9, 0, 0, 0, 0, 9, 0, 0, 0, 0};
    c.topIdStitched = c.topIdBase;
    c.topIdStitched[5] = 8;  // prompt 0, token 1
    c.topIdStitched[10] = 6; // prompt 0, token 2: its last
    c.topLogitBase.assign(25, 0.0);
    c.topLogitStitched.assign(25, 0.0);
    return c;
}

const std::vector<std::string> ids = {"a", "b"};

TEST(StitchMetrics, OfLayersAreEquationFiveAndTheLargestResidual)
{
    const StitchMetrics metrics = measureStitch(columns(), ids, {});
    ASSERT_EQ(metrics.layers.size(), 2U);
    EXPECT_EQ(metrics.layers[0].mae, 0);
    EXPECT_EQ(metrics.layers[1].mae, 6.0 / 5);
    EXPECT_EQ(metrics.layers[1].coordinateMae, 1.5 / 5);
    EXPECT_EQ(metrics.layers[1].largest, 4);
    EXPECT_EQ(metrics.layers[1].largestCoordinate, 3);
    EXPECT_EQ(metrics.layers[1].worst, (TokenLocation{{1}, 0}));
    EXPECT_EQ(metrics.largest, (LargestResidual{{1}, {{1}, 0}, 4}));
    EXPECT_EQ(metrics.prompts[0].largestResidual, 1);
    EXPECT_EQ(metrics.prompts[1].largestResidual, 4);
}

TEST(StitchMetrics, OfLossesAreMeansExponentialsAndEquationEight)
{
    Policy policy;
    policy.tauLoss = 0.25;
    const StitchMetrics metrics = measureStitch(columns(), ids, policy);
    EXPECT_EQ(metrics.perplexity->meanBaseline, 7.0 / 3);
    EXPECT_EQ(metrics.perplexity->meanStitched, 7.75 / 3);
    EXPECT_DOUBLE_EQ(metrics.perplexity->baseline, std::exp(7.0 / 3));
    EXPECT_EQ(metrics.perplexity->difference(), metrics.perplexity->stitched - metrics.perplexity->baseline);
    EXPECT_EQ(metrics.loss.value, 5.0 / 7); // the token of loss 2 moves by 0.5
    EXPECT_EQ(metrics.loss.tokens, (Fraction{2, 3}));
    EXPECT_EQ(metrics.loss.maxDifference, 0.5);
    EXPECT_EQ(metrics.prompts[0].perplexity->meanBaseline, 1.5);
    EXPECT_EQ(metrics.prompts[1].loss.value, 1.0);
}

TEST(StitchMetrics, OfNextTokensCountTheHighestLogitAlone)
{
    const StitchMetrics metrics = measureStitch(columns(), ids, {});
    EXPECT_EQ(metrics.agreement, (Fraction{3, 5}));
    EXPECT_EQ(metrics.prompts[0].agreement, (Fraction{1, 3}));
    EXPECT_EQ(metrics.prompts[0].firstToken, 1);
    EXPECT_EQ(metrics.prompts[1].firstToken, std::nullopt);
    EXPECT_EQ(metrics.divergence.mean, 1.75 / 5);
    EXPECT_EQ(metrics.divergence.largest, 1);
    EXPECT_EQ(metrics.divergence.worst, (TokenLocation{{1}, 0}));
    EXPECT_EQ(metrics.divergence.quantiles.q50, 0.25);
    EXPECT_EQ(metrics.prompts[0].meanDivergence, 0.25);
}

TEST(StitchMetrics, OfFirstLayersFollowTheMeasureThatDecides)
{
    Policy policy;
    policy.tauAct = 1;
    StitchMetrics metrics = measureStitch(columns(), ids, policy);
    EXPECT_EQ(metrics.prompts[0].firstLayer, std::nullopt); // 1 does not exceed 1
    EXPECT_EQ(metrics.prompts[1].firstLayer, LayerIndex{1});
    policy.measure = ErrorMeasure::RelativeL2;
    policy.tauRel = 0.3;
    metrics = measureStitch(columns(), ids, policy);
    EXPECT_EQ(metrics.prompts[0].firstLayer, LayerIndex{1}); // 1 / 2
}

TEST(StitchMetrics, OfLabelledPromptsLookAtTheTokenAfterTheirEnd)
{
    const StitchMetrics metrics = measureStitch(columns(), ids, {});
    ASSERT_TRUE(metrics.semantic);
    EXPECT_EQ(metrics.semantic->baseline.share, (Fraction{1, 1}));
    EXPECT_EQ(metrics.semantic->stitched.share, (Fraction{0, 1}));
    EXPECT_EQ(metrics.semantic->agreement.share, (Fraction{0, 1}));
    StitchColumns unlabelled = columns();
    unlabelled.labelId = {-1, -1};
    EXPECT_EQ(measureStitch(unlabelled, ids, {}).semantic, std::nullopt);
}

TEST(StitchMetrics, OfPromptsThatPredictNothingAreNull)
{
    StitchColumns c = columns();
    c.offset = {0, 1};
    c.tokenId = {1};
    c.labelId = {-1};
    c.lossBase.clear();
    c.lossStitched.clear();
    c.divergence = {0};
    const StitchMetrics metrics = measureStitch(c, std::vector<std::string>{"a"}, {});
    EXPECT_EQ(metrics.perplexity, std::nullopt);
    EXPECT_EQ(metrics.loss.value, std::nullopt);
    EXPECT_EQ(judgeStitch(metrics, {}, {}).front().code, "loss_coverage_missing");
}

TEST(StitchMetrics, MakeACertifiedModelOnlyOfCertifiedBlocksAndKeptLoss)
{
    Policy policy;
    policy.tauLoss = 1;
    const StitchMetrics metrics = measureStitch(columns(), ids, policy);
    EXPECT_TRUE(judgeStitch(metrics, {}, policy).empty());
    const std::vector<LayerIndex> bad = {{1}, {3}, {4}, {5}};
    const auto findings = judgeStitch(metrics, bad, policy);
    ASSERT_EQ(findings.size(), 1U);
    EXPECT_EQ(findings[0].code, "blocks_not_certified");
    EXPECT_EQ(findings[0].where, "blocks 1, 3–5");
    EXPECT_EQ(judgeStitch(metrics, std::span(bad).first(1), policy)[0].where, "block 1");
    policy.tauLoss = 0;
    EXPECT_EQ(judgeStitch(measureStitch(columns(), ids, policy), {}, policy)[0].code, "loss_coverage_below");
}

// statsmodels.stats.proportion.proportion_confint(count, nobs, method="wilson")
TEST(StitchMetrics, GiveWilsonsInterval)
{
    const Proportion two = wilson({2, 30});
    EXPECT_NEAR(two.low, 0.018477, 1e-5);
    EXPECT_NEAR(two.high, 0.213234, 1e-5);
    const Proportion all = wilson({30, 30});
    EXPECT_NEAR(all.low, 0.886486, 1e-5);
    EXPECT_EQ(all.high, 1);
    EXPECT_EQ(wilson({0, 7}).low, 0);
    EXPECT_EQ(wilson({0, 0}).high, 1);
}

TEST(StitchMetrics, NameThePrefixAndTheBlockThatBringAnEventAbout)
{
    Bisection loss{BisectEvent::LargestLossChange, {}, {{{2}, -0.1, -0.1}, {{4}, -0.6, -0.5}, {{7}, -1, -0.7}}, {}, {}};
    concludeBisection(loss, false, -1);
    EXPECT_EQ(loss.prefix, LayerIndex{4}); // half of −1
    EXPECT_EQ(loss.single, LayerIndex{7});
    concludeBisection(loss, false, -4);
    EXPECT_EQ(loss.prefix, std::nullopt);
    EXPECT_EQ(loss.single, std::nullopt);

    Bisection token{BisectEvent::FirstDivergence, {}, {{{0}, -1, 0}, {{1}, 0, -2}, {{2}, 3, -1}}, {}, {}};
    concludeBisection(token, false, 0);
    EXPECT_EQ(token.prefix, LayerIndex{2});
    EXPECT_EQ(token.single, std::nullopt);
    concludeBisection(token, true, 0); // a tie goes to the lower id
    EXPECT_EQ(token.prefix, LayerIndex{1});
    EXPECT_EQ(token.single, LayerIndex{0});
}

TEST(StitchLayout, NamesArePlainAndPathsAreReadBack)
{
    for (const char* good : {"a", "0123456789ab", "all-30_blocks.v2"}) {
        EXPECT_TRUE(isStitchName(good)) << good;
        EXPECT_EQ(stitchNamed(stitchCertificatePath(good)), good);
    }
    for (const char* bad : {"", ".", "..", ".hidden", "a/b", "a b", "ü"})
        EXPECT_FALSE(isStitchName(bad)) << bad;
    EXPECT_FALSE(isStitchName(std::string(65, 'a')));
    for (const char* path : {"stitch/certificate.json", "stitch//certificate.json", "stitch/a/replay.h5",
                             "stitch/a/b/certificate.json", "block_00/certificate.json", "stitch/../certificate.json"})
        EXPECT_FALSE(stitchNamed(path)) << path;
}

TEST(StitchLayout, TheDigestOfARequestChangesWithEveryPartOfIt)
{
    const StitchRequest request{{{{3}, "block_03/certificate.json", std::string(64, 'a')}}, DType::F64, false};
    StitchRequest other = request;
    EXPECT_EQ(stitchRequestDigest(request), stitchRequestDigest(other));
    other.bisect = true;
    EXPECT_NE(stitchRequestDigest(request), stitchRequestDigest(other));
    other = request;
    other.replayDtype = DType::F32;
    EXPECT_NE(stitchRequestDigest(request), stitchRequestDigest(other));
    other = request;
    other.blocks[0].sha256[0] = 'b';
    EXPECT_NE(stitchRequestDigest(request), stitchRequestDigest(other));
}

}
}
