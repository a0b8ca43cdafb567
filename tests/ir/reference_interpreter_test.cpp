#include "engine/artifact/tensor_archive.h"
#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/ir/reference_interpreter.h"
#include "tests/ir/naive_block.h"
#include "tests/ir/small_blocks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <complex>
#include <cstdlib>
#include <filesystem>
#include <thread>

namespace blockcert::ir {

namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

using Values = std::vector<double>;

BlockReplay replay(const BlockIr& block, const Values& input, std::int64_t tokens, int threads = 1)
{
    return ReferenceInterpreter(block, threads).run(input, firstPositions(tokens), RunContext());
}

HostTensor matrix(std::int64_t outputs, const Values& elements)
{
    return tensorOf(DType::F64, {outputs, static_cast<std::int64_t>(elements.size()) / outputs}, elements);
}

// A block that is nothing but attention: q, k, v are matrices on x; mlp is a matrix of zeros; y = x + attn + mlp.
BlockIr attentionOnly(std::int32_t width, Scores scores, const HostTensor& q, const HostTensor& k, const HostTensor& v,
                      const HostTensor& o, HostTensor mask)
{
    scores.query = "q";
    scores.key = "k";
    scores.out = "scores";
    BlockIr block;
    block.program.width = width;
    block.program.operations = {
        Linear{"x", "q", "q", ""},          Linear{"x", "k", "k", ""},
        Linear{"x", "v", "v", ""},          scores,
        MaskedSoftmax{"scores", "pattern"}, Mix{"pattern", "v", "mixed", scores.heads, scores.kvHeads, scores.headDim},
        Linear{"mixed", "attn", "o", ""},   Add{"x", "attn", "h"},
        Linear{"h", "mlp", "zero", ""},     Add{"h", "mlp", "y"}};
    const HostTensor zero = matrix(width, Values(static_cast<std::size_t>(width * width), 0.0));
    for (const auto& [name, value] :
         std::map<std::string, HostTensor>{{"q", q}, {"k", k}, {"v", v}, {"o", o}, {"zero", zero}}) {
        block.program.weights[name] = {value.dtype, value.shape, "", {}};
        block.weights[name] = value;
    }
    block.mask = std::move(mask);
    return block;
}

TEST(ReferenceInterpreter, HasTheBitsOfTheNaiveLoopsForBothArchitecturesAllLengthsAndThreads)
{
    for (const TransformerConfig& config : {smallLlama(), smallGpt2()})
        for (const std::int64_t tokens : {1, 2, 5, 37, 70}) {
            const BlockIr block = randomBlock(config, 70, 17);
            const Values input = Numbers(23).doubles(static_cast<std::size_t>(tokens * config.dModel));
            const NaiveBlock naive(block, input, firstPositions(tokens));
            for (const int threads : {1, 2, 3}) {
                const BlockReplay fast = replay(block, input, tokens, threads);
                EXPECT_EQ(fast.output, naive.registers.at("y")) << tokens << " tokens, " << threads << " threads";
                EXPECT_EQ(fast.attention, naive.registers.at("attn"));
                EXPECT_EQ(fast.mlp, naive.registers.at("mlp"));
            }
        }
}

TEST(ReferenceInterpreter, HasTheBitsOfTheNaiveLoopsWhereTheWorkIsWorthThreads)
{
    TransformerConfig config = smallLlama();
    config.dModel = 64;
    config.heads = 8;
    config.kvHeads = 4;
    config.headDim = 16;
    config.dFf = 300;
    const BlockIr block = randomBlock(config, 260, 3);
    const Values input = Numbers(4).doubles(260 * 64);
    const NaiveBlock naive(block, input, firstPositions(260));
    for (const int threads : {1, 2, 5})
        EXPECT_EQ(replay(block, input, 260, threads).output, naive.registers.at("y")) << threads << " threads";
}

TEST(ReferenceInterpreter, HasTheBitsOfTheNaiveLoopsForMasksThatAreNotCausal)
{
    constexpr std::int64_t tokens = 70;
    const Values input = Numbers(29).doubles(tokens * 20);
    BlockIr block = randomBlock(smallLlama(), tokens, 31);
    std::mt19937 random(1);
    for (const char* kind : {"inverted", "all", "window", "random", "none"}) {
        for (std::int64_t t = 0; t < tokens; ++t)
            for (std::int64_t s = 0; s < tokens; ++s) {
                const bool open = kind == std::string("inverted") ? s > t
                                  : kind == std::string("window") ? s <= t && s + 8 > t
                                  : kind == std::string("random") ? random() % 7 == 0
                                                                  : kind == std::string("all");
                block.mask.bytes[static_cast<std::size_t>(t * tokens + s)] = std::byte{open};
            }
        const NaiveBlock naive(block, input, firstPositions(tokens));
        EXPECT_EQ(replay(block, input, tokens, 2).output, naive.registers.at("y")) << kind;
    }
}

TEST(ReferenceInterpreter, GivesTheSameBitsFromManyThreadsAtOnce)
{
    const BlockIr block = randomBlock(smallLlama(), 9, 3);
    const ReferenceInterpreter interpreter(block, 2);
    const Values input = Numbers(4).doubles(9 * 20);
    const Values expected = replay(block, input, 9).output;
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&] {
            for (int k = 0; k < 5; ++k)
                EXPECT_EQ(interpreter.run(input, firstPositions(9), RunContext()).output, expected);
        });
}

