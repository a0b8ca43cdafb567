// What rounding leaves open of a coverage, by hand.
#include "engine/certificate/rounded_coverage.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace blockcert::certificate {
namespace {

CheckState stateOf(const RoundedCoverage& coverage, double alpha)
{
    const Row row("coverage.rounding", group::reEvaluation, "block 0", "Coverage");
    return roundedRow(row, coverage, alpha, "in double").check().state;
}

TEST(RoundedCoverage, CountsWhatIsCertainAndWhatIsPossible)
{
    const std::vector<double> recorded = {0.5, 0.9, 1.2, 3};
    const RoundedCoverage coverage = roundedCoverage(recorded, {{0.4, 0.6}, {0.8, 1.0}, {0.9, 1.4}, {2, 4}}, 1);
    EXPECT_EQ(coverage.recorded, 0.5);
    EXPECT_EQ(coverage.certain, 0.5); // the bounds are inclusive, as eq. 6 is
    EXPECT_EQ(coverage.possible, 0.75);
    EXPECT_EQ(coverage.undecided, 1);
    EXPECT_EQ(coverage.total, 4);
}

TEST(RoundedCoverage, OfLossesWeighsTokensByTheirLoss)
{
    const RoundedCoverage coverage =
        roundedLossCoverage(1, {{0, 0.5}, {0.5, 2}, {3, 4}}, std::vector{5.0, 3.0, 2.0}, 1);
    EXPECT_DOUBLE_EQ(coverage.certain, 0.5);
    EXPECT_DOUBLE_EQ(coverage.possible, 0.8);
    EXPECT_EQ(coverage.undecided, 1);
}

TEST(RoundedCoverage, OfLossesWithoutASumIsOpen)
{
    for (const double weight : {0.0, -1.0, std::numeric_limits<double>::quiet_NaN()})
        EXPECT_EQ(stateOf(roundedLossCoverage(1, {{0, 0}}, std::vector{weight}, 1), 0.9), CheckState::NotChecked);
}

TEST(RoundedCoverage, IsVerifiedOnlyWhereRoundingCannotChangeTheAnswer)
{
    EXPECT_EQ(stateOf({1, 0.95, 1, 5, 100}, 0.94), CheckState::Verified);
    EXPECT_EQ(stateOf({0.5, 0.4, 0.6, 20, 100}, 0.94), CheckState::Verified) << "missed, whatever rounding did";
    EXPECT_EQ(stateOf({1, 0.9, 1, 10, 100}, 0.94), CheckState::NotChecked);
    EXPECT_EQ(stateOf({0.9, 0.95, 1, 5, 100}, 0.94), CheckState::NotChecked) << "less than the model gives is odd";
    EXPECT_EQ(stateOf({1, 0.3, 0.9, 60, 100}, 0.94), CheckState::Failed) << "more than the model gives is a forgery";
}

}
}
