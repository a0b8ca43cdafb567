#include "widgets/next_tokens.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>

namespace blockcert::widgets {

namespace {

// A whole vocabulary of logits; the five highest are what a run keeps.
const std::vector<double>& logits()
{
    static const std::vector<double> all{2.5, -1, 0.25, 4, 3.5, 1, -2, 0, 3, 0.5};
    return all;
}

double logNormaliser()
{
    double sum = 0;
    for (const double logit : logits())
        sum += std::exp(logit);
    return std::log(sum);
}

Prediction predictionWith(std::int32_t next)
{
    Prediction prediction;
    for (const std::int32_t id : {3, 4, 8, 0, 5})
        prediction.top.push_back({id, {}, logits()[static_cast<std::size_t>(id)]});
    prediction.next = next;
    prediction.nextLoss = logNormaliser() - logits()[static_cast<std::size_t>(next)];
    return prediction;
}

}

TEST(NextTokens, TheLossOfATokenAmongTheFiveGivesEveryProbability)
{
    for (const std::int32_t next : {3, 0, 5}) {
        const Prediction prediction = predictionWith(next);
        const auto likelihoods = likelihoodsOf(prediction);
        ASSERT_EQ(likelihoods.size(), 5U);
        for (std::size_t i = 0; i < 5; ++i) {
            EXPECT_FALSE(likelihoods[i].isUpperBound);
            // One exp and one division against ten exps and a log: a few ulp each.
            EXPECT_NEAR(likelihoods[i].value, std::exp(prediction.top[i].logit - logNormaliser()), 1e-14);
        }
    }
}

TEST(NextTokens, OtherwiseTheFiveAreBoundedFromAbove)
{
    Prediction prediction = predictionWith(7);
    const auto with = likelihoodsOf(prediction);
    prediction.nextLoss = missing;
    const auto without = likelihoodsOf(prediction);
    for (std::size_t i = 0; i < 5; ++i) {
        const double exact = std::exp(prediction.top[i].logit - logNormaliser());
        EXPECT_TRUE(with[i].isUpperBound);
        EXPECT_GE(with[i].value, exact);
        EXPECT_GE(without[i].value, with[i].value) << "the loss of the following token tightens the bound";
        EXPECT_LE(without[i].value, 1.0);
    }
}

TEST(NextTokens, HugeLogitsDoNotOverflow)
{
    Prediction prediction;
    prediction.top = {{1, {}, 2000}, {2, {}, 1990}};
    const auto likelihoods = likelihoodsOf(prediction);
    EXPECT_NEAR(likelihoods[0].value, 1 / (1 + std::exp(-10.0)), 1e-15);
    EXPECT_TRUE(std::isfinite(likelihoods[1].value));
}

TEST(NextTokens, AMissingLogitLeavesNoNumber)
{
    Prediction prediction;
    prediction.top = {{1, {}, 3}, {2, {}, missing}};
    for (const Likelihood& likelihood : likelihoodsOf(prediction))
        EXPECT_TRUE(isMissing(likelihood.value));
    EXPECT_TRUE(likelihoodsOf({}).empty());
}

TEST(NextTokens, ShiftsCountRanksUpwards)
{
    const TopFive original{{1, {}, 5}, {2, {}, 4}, {3, {}, 3}};
    const TopFive surrogate{{3, {}, 5}, {1, {}, 4}, {9, {}, 3}};
    EXPECT_EQ(rankShifts(original, surrogate), (std::vector<std::optional<int>>{2, -1, std::nullopt}));
}

TEST(NextTokens, TheTokenThatFollowsIsTheOneWhoseLossCounts)
{
    TokenMap map;
    map.blocks = {4};
    map.prompts.push_back({QStringLiteral("p"), {}, {Token{7, {}, {}}, Token{8, {}, {}}}});
    auto cell = std::make_shared<MapCell>();
    cell->topBase = {{{8, {}, 2}}, {{9, {}, 1}}};
    cell->lossBase = {missing, 0.125};
    cell->lossStitched = {missing, 0.5};
    map.cells = {cell};
    const Prediction first = predictionOf(map, {4, 0, 0}, false);
    EXPECT_EQ(first.next, 8);
    EXPECT_EQ(first.nextLoss, 0.125);
    EXPECT_EQ(first.top.front().id, 8);
    EXPECT_FALSE(predictionOf(map, {4, 0, 1}, false).next) << "nothing follows the last token";
    EXPECT_TRUE(predictionOf(map, {4, 0, 0}, true).top.empty());
    EXPECT_TRUE(predictionOf(map, {5, 0, 0}, false).top.empty());
}

}
