// The fast interpreter against the judge: on made-up blocks of both families and on blocks of the demo model.
#include "engine/replay/torch_interpreter.h"
#include "tests/engine/block_fixture.h"

#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>

#include <gmock/gmock.h>

namespace blockcert::test {
namespace {

using model::Batch;
using replay::TorchInterpreter;

double norm(std::span<const double> row)
{
    double sum = 0;
    for (const double value : row)
        sum += value * value;
    return std::sqrt(sum);
}

// max over tokens of ‖ŷ − ŷ′‖ / max(‖x‖, ‖ŷ‖): the comparison rule of docs/run-directory.md without the recorded y.
double disagreement(const ir::BlockReplay& fast, const ir::BlockReplay& judge, std::span<const double> input,
                    std::size_t width)
{
    double worst = 0;
    const auto compare = [&](const std::vector<double>& a, const std::vector<double>& b) {
        ASSERT_EQ(a.size(), b.size());
        for (std::size_t row = 0; row + width <= a.size(); row += width) {
            std::vector<double> difference(width);
            for (std::size_t i = 0; i < width; ++i)
                difference[i] = a[row + i] - b[row + i];
            const double size =
                std::max(norm(input.subspan(row, width)), norm(std::span(judge.output).subspan(row, width)));
            worst = std::max(worst, norm(difference) / size);
        }
    };
    compare(fast.output, judge.output);
    compare(fast.attention, judge.attention);
    compare(fast.mlp, judge.mlp);
    return worst;
}

double worstDisagreement(const ir::BlockIr& block, const at::Tensor& input, const Batch& batch, DType dtype)
{
    TorchInterpreter fast(block, dtype, at::Device(at::kCPU), std::nullopt, RunContext());
    EXPECT_TRUE(fast.batchInvariant());
    const ir::ReferenceInterpreter judge(block, 2);
    const auto replays = fast.run(input, batch, RunContext());
    double worst = 0;
    for (std::int64_t p = 0; p < batch.prompts(); ++p) {
        const std::vector<double> rows = model::toDoubles(input.narrow(0, batch.begin(p), batch.count(p)));
        std::vector<std::int32_t> positions(static_cast<std::size_t>(batch.count(p)));
        std::iota(positions.begin(), positions.end(), 0);
        const ir::BlockReplay reference = judge.run(rows, positions, RunContext());
        const ir::BlockReplay& replay = replays[static_cast<std::size_t>(p)];
        worst = std::max(worst, disagreement(replay, reference, rows, static_cast<std::size_t>(block.program.width)));
        EXPECT_EQ(replay.margin.size(), reference.margin.size());
        for (std::size_t i = 0; i < reference.margin.size(); ++i)
            EXPECT_NEAR(replay.margin[i], reference.margin[i], dtype == DType::F64 ? 1e-9 : 1e-3);
    }
    return worst;
}

Batch threePrompts()
{
    Batch batch;
    for (const std::int64_t count : {7, 1, 40})
        batch.add(count);
    return batch;
}

class Family : public testing::TestWithParam<std::tuple<TransformerConfig, DType>> {};

// 1e-10 is ρ of double replay; about 1e-12 is expected (certificate.md).
TEST_P(Family, DoubleReplayAgreesWithTheJudge)
{
    const auto& [config, dtype] = GetParam();
    const ir::BlockIr block = randomBlock(config, 48, dtype, 7);
    const Batch batch = threePrompts();
    const at::Tensor input = at::randn({batch.rows(), config.dModel}).to(model::scalarTypeOf(dtype));
    EXPECT_LE(worstDisagreement(block, input, batch, DType::F64), 1e-10);
}

// 1e-5 is ρ of single-precision replay. Below a tenth of double's ρ it would not be single precision at all.
TEST_P(Family, SingleReplayAgreesWithTheJudgeAsFarAsSinglePrecisionGoes)
{
    const auto& [config, dtype] = GetParam();
    const ir::BlockIr block = randomBlock(config, 48, dtype, 8);
    const Batch batch = threePrompts();
    const at::Tensor input = at::randn({batch.rows(), config.dModel}).to(model::scalarTypeOf(dtype));
    const double worst = worstDisagreement(block, input, batch, DType::F32);
    EXPECT_LE(worst, 1e-5);
    EXPECT_GE(worst, 1e-11);
}

TEST_P(Family, APromptAloneHasTheBitsItHasAmongOthersAndOnOneThread)
{
    const auto& [config, dtype] = GetParam();
    const ir::BlockIr block = randomBlock(config, 48, dtype, 9);
    TorchInterpreter fast(block, DType::F64, at::Device(at::kCPU), std::nullopt, RunContext());
    const Batch batch = threePrompts();
    const at::Tensor input = at::randn({batch.rows(), config.dModel}).to(model::scalarTypeOf(dtype));
    const auto together = fast.run(input, batch, RunContext());
    model::setThreads(1);
    for (std::int64_t p = 0; p < batch.prompts(); ++p) {
        Batch one;
        one.add(batch.count(p));
        const auto alone = fast.run(input.narrow(0, batch.begin(p), batch.count(p)), one, RunContext());
        EXPECT_EQ(alone[0].output, together[static_cast<std::size_t>(p)].output);
        EXPECT_EQ(alone[0].margin, together[static_cast<std::size_t>(p)].margin);
    }
    model::setThreads(0);
}

TransformerConfig biased(TransformerConfig config)
{
    config.attentionBias = true;
    config.mlpBias = true;
    return config;
}

INSTANTIATE_TEST_SUITE_P(All, Family,
                         testing::Combine(testing::Values(smallConfig(Architecture::Gpt2, 48, 4, 4, 12, 192),
                                                          smallConfig(Architecture::Gpt2, 37, 1, 1, 37, 53),
                                                          smallConfig(Architecture::Llama, 64, 8, 2, 8, 172),
                                                          smallConfig(Architecture::Llama, 36, 3, 1, 14, 101),
                                                          biased(smallConfig(Architecture::Llama, 128, 4, 4, 32, 256))),
                                          testing::Values(DType::F32, DType::BF16, DType::F16)));

TEST(Replay, AMaskRowThatAllowsNothingGivesZeroAttention)
{
    ir::BlockIr block = randomBlock(smallConfig(Architecture::Llama, 64, 8, 2, 8, 172), 48, DType::F32, 10);
    for (std::size_t s = 0; s < 48; ++s)
        block.mask.bytes[3 * 48 + s] = std::byte{0};
    block.mask.bytes[5 * 48 + 40] = std::byte{1}; // and one query that looks ahead
    const Batch batch = threePrompts();
    const at::Tensor input = at::randn({batch.rows(), 64});
    EXPECT_LE(worstDisagreement(block, input, batch, DType::F64), 1e-10);
    TorchInterpreter fast(block, DType::F64, at::Device(at::kCPU), std::nullopt, RunContext());
    const auto replays = fast.run(input, batch, RunContext());
    const auto row = std::span(replays[2].attention).subspan(3 * 64, 64);
    EXPECT_THAT(std::vector<double>(row.begin(), row.end()), testing::Each(0.0));
}

TEST(Replay, RefusesWhatDoesNotFit)
{
    ir::BlockIr block = randomBlock(smallConfig(Architecture::Llama, 64, 8, 2, 8, 172), 16, DType::F32, 11);
    TorchInterpreter fast(block, DType::F64, at::Device(at::kCPU), std::nullopt, RunContext());
    Batch batch;
    batch.add(17);
    EXPECT_THROW((void)fast.run(at::zeros({17, 64}), batch, RunContext()), ShapeError);
    Batch fits;
    fits.add(16);
    EXPECT_THROW((void)fast.run(at::zeros({16, 63}), fits, RunContext()), ShapeError);
    block.weights.erase("q.weight");
    EXPECT_THROW(TorchInterpreter(block, DType::F64, at::Device(at::kCPU), std::nullopt, RunContext()), ShapeError);
}

// Reads the block's real input from the baseline.
TEST(Replay, AgreesWithTheJudgeOnBlocksOfTheDemoModel)
{
    if (demoModel().empty())
        GTEST_SKIP() << "the demo model is not set up";
    const auto checkpoint = openModel(demoModel());
    model::Transformer transformer = model::Transformer::load(checkpoint, DType::F32, at::Device(at::kCPU),
                                                              model::Residency::OneBlock, RunContext());
    const auto prompts = somePrompts({24, 31}, checkpoint->config().vocab);
    const Batch batch = model::batchOf(prompts);
    at::Tensor state = transformer.embed(model::joined(prompts), batch);
    for (const std::int32_t layer : {0, 15, 29}) {
        RecordingTaps taps;
        model::ForwardOptions options;
        options.end = layer + 1;
        options.taps = &taps;
        const std::int32_t from = layer == 0 ? 0 : layer == 15 ? 1 : 16;
        state = transformer.forwardFrom(LayerIndex{from}, state, batch, options, RunContext());
        const ir::BlockIr block = blockOf(*checkpoint, LayerIndex{layer}, 31, DType::F32);
        EXPECT_LE(worstDisagreement(block, taps.input.back(), batch, DType::F64), 1e-10) << "block " << layer;
    }
}

}
}
