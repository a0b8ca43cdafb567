#include "engine/base/error.h"
#include "engine/surrogate/family.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace blockcert::surrogate {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TransformerConfig llama()
{
    TransformerConfig config;
    config.layers = 2;
    config.dModel = 64;
    config.heads = 4;
    config.kvHeads = 2;
    config.headDim = 16;
    config.dFf = 96;
    config.vocab = 100;
    config.context = 32;
    return config;
}

SurrogateChoice lowRank(std::int64_t rank, MatrixGroup matrices)
{
    return {.family = SurrogateFamily::LowRank, .rank = rank, .matrices = matrices};
}

TEST(Family, ReducesTheMatricesItIsAskedFor)
{
    const ir::BlockProgram program = ir::makeProgram(llama(), {0});
    EXPECT_THAT(reducedMatrices(program, lowRank(4, MatrixGroup::Attention)),
                ElementsAre("k.weight", "o.weight", "q.weight", "v.weight"));
    EXPECT_THAT(reducedMatrices(program, lowRank(4, MatrixGroup::Mlp)),
                ElementsAre("down.weight", "gate.weight", "up.weight"));
    EXPECT_EQ(reducedMatrices(program, lowRank(4, MatrixGroup::All)).size(), 7U);
    EXPECT_EQ(reducedMatrices(program, {.family = SurrogateFamily::Quantised, .dtype = DType::Q8_0}).size(), 7U);
    EXPECT_TRUE(reducedMatrices(program, {}).empty());
    TransformerConfig gpt2 = llama();
    gpt2.architecture = Architecture::Gpt2;
    gpt2.kvHeads = 4;
    EXPECT_EQ(reducedMatrices(ir::makeProgram(gpt2, {0}), lowRank(4, MatrixGroup::All)).size(),
              6U); // no gate, no biases
}

TEST(Family, CutsTheRankToTheMatrix)
{
    const ir::BlockProgram program = ir::makeProgram(llama(), {0});
    const SurrogateChoice choice = lowRank(40, MatrixGroup::Attention);
    EXPECT_EQ(rankOf(program, choice, "q.weight"), 40);
    EXPECT_EQ(rankOf(program, choice, "k.weight"), 32); // 32 × 64
    EXPECT_EQ(rankOf(program, choice, "up.weight"), std::nullopt);
    EXPECT_TRUE(isFitted(program, choice, "q.weight"));
    EXPECT_FALSE(isFitted(program, choice, "k.weight"));
}

TEST(Family, IsRefusedWhereNothingWouldBeReduced)
{
    EXPECT_NO_THROW(requireSense(lowRank(63, MatrixGroup::Attention), {}, llama()));
    EXPECT_THROW(requireSense(lowRank(64, MatrixGroup::Attention), {}, llama()), UsageError);
    EXPECT_THROW(requireSense(lowRank(1000, MatrixGroup::All), {}, llama()), UsageError);
    TransformerConfig narrow = llama();
    narrow.dModel = 72;
    EXPECT_THROW(requireSense({.family = SurrogateFamily::Quantised, .dtype = DType::Q4_0}, {}, narrow), UsageError);
    TransformerConfig gpt2 = llama();
    gpt2.architecture = Architecture::Gpt2;
    EXPECT_THROW(requireSense({}, {Ablation::Kind::DropRope, 0}, gpt2), UsageError);
    EXPECT_NO_THROW(requireSense({}, {Ablation::Kind::InvertMask, 0}, gpt2));
}

TEST(Family, GivesQuantisedMatricesARoundTripAndNothingElseOne)
{
    const SurrogateChoice choice{.family = SurrogateFamily::Quantised, .dtype = DType::Q5_1};
    WeightReference reference;
    reference.tensor = "a";
    const WeightReference made = familyReference(choice, "up.weight", reference);
    ASSERT_EQ(made.transforms.size(), 1U);
    EXPECT_EQ(made.transforms[0].kind, WeightTransform::Kind::RoundTrip);
    EXPECT_EQ(made.transforms[0].dtype, DType::Q5_1);
    EXPECT_EQ(familyReference(choice, "attn_norm.weight", reference), reference);
    EXPECT_EQ(familyReference(lowRank(4, MatrixGroup::All), "up.weight", reference), reference);
}

TEST(Family, OfAnotherCheckpointMustHaveTheSameShape)
{
    EXPECT_NO_THROW(requireSameShape("a", llama(), "b", llama()));
    const std::vector<std::pair<const char*, std::function<void(TransformerConfig&)>>> cases = {
        {"the architecture is gpt2 there and llama here",
         [](TransformerConfig& c) { c.architecture = Architecture::Gpt2; }},
        {"the number of blocks is 3 there and 2 here", [](TransformerConfig& c) { c.layers = 3; }},
        {"d_model is 32 there and 64 here", [](TransformerConfig& c) { c.dModel = 32; }},
        {"the number of key heads is 1 there and 2 here", [](TransformerConfig& c) { c.kvHeads = 1; }},
        {"head_dim is 8 there and 16 here", [](TransformerConfig& c) { c.headDim = 8; }},
        {"d_ff is 97 there and 96 here", [](TransformerConfig& c) { c.dFf = 97; }},
        {"biases of the MLP are present there and absent here", [](TransformerConfig& c) { c.mlpBias = true; }},
    };
    for (const auto& [sentence, change] : cases) {
        TransformerConfig other = llama();
        change(other);
        try {
            requireSameShape("a", llama(), "b", other);
            FAIL() << sentence;
        } catch (const UsageError& error) {
            EXPECT_THAT(error.what(), HasSubstr(sentence));
        }
    }
    TransformerConfig theta = llama(); // a difference, and no obstacle
    theta.ropeTheta = 5e5;
    theta.vocab = 200;
    EXPECT_NO_THROW(requireSameShape("a", llama(), "b", theta));
}

}
}
