// What a patch may ask for, and what it makes of a block's program, against the operations written out in plain loops.
#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/base/sha256.h"
#include "engine/edit/patch_check.h"
#include "engine/edit/patched_block.h"
#include "engine/ir/reference_interpreter.h"
#include "engine/ir/reference_ops.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

namespace blockcert::edit {
namespace {

using ::testing::HasSubstr;

HostTensor f64(const std::vector<double>& values, std::vector<std::int64_t> shape)
{
    HostTensor tensor{DType::F64, std::move(shape), std::vector<std::byte>(values.size() * 8)};
    std::memcpy(tensor.bytes.data(), values.data(), tensor.bytes.size());
    return tensor;
}

std::vector<double> numbers(std::int64_t count, std::uint32_t seed)
{
    std::vector<double> values;
    for (std::int64_t i = 0; i < count; ++i) {
        seed = seed * 1664525U + 1013904223U;
        values.push_back((static_cast<double>(seed >> 8U) / 16777216.0 - 0.5));
    }
    return values;
}

TransformerConfig config(Architecture architecture)
{
    TransformerConfig config;
    config.architecture = architecture;
    config.layers = 3;
    config.dModel = 8;
    config.heads = 2;
    config.kvHeads = architecture == Architecture::Llama ? 1 : 2;
    config.headDim = 4;
    config.dFf = 12;
    config.context = 16;
    return config;
}

ir::BlockIr blockOf(const TransformerConfig& config)
{
    ir::BlockIr block;
    block.program = ir::makeProgram(config, {1});
    std::uint32_t seed = 7;
    for (auto& [name, weight] : block.program.weights) {
        std::int64_t count = 1;
        for (const std::int64_t extent : weight.shape)
            count *= extent;
        block.weights[name] = f64(numbers(count, ++seed), weight.shape);
        weight.dtype = DType::F64;
        weight.sha256 = sha256OfTensor(block.weights[name]);
    }
    block.mask = {DType::U8, {3, 3}, {}};
    for (int query = 0; query < 3; ++query)
        for (int key = 0; key < 3; ++key)
            block.mask.bytes.push_back(static_cast<std::byte>(key <= query ? 1 : 0));
    if (block.program.ropeHalf > 0) {
        block.program.positions = 3;
        block.ropeCos = f64({1, 1, 0.5, 0.9, -0.4, 0.7}, {3, 2});
        block.ropeSin = f64({0, 0, 0.8, 0.4, 0.9, 0.7}, {3, 2});
    } else {
        block.ropeCos.shape = block.ropeSin.shape = {0};
    }
    return block;
}

Patch patchOf(std::vector<PatchStep> steps)
{
    return {"tiny", {std::string(64, 'a')}, std::move(steps)};
}

PatchStep step(PatchTarget target, PatchOperation operation, double strength)
{
    PatchStep made;
    made.block = {1};
    made.target = target;
    made.operation = operation;
    made.strength = strength;
    if (made.needsFile()) {
        made.file = "f.npz";
        made.fileSha256 = std::string(64, 'f');
        made.direction = "direction";
        made.u = "u";
        made.v = "v";
    }
    return made;
}

std::vector<double> run(const ir::BlockIr& block, const char* tap = nullptr)
{
    const std::vector<double> input = numbers(3 * 8, 99);
    const std::vector<std::int32_t> positions = {0, 1, 2};
    const ir::ReferenceInterpreter interpreter(block, 1);
    if (tap == nullptr)
        return interpreter.run(input, positions, RunContext()).output;
    std::map<std::string, std::vector<double>> taps = {{tap, {}}};
    (void)interpreter.run(input, positions, RunContext(), taps);
    return taps.at(tap);
}

void expectNear(const std::vector<double>& a, const std::vector<double>& b)
{
    ASSERT_EQ(a.size(), b.size());
    for (std::size_t i = 0; i < a.size(); ++i)
        EXPECT_NEAR(a[i], b[i], 1e-13) << i; // sums of a dozen products of numbers below 1
}

class Patched : public testing::TestWithParam<Architecture> {
protected:
    void SetUp() override
    {
        m_config = config(GetParam());
        m_block = blockOf(m_config);
    }