TEST(ReferenceInterpreter, CopiesTheValueOfTheOneKeyThatAHeadLooksAt)
{
    // x is the identity: token t is e_t. Query t looks for e_(3 − t) so strongly that every other weight is exactly 0
    // (exp(−1000) is 0 in double); values are v_t = 10 + t in the first element.
    const Values identity = {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1};
    const Values mirror = {0, 0, 0, 1000, 0, 0, 1000, 0, 0, 1000, 0, 0, 1000, 0, 0, 0};
    const Values value = {10, 11, 12, 13, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    const HostTensor open = tensorOf(DType::U8, {4, 4}, std::vector<std::uint8_t>(16, 1));
    const BlockIr block = attentionOnly(4, {"", "", "", 1, 1, 4, 1, 1}, matrix(4, mirror), matrix(4, identity),
                                        matrix(4, value), matrix(4, identity), open);
    const BlockReplay result = replay(block, identity, 4);
    EXPECT_THAT(result.attention, ElementsAre(13, 0, 0, 0, 12, 0, 0, 0, 11, 0, 0, 0, 10, 0, 0, 0));
    EXPECT_THAT(result.margin, ElementsAre(1000, 1000, 1000, 1000));
    EXPECT_THAT(result.output, ElementsAre(14, 0, 0, 0, 12, 1, 0, 0, 11, 0, 1, 0, 10, 0, 0, 1));
}

TEST(ReferenceInterpreter, LetsNeighbouringQueryHeadsShareAKeyHead)
{
    // All scores are 0, so every head averages its values over the tokens: 4 query heads, 2 key heads of width 1.
    const Values input = {1, 0, 3, 0}; // [2 tokens, 2]
    const HostTensor open = tensorOf(DType::U8, {2, 2}, std::vector<std::uint8_t>(4, 1));
    const BlockIr block =
        attentionOnly(2, {"", "", "", 4, 2, 1, 1, 1}, matrix(4, Values(8, 0.0)), matrix(2, Values(4, 0.0)),
                      matrix(2, {1, 0, 100, 0}), matrix(2, {1, 10, 0, 0, 0, 0, 1, 10}), open);
    // Values of key head 0: 1, 3 (mean 2); of key head 1: 100, 300 (mean 200). Query heads 0, 1 | 2, 3.
    EXPECT_THAT(replay(block, input, 2).attention, ElementsAre(22, 2200, 22, 2200));
}

TEST(ReferenceInterpreter, GivesZeroAttentionToARowThatAllowsNothing)
{
    BlockIr block = randomBlock(smallGpt2(), 3, 5);
    block.mask = tensorOf<std::uint8_t>(DType::U8, {3, 3}, {1, 0, 0, 0, 0, 0, 1, 0, 1});
    setWeight(block, "o.bias", tensorOf(DType::F32, {24}, std::vector<float>(24, 0)));
    const BlockReplay result = replay(block, Numbers(6).doubles(3 * 24), 3);
    for (std::size_t i = 0; i < 24; ++i) {
        EXPECT_NE(result.attention[i], 0);
        EXPECT_EQ(result.attention[24 + i], 0);
        EXPECT_NE(result.attention[48 + i], 0);
    }
    EXPECT_EQ(result.margin[0], 0) << "one allowed key";
    EXPECT_EQ(result.margin[1], 0) << "no allowed key";
    EXPECT_GT(result.margin[2], 0) << "two allowed keys";
}

TEST(ReferenceInterpreter, TakesTheMarginAmongAllowedKeysOnly)
{
    // One head, width 1: q = 1 everywhere, k = x, so score(t, s) = x[s] · multiply / divide = 1.5 x[s].
    const Values input = {4, 9, -2, 7};
    const HostTensor mask = tensorOf<std::uint8_t>(DType::U8, {4, 4}, {1, 0, 0, 0, 1, 1, 0, 0, 1, 0, 1, 0, 1, 0, 1, 1});
    BlockIr block = attentionOnly(1, {"", "", "", 1, 1, 1, 3, 2}, matrix(1, {0}), matrix(1, {1}), matrix(1, {0}),
                                  matrix(1, {0}), mask);
    block.program.weights["one"] = {DType::F64, {1}, "", {}};
    block.weights["one"] = tensorOf<double>(DType::F64, {1}, {1});
    std::get<Linear>(block.program.operations[0]).bias = "one";
    EXPECT_THAT(replay(block, input, 4).margin, ElementsAre(0, 7.5, 9, 4.5));
}

TEST(ReferenceInterpreter, SeesNoGapBetweenEqualScores)
{
    const HostTensor open = tensorOf(DType::U8, {2, 2}, std::vector<std::uint8_t>(4, 1));
    const BlockIr block = attentionOnly(1, {"", "", "", 1, 1, 1, 1, 1}, matrix(1, {1}), matrix(1, {1}), matrix(1, {1}),
                                        matrix(1, {1}), open);
    EXPECT_THAT(replay(block, {5, 5}, 2).margin, ElementsAre(0, 0));
}

TEST(ReferenceInterpreter, RotatesPairsAsComplexNumbers)
{
    // attn would hide the rotation, so the rotated queries leave through mlp.
    constexpr std::int32_t heads = 2;
    constexpr std::int32_t half = 3;
    BlockIr block = randomBlock(smallLlama(), 50, 41);
    const std::int32_t width = heads * 2 * half;
    Values identity(static_cast<std::size_t>(width * width), 0.0);
    for (std::size_t i = 0; i < static_cast<std::size_t>(width); ++i)
        identity[i * static_cast<std::size_t>(width) + i] = 1;
    BlockIr turned =
        attentionOnly(width, {"", "", "", heads, heads, 2 * half, 1, 1}, matrix(width, identity),
                      matrix(width, identity), matrix(width, identity), matrix(width, identity), block.mask);
    turned.program.operations.insert(turned.program.operations.begin(), Rope{"x", "turned", heads, 2 * half});
    std::get<Linear>(turned.program.operations[9]).in = "turned";
    turned.weights["zero"] = matrix(width, identity);
    turned.program.positions = 50;
    turned.program.ropeHalf = half;
    turned.ropeCos = block.ropeCos;
    turned.ropeSin = block.ropeSin;

    const Values input = Numbers(43).doubles(static_cast<std::size_t>(4 * width));
    const std::vector<std::int32_t> position = {49, 0, 7, 7};
    const Values result = ReferenceInterpreter(turned, 1).run(input, position, RunContext()).mlp;
    const Values cosine = widened(block.ropeCos);
    const Values sine = widened(block.ropeSin);
    for (std::size_t t = 0; t < 4; ++t)
        for (std::size_t h = 0; h < heads; ++h)
            for (std::size_t i = 0; i < half; ++i) {
                const std::size_t first = t * static_cast<std::size_t>(width) + h * 2 * half + i;
                const std::size_t row = static_cast<std::size_t>(position[t]) * half + i;
                const std::complex<double> expected =
                    std::complex(input[first], input[first + half]) * std::complex(cosine[row], sine[row]);
                EXPECT_NEAR(result[first], expected.real(), 0x1p-52); // two products below 1 and a sum
                EXPECT_NEAR(result[first + half], expected.imag(), 0x1p-52);
            }
}

// tests/data/ir/make_reference_blocks.py says who computed these files.
void compareWithFile(const std::string& file, const TransformerConfig& config)
{
    const auto archive =
        artifact::openOwnArchive(std::filesystem::path(std::getenv("BLOCKCERT_TEST_DATA")) / "ir" / file);
    BlockIr block;
    block.program = makeProgram(config, LayerIndex{0});
    block.mask = archive->readAll("mask");
    const std::int64_t tokens = block.mask.shape[0];
    for (const auto& [name, weight] : std::map(block.program.weights))
        setWeight(block, name, archive->readAll("weight/" + name));
    if (block.program.ropeHalf != 0) {
        block.program.positions = tokens;
        block.ropeCos = archive->readAll("rope_cos");
        block.ropeSin = archive->readAll("rope_sin");
    }
    const BlockReplay result = replay(block, widened(archive->readAll("input")), tokens, 2);
    const auto compare = [&](const std::string& name, const Values& ours) {
        const Values theirs = widened(archive->readAll(name));
        ASSERT_EQ(ours.size(), theirs.size());
        for (std::size_t i = 0; i < ours.size(); ++i)
            // sums of at most 100 terms of order 10 in another order, a few layers deep
            ASSERT_NEAR(ours[i], theirs[i], 1e-12) << file << " " << name << " " << i;
    };
    compare("output", result.output);
    compare("attention", result.attention);
    compare("mlp", result.mlp);
    compare("margin", result.margin);
}

TEST(ReferenceInterpreter, AgreesWithPyTorchOnALlamaBlock)
{
    TransformerConfig config = smallLlama();
    config.dModel = 24;
    compareWithFile("llama_block.h5", config);
}

TEST(ReferenceInterpreter, AgreesWithTransformersOnAGpt2Block)
{
    compareWithFile("gpt2_block.h5", smallGpt2());
}

TEST(ReferenceInterpreter, RefusesPromptsAndTensorsThatDoNotFit)
{
    const BlockIr block = randomBlock(smallLlama(), 5, 1);
    const ReferenceInterpreter interpreter(block, 1);
    const auto run = [&](std::size_t values, const std::vector<std::int32_t>& position) {
        (void)interpreter.run(Values(values, 1.0), position, RunContext());
    };
    EXPECT_THAT([&] { run(120, firstPositions(6)); },
                ThrowsMessage<ShapeError>(HasSubstr("6 tokens does not fit the mask of 5")));
    EXPECT_THROW(run(0, {}), ShapeError);
    EXPECT_THAT([&] { run(39, {0, 1}); }, ThrowsMessage<ShapeError>(HasSubstr("39 input values are not 2 rows of 20")));
    EXPECT_THAT([&] { run(40, {0, 5}); }, ThrowsMessage<ShapeError>(HasSubstr("position 5 is not in the RoPE table")));
    EXPECT_THROW(run(40, {-1, 0}), ShapeError);
    EXPECT_NO_THROW(run(40, {4, 0}));

    BlockIr changed = block;
    changed.weights.erase("k.weight");
    EXPECT_THAT([&] { ReferenceInterpreter(changed, 1); },
                ThrowsMessage<ShapeError>(HasSubstr("weight k.weight of block 1 was not loaded")));
    changed = block;
    changed.weights["k.weight"].bytes.pop_back();
    EXPECT_THROW(ReferenceInterpreter(changed, 1), ShapeError);
    changed = block;
    changed.weights["k.weight"].shape = {20, 12};
    EXPECT_THROW(ReferenceInterpreter(changed, 1), ShapeError);
    changed = block;
    changed.ropeCos.shape = {4, 3};
    EXPECT_THROW(ReferenceInterpreter(changed, 1), ShapeError);
    changed = block;
    changed.program.operations.pop_back();
    EXPECT_THROW(ReferenceInterpreter(changed, 1), FormatError);
}

TEST(ReferenceInterpreter, NamesTheOperationWhoseValuesAreNotFinite)
{
    BlockIr block = randomBlock(smallLlama(), 3, 1);
    setWeight(block, "up.weight", tensorOf(DType::F64, {45, 20}, Values(900, 1e308)));
    EXPECT_THAT([&] { (void)replay(block, Numbers(1).doubles(60), 3); },
                ThrowsMessage<NumericError>(HasSubstr("block 1, operation 14 (linear): a value of up is not finite")));
    Values input(60, 1.0);
    input[7] = NAN;
    EXPECT_THROW((void)replay(randomBlock(smallLlama(), 3, 1), input, 3), NumericError);
}

TEST(ReferenceInterpreter, StopsWhenAsked)
{
    std::stop_source stop;
    stop.request_stop();
    const ReferenceInterpreter interpreter(randomBlock(smallLlama(), 3, 1), 2);
    EXPECT_THROW((void)interpreter.run(Values(60, 1.0), firstPositions(3), RunContext(stop.get_token(), {})),
                 Cancelled);
}

}

}
