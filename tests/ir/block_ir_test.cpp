#include "engine/base/error.h"
#include "tests/ir/small_blocks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace blockcert::ir {

namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

std::vector<std::string> words(const BlockProgram& program)
{
    std::vector<std::string> names;
    for (const Operation& operation : program.operations)
        names.emplace_back(nameOf(operation));
    return names;
}

template <class Op>
Op& operation(BlockProgram& program, std::size_t index)
{
    return std::get<Op>(program.operations.at(index));
}

TEST(BlockProgram, OfLlamaNormalisesRotatesAndGates)
{
    const BlockProgram program = makeProgram(smallLlama(), LayerIndex{2});
    EXPECT_THAT(words(program), ElementsAre("rms_norm", "linear", "linear", "linear", "rope", "rope", "scores",
                                            "masked_softmax", "mix", "linear", "add", "rms_norm", "linear", "linear",
                                            "activation", "multiply", "linear", "add"));
    EXPECT_EQ(program.layer.value, 2);
    EXPECT_EQ(program.width, 20);
    EXPECT_EQ(program.ropeHalf, 3);
    EXPECT_EQ(program.positions, 64);
    EXPECT_EQ(program.weights.at("q.weight").shape, (std::vector<std::int64_t>{36, 20}));
    EXPECT_EQ(program.weights.at("k.weight").shape, (std::vector<std::int64_t>{12, 20}));
    EXPECT_EQ(program.weights.at("o.weight").shape, (std::vector<std::int64_t>{20, 36}));
    EXPECT_EQ(program.weights.size(), 9U);
    EXPECT_NO_THROW(validate(program));
}

TEST(BlockProgram, OfGpt2HasBiasesAndNoGate)
{
    const BlockProgram program = makeProgram(smallGpt2(), LayerIndex{0});
    EXPECT_THAT(words(program),
                ElementsAre("layer_norm", "linear", "linear", "linear", "scores", "masked_softmax", "mix", "linear",
                            "add", "layer_norm", "linear", "activation", "linear", "add"));
    EXPECT_EQ(program.weights.size(), 16U);
    EXPECT_EQ(program.positions, 0);
    EXPECT_NO_THROW(validate(program));
}

TEST(BlockProgram, ScalesScoresAsTheModelDoes)
{
    BlockProgram llama = makeProgram(smallLlama(), LayerIndex{2});
    EXPECT_EQ(operation<Scores>(llama, 6).multiply, 1 / std::sqrt(6.0));
    EXPECT_EQ(operation<Scores>(llama, 6).divide, 1);
    TransformerConfig config = smallGpt2();
    BlockProgram gpt2 = makeProgram(config, LayerIndex{2});
    EXPECT_EQ(operation<Scores>(gpt2, 4).multiply, 1);
    EXPECT_EQ(operation<Scores>(gpt2, 4).divide, std::sqrt(6.0));
    config.scaleAttentionByInverseLayer = true;
    gpt2 = makeProgram(config, LayerIndex{2});
    EXPECT_EQ(operation<Scores>(gpt2, 4).divide, std::sqrt(6.0) * 3);
}

TEST(BlockProgram, OfLlamaHasBiasesWhereTheConfigurationSaysSo)
{
    TransformerConfig config = smallLlama();
    config.attentionBias = true;
    EXPECT_TRUE(makeProgram(config, LayerIndex{0}).weights.contains("o.bias"));
    EXPECT_FALSE(makeProgram(config, LayerIndex{0}).weights.contains("up.bias"));
    config.mlpBias = true;
    EXPECT_TRUE(makeProgram(config, LayerIndex{0}).weights.contains("up.bias"));
    EXPECT_NO_THROW(validate(makeProgram(config, LayerIndex{0})));
}

TEST(BlockProgram, KnowsTheShapeOfEveryRegister)
{
    const auto shapes = registerShapes(makeProgram(smallLlama(), LayerIndex{0}));
    EXPECT_EQ(shapes.at("x"), (RegisterShape{false, 20}));
    EXPECT_EQ(shapes.at("q_rotated"), (RegisterShape{false, 36}));
    EXPECT_EQ(shapes.at("pattern"), (RegisterShape{true, 6}));
    EXPECT_EQ(shapes.at("inner"), (RegisterShape{false, 45}));
}

struct Damage {
    std::string message;
    std::function<void(BlockProgram&)> change;
};