    ir::BlockIr edited(std::vector<PatchStep> steps, const PatchTensors& tensors = {}) const
    {
        const Patch patch = patchOf(std::move(steps));
        requireSense(patch, m_config);
        requireFit(patch, tensors, m_config);
        ir::BlockIr block = patchedBlock(m_block, patch, tensors, m_config);
        ir::validate(block.program);
        return block;
    }

    TransformerConfig m_config;
    ir::BlockIr m_block;
};

INSTANTIATE_TEST_SUITE_P(Both, Patched, testing::Values(Architecture::Llama, Architecture::Gpt2),
                         [](const auto& which) { return which.param == Architecture::Llama ? "llama" : "gpt2"; });

TEST_P(Patched, ScalingTheMlpScalesWhatItAdds)
{
    std::vector<double> expected = run(m_block);
    const std::vector<double> mlp = run(m_block, "mlp");
    for (std::size_t i = 0; i < expected.size(); ++i)
        expected[i] += (0.25 - 1) * mlp[i];
    expectNear(run(edited({step(PatchTarget::Mlp, PatchOperation::Scale, 0.25)})), expected);
}

TEST_P(Patched, TheStrengthOneTouchesNothing)
{
    PatchStep head = step(PatchTarget::Head, PatchOperation::Scale, 1);
    head.head = 1;
    const ir::BlockIr same = edited({step(PatchTarget::Mlp, PatchOperation::Scale, 1),
                                     step(PatchTarget::Attention, PatchOperation::Scale, 1), head});
    EXPECT_EQ(same.program, m_block.program);
    EXPECT_EQ(run(same), run(m_block));
    EXPECT_TRUE(touchedTensors(m_block, same, DType::F32).empty());
}

TEST_P(Patched, ZeroingAHeadEmptiesItsShareOfTheMixture)
{
    PatchStep head = step(PatchTarget::Head, PatchOperation::Zero, 0);
    head.head = 1;
    const std::vector<double> mixed = run(m_block, "mixed");
    std::vector<double> expected = run(m_block, "attn");
    const std::vector<double> weight = ir::widened(m_block.weights.at("o.weight"));
    for (std::size_t t = 0; t < 3; ++t)
        for (std::size_t o = 0; o < 8; ++o)
            for (std::size_t i = 4; i < 8; ++i)
                expected[t * 8 + o] -= weight[o * 8 + i] * mixed[t * 8 + i];
    expectNear(run(edited({head}), "attn"), expected);
}

TEST_P(Patched, DirectionsAreAddedAndScaledInOrder)
{
    const std::vector<double> v = numbers(8, 3);
    double squares = 0;
    for (const double value : v)
        squares += value * value;
    const PatchTensors tensors = {{"0.direction", f64(v, {8})}, {"1.direction", f64(v, {8})}};
    for (const PatchTarget target : {PatchTarget::Mlp, PatchTarget::Attention, PatchTarget::Residual}) {
        for (const bool scaleFirst : {false, true}) {
            std::vector<PatchStep> steps = {step(target, PatchOperation::AddDirection, 2),
                                            step(target, PatchOperation::ScaleDirection, -0.5)};
            if (scaleFirst)
                std::swap(steps[0], steps[1]);
            const char* tap = target == PatchTarget::Mlp ? "mlp" : target == PatchTarget::Attention ? "attn" : "y";
            std::vector<double> expected = run(m_block, tap);
            for (std::size_t t = 0; t < 3; ++t)
                for (const PatchStep& each : steps) {
                    double along = 0;
                    for (std::size_t i = 0; i < 8; ++i)
                        along += expected[t * 8 + i] * v[i] / squares;
                    for (std::size_t i = 0; i < 8; ++i)
                        expected[t * 8 + i] +=
                            each.operation == PatchOperation::AddDirection ? 2 * v[i] : (-0.5 - 1) * along * v[i];
                }
            expectNear(run(edited(steps, tensors), tap), expected);
        }
    }
}

TEST_P(Patched, ARankTwoProductIsAddedToTheMatrix)
{
    PatchStep product = step(PatchTarget::Attention, PatchOperation::RankK, 0.5);
    product.matrix = "q";
    product.direction.clear();
    const PatchTensors tensors = {{"0.u", f64(numbers(16, 5), {8, 2})}, {"0.v", f64(numbers(16, 6), {8, 2})}};
    const ir::BlockIr block = edited({product}, tensors);
    const std::vector<double> before = ir::widened(m_block.weights.at("q.weight"));
    const std::vector<double> after = ir::widened(block.weights.at("q.weight"));
    const std::vector<double> u = numbers(16, 5);
    const std::vector<double> v = numbers(16, 6);
    for (std::size_t o = 0; o < 8; ++o)
        for (std::size_t i = 0; i < 8; ++i)
            EXPECT_NEAR(after[o * 8 + i], before[o * 8 + i] + 0.5 * (u[o * 2] * v[i * 2] + u[o * 2 + 1] * v[i * 2 + 1]),
                        1e-15);
    const std::vector<TouchedTensor> touched = touchedTensors(m_block, block, DType::F32);
    ASSERT_EQ(touched.size(), 1U);
    EXPECT_EQ(touched[0].role, "q.weight");
    EXPECT_EQ(touched[0].before, m_block.program.weights.at("q.weight").sha256);
    EXPECT_NE(touched[0].after, touched[0].before);
}

TEST_P(Patched, ShapesFollowFromTheProgram)
{
    const TransformerConfig shapes = shapesOf(m_block.program, 3);
    EXPECT_EQ(shapes.architecture, m_config.architecture);
    EXPECT_EQ(shapes.heads, 2);
    EXPECT_EQ(shapes.kvHeads, m_config.kvHeads);
    EXPECT_EQ(shapes.headDim, 4);
    EXPECT_EQ(shapes.dFf, 12);
}

TEST(Touched, IsWhatRemainsAfterRounding)
{
    const TransformerConfig shape = config(Architecture::Llama);
    ir::BlockIr block = blockOf(shape);
    for (auto& [name, value] : block.weights) {
        value = roundedWeight(value, DType::BF16);
        block.program.weights[name].dtype = DType::BF16;
        block.program.weights[name].sha256 = sha256OfTensor(value);
    }
    // A factor that every 8-bit mantissa rounds away.
    const auto scaled = [&](double strength) {
        return touchedTensors(
            block, patchedBlock(block, patchOf({step(PatchTarget::Mlp, PatchOperation::Scale, strength)}), {}, shape),
            DType::BF16);
    };
    EXPECT_TRUE(scaled(1 + 1e-6).empty());
    ASSERT_EQ(scaled(0.5).size(), 1U);
    EXPECT_EQ(scaled(0.5)[0].dtype, DType::BF16);
}

TEST(Touched, NamesWhatNoWeightCanExpress)
{
    const TransformerConfig shape = config(Architecture::Llama);
    const ir::BlockIr block = blockOf(shape);
    const PatchTensors tensors = {{"0.direction", f64(numbers(8, 3), {8})}};
    const auto why = [&](PatchTarget target, PatchOperation operation) {
        return inexpressible(touchedTensors(
            block, patchedBlock(block, patchOf({step(target, operation, 3)}), tensors, shape), DType::F32));
    };
    EXPECT_THAT(why(PatchTarget::Mlp, PatchOperation::AddDirection).value(), HasSubstr("no down.bias"));
    EXPECT_THAT(why(PatchTarget::Residual, PatchOperation::ScaleDirection).value(), HasSubstr("no weight"));
    EXPECT_FALSE(why(PatchTarget::Mlp, PatchOperation::ScaleDirection));
}

std::string problemOf(const std::vector<PatchStep>& steps, Architecture architecture = Architecture::Gpt2)
{
    try {
        requireSense(patchOf(steps), config(architecture));
    } catch (const UsageError& error) {
        return error.what();
    }
    return "";
}

TEST(PatchCheck, RefusesInOneSentence)
{
    PatchStep far = step(PatchTarget::Mlp, PatchOperation::Scale, 0.5);
    far.block = {3};
    EXPECT_THAT(problemOf({far}), HasSubstr("block 3 is not one of the model's blocks 0 to 2"));
    PatchStep head = step(PatchTarget::Head, PatchOperation::Scale, 0.5);
    head.head = 2;
    EXPECT_THAT(problemOf({head}), HasSubstr("head 2 is not one of the model's heads 0 to 1"));
    EXPECT_THAT(problemOf({step(PatchTarget::Mlp, PatchOperation::Scale, NAN)}), HasSubstr("not a finite number"));
    EXPECT_THAT(problemOf({step(PatchTarget::Mlp, PatchOperation::Scale, INFINITY)}), HasSubstr("not a finite number"));
    EXPECT_THAT(problemOf({step(PatchTarget::Residual, PatchOperation::Zero, 0)}), HasSubstr("residual stream"));
    PatchStep gate = step(PatchTarget::Mlp, PatchOperation::RankK, 1);
    gate.matrix = "gate";
    EXPECT_THAT(problemOf({gate}), HasSubstr("no matrix gate"));
    EXPECT_EQ(problemOf({gate}, Architecture::Llama), "");
    PatchStep down = gate;
    down.matrix = "down";
    EXPECT_THAT(problemOf({step(PatchTarget::Mlp, PatchOperation::Scale, 0.5), down}), HasSubstr("rank-k step first"));
    EXPECT_EQ(problemOf({down, step(PatchTarget::Mlp, PatchOperation::Scale, 0.5)}), "");
    EXPECT_THAT(problemOf({}), HasSubstr("no step"));
    EXPECT_THROW(requireModel(patchOf({far}), {std::string(64, 'b')}, "other"), FormatError);
}

TEST(PatchCheck, RefusesTensorsOfAnotherShapeOrWithoutNumbers)
{
    const Patch patch = patchOf({step(PatchTarget::Mlp, PatchOperation::AddDirection, 1)});
    const TransformerConfig shape = config(Architecture::Gpt2);
    EXPECT_THROW(requireFit(patch, {}, shape), FormatError);
    EXPECT_THROW(requireFit(patch, {{"0.direction", f64(numbers(7, 1), {7})}}, shape), ShapeError);
    std::vector<double> bad = numbers(8, 1);
    bad[3] = NAN;
    EXPECT_THROW(requireFit(patch, {{"0.direction", f64(bad, {8})}}, shape), FormatError);
    EXPECT_THROW(requireFit(patch, {{"0.direction", f64(std::vector<double>(8, 0.0), {8})}}, shape), NumericError);
    EXPECT_NO_THROW(requireFit(patch, {{"0.direction", f64(numbers(8, 1), {8})}}, shape));
    EXPECT_THROW(
        requireFit(patch, {{"0.direction", f64(numbers(8, 1), {8})}, {"1.direction", f64(numbers(8, 1), {8})}}, shape),
        FormatError);
}

TEST(PatchText, NamesAStrengthByEveryDigitItHas)
{
    const auto text = [](double strength) { return textOf(step(PatchTarget::Mlp, PatchOperation::Scale, strength)); };
    EXPECT_EQ(text(0.33), "block 1: MLP output scaled by 0.33");
    EXPECT_EQ(text(1e-9), "block 1: MLP output scaled by 1e-09");
    EXPECT_EQ(text(-2), "block 1: MLP output scaled by -2");
    EXPECT_EQ(text(1.0000000000000002), "block 1: MLP output scaled by 1.0000000000000002");
}

// v / ‖v‖ of such a vector would be 0 / 0 or v / ∞.
TEST(PatchFit, RefusesADirectionWhoseLengthDoubleCannotHold)
{
    const TransformerConfig model = config(Architecture::Llama);
    const Patch patch = patchOf({step(PatchTarget::Mlp, PatchOperation::ScaleDirection, 2)});
    const auto refusal = [&](double value) -> std::string {
        try {
            requireFit(patch, {{"0.direction", f64(std::vector<double>(8, value), {8})}}, model);
        } catch (const NumericError& error) {
            return error.what();
        }
        return "";
    };
    EXPECT_EQ(refusal(1), "");
    EXPECT_THAT(refusal(0), HasSubstr("zero everywhere"));
    EXPECT_THAT(refusal(1e-200), HasSubstr("too short"));
    EXPECT_THAT(refusal(1e200), HasSubstr("too long"));
}

}
}
