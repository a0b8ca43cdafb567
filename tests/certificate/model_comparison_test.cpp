// What the model computed in double says of recorded numbers, where one of them is no number.
#include "engine/certificate/model_comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace blockcert::certificate {
namespace {

using ::testing::HasSubstr;

constexpr double none = std::numeric_limits<double>::quiet_NaN();

TEST(Worst, WhatIsNoNumberAgreesWithNothing)
{
    Worst worst;
    worst.see(0.5, 1, 0, 3, 2, 2.5);
    worst.see(none, 1, 1, 4, 0.25, none);
    worst.see(0.75, 1, 2, 5, 0, 0);
    EXPECT_TRUE(std::isinf(worst.ratio));
    EXPECT_EQ(worst.prompt, 1);
    EXPECT_EQ(worst.token, 4U) << "the first of them stays";
    Worst nothing;
    nothing.see(0, 0, 0, 0, 1, 1);
    EXPECT_EQ(nothing.ratio, 0) << "equal, however little is allowed";
}

TEST(Worst, GrantsWhatIsCarriedFurtherThatMuchAndNotMore)
{
    const auto rowFor = [](double recorded, double factor) {
        Worst worst;
        worst.see(4e-4, 5e-4, 0, 2, 1, 1.0004, factor); // would pass by itself: its factor does not count
        worst.see(std::abs(recorded - 13.0464), 5e-4, 0, 3, recorded, 13.0464, factor);
        return worstRow(Row("model.loss_base", group::reEvaluation, "block 0", "Losses"), worst, "in double",
                        "the model computes")
            .check();
    };
    EXPECT_EQ(rowFor(13.0477, 1).state, CheckState::Failed);
    EXPECT_EQ(rowFor(13.0477, 2.5).state, CheckState::Failed);
    const Check granted = rowFor(13.0477, 39.5);
    EXPECT_EQ(granted.state, CheckState::Verified);
    EXPECT_THAT(granted.how, HasSubstr("up to 40 times that at 1 place"));
    EXPECT_EQ(rowFor(13.0667, 39.5).state, CheckState::Failed);
    const Check untold = rowFor(13.0477, HUGE_VAL);
    EXPECT_EQ(untold.state, CheckState::Verified);
    EXPECT_THAT(untold.how, HasSubstr("not compared at 1 place"));
    EXPECT_EQ(rowFor(none, HUGE_VAL).state, CheckState::Failed) << "what is no number agrees with nothing";
}

TEST(Worst, CountsWhatItGrantedWhateverComesAfter)
{
    Worst worst;
    worst.see(2, 1, 0, 0, 2, 0, 10);       // granted, the largest so far
    worst.see(3, 1, 0, 1, 3, 0, 4);        // granted, and larger
    worst.see(5, 1, 0, 2, 5, 0, HUGE_VAL); // not compared
    worst.see(0.99, 1, 1, 3, 1, 0.01);     // larger than both, and within what is usual
    EXPECT_EQ(worst.widened, 2);
    EXPECT_EQ(worst.widest, 10);
    EXPECT_EQ(worst.untold, 1);
    EXPECT_DOUBLE_EQ(worst.ratio, 0.99);
    EXPECT_EQ(worst.token, 3U);
    worst.see(none, 1, 2, 4, none, 0);
    EXPECT_EQ(worst.widened, 2);
    EXPECT_EQ(worst.untold, 1);
}

TEST(Worst, WhereNothingCouldBeToldNothingWasVerified)
{
    Worst worst;
    worst.see(2, 1, 0, 0, 2, 0, HUGE_VAL);
    const Row row("model.states", group::reEvaluation, "block 0", "States");
    EXPECT_EQ(worstRow(row, worst, "in double", "the model computes").check().state, CheckState::NotChecked);

    BlockComparison head;
    head.where = "block 0";
    head.state = worst;
    CheckList checks;
    head.report(DType::BF16, LossMode::None, checks);
    const auto& all = checks.checks();
    const auto untold = std::find_if(all.begin(), all.end(), [](const Check& c) { return c.id == "model.untold"; });
    ASSERT_NE(untold, all.end());
    EXPECT_EQ(untold->state, CheckState::NotChecked);
    EXPECT_FALSE(untold->required);
    EXPECT_THAT(untold->detail, HasSubstr("1 comparison"));
}

TEST(BlockComparison, LossesOfAModelThatGivesNoNumbersDoNotHold)
{
    BlockComparison head;
    CellRecord cell;
    cell.lossBase = {0.25};
    cell.lossStitched = {0.25};
    cell.topIdBase = cell.topIdStitched = {0, 1, 2, 3, 4};
    cell.topLogitBase = cell.topLogitStitched = {5, 4, 3, 2, 1};
    head.cells = {cell};
    const std::vector<double> logits(8, none);
    const Allowance allowance = allowanceFor(DType::F32);
    const TokenLoss token{0, true, none, 1};
    head.seeBase(0, token, TokenLogits(logits), allowance);
    head.seeStitched(0, token, TokenLogits(logits), allowance);
    EXPECT_FALSE(head.holdsLosses());
    for (const Worst* worst : {&head.lossBase, &head.lossStitched, &head.top, &head.topStitched})
        EXPECT_TRUE(std::isinf(worst->ratio));
    CheckList checks;
    head.report(DType::F32, LossMode::Exact, checks);
    for (const char* id : {"model.loss_base", "model.loss_stitched", "model.top", "model.top_stitched"})
        EXPECT_FALSE(checks.verified(id)) << id;
}

}
}