TEST(BlockProgram, IsRefusedWithTheOperationNamed)
{
    const std::vector<Damage> damages = {
        {"operation 2 (linear): reads nothing, which no earlier",
         [](auto& p) { operation<Linear>(p, 1).in = "nothing"; }},
        {"operation 3 (linear): writes q, which is written already",
         [](auto& p) { operation<Linear>(p, 2).out = "q"; }},
        {"operation 1 (rms_norm): writes x, which", [](auto& p) { operation<RmsNorm>(p, 0).out = "x"; }},
        {"operation 2 (linear): uses weight w, which the program does not",
         [](auto& p) { operation<Linear>(p, 1).weight = "w"; }},
        {"weight q.weight takes 21 inputs, but attn_in is 20", [](auto& p) { p.weights.at("q.weight").shape[1] = 21; }},
        {"weight q.weight has the shape [36]", [](auto& p) { p.weights.at("q.weight").shape = {36}; }},
        {"weight q.weight has the shape [0, 20]",
         [](auto& p) {
             p.weights.at("q.weight").shape = {0, 20};
         }},
        {"weight attn_norm.weight has 19 elements", [](auto& p) { p.weights.at("attn_norm.weight").shape = {19}; }},
        {"operation 1 (rms_norm): epsilon is 0", [](auto& p) { operation<RmsNorm>(p, 0).epsilon = 0; }},
        {"operation 1 (rms_norm): epsilon is nan", [](auto& p) { operation<RmsNorm>(p, 0).epsilon = NAN; }},
        {"operation 5 (rope): q is 36 wide, which is not 5 heads of 6",
         [](auto& p) { operation<Rope>(p, 4).heads = 5; }},
        {"heads of 6 elements do not fit 2 frequencies", [](auto& p) { p.ropeHalf = 2; }},
        {"0 positions with 3 frequencies", [](auto& p) { p.positions = 0; }},
        {"operation 7 (scores): 6 heads cannot share 4 key heads",
         [](auto& p) { operation<Scores>(p, 6).kvHeads = 4; }},
        {"operation 7 (scores): 6 heads cannot share 0 key heads",
         [](auto& p) { operation<Scores>(p, 6).kvHeads = 0; }},
        {"operation 7 (scores): divide is 0", [](auto& p) { operation<Scores>(p, 6).divide = 0; }},
        {"operation 7 (scores): multiply is inf", [](auto& p) { operation<Scores>(p, 6).multiply = INFINITY; }},
        {"operation 8 (masked_softmax): reads q, which holds rows where scores",
         [](auto& p) { operation<MaskedSoftmax>(p, 7).in = "q"; }},
        {"operation 9 (mix): reads pattern, which holds scores where rows",
         [](auto& p) { operation<Mix>(p, 8).value = "pattern"; }},
        {"operation 9 (mix): pattern holds 6 heads instead of 2", [](auto& p) { operation<Mix>(p, 8).heads = 2; }},
        {"operation 16 (multiply): gate_active is 45 wide and q is 36",
         [](auto& p) { operation<Multiply>(p, 15).b = "q"; }},
        {"no operation writes y", [](auto& p) { operation<Add>(p, 17).out = "z"; }},
        {"attn is not [token, 20]",
         [](auto& p) {
             operation<Linear>(p, 1).out = "attn";
             operation<Rope>(p, 4).in = "attn";
             operation<Linear>(p, 9).out = "q";
             operation<Add>(p, 10).b = "q";
         }},
        {"no operation uses weight spare", [](auto& p) { p.weights["spare"].shape = {1}; }},
        {"the name of a weight is not", [](auto& p) { p.weights["\x1b[31m"].shape = {1}; }},
        {"the name of its result is not", [](auto& p) { operation<Linear>(p, 1).out = ""; }},
        {"weight q.weight has the type Q4_0", [](auto& p) { p.weights.at("q.weight").dtype = DType::Q4_0; }},
        {"there are 2 masked_softmax operations",
         [](auto& p) {
             p.operations.emplace_back(MaskedSoftmax{"scores", "again"});
         }},
        {"the width 0", [](auto& p) { p.width = 0; }},
        {"no operation reads the input x", [](auto& p) { p.operations.clear(); }},
    };
    for (const Damage& damage : damages) {
        BlockProgram program = makeProgram(smallLlama(), LayerIndex{1});
        damage.change(program);
        EXPECT_THAT([&] { validate(program); }, ThrowsMessage<FormatError>(HasSubstr(damage.message)));
    }
}

}

}
