// The baseline against what transformers computes: every fixture, every dtype it was recorded in.
#include "tests/engine/model_fixture.h"

#include <gmock/gmock.h>

namespace blockcert::test {
namespace {

using model::Batch;
using model::ForwardOptions;

double largestDifference(const at::Tensor& a, const at::Tensor& b)
{
    return a.to(at::kDouble).sub(b.to(at::kDouble)).abs().max().item<double>();
}

// ‖a − b‖ / ‖b‖ of the worst row.
double worstRelativeRow(const at::Tensor& a, const at::Tensor& b)
{
    const at::Tensor wide = b.to(at::kDouble);
    const at::Tensor difference = a.to(at::kDouble).sub(wide).norm(2, {-1});
    return difference.div(wide.norm(2, {-1})).max().item<double>();
}

class Fixture : public testing::TestWithParam<std::string> {};

TEST_P(Fixture, LogitsAndTapsAreThoseOfTransformersInFp32)
{
    const Expected expected(GetParam());
    const auto prompts = expected.prompts();
    ASSERT_FALSE(prompts.empty());
    model::Transformer transformer = loadModel(fixtureModel(GetParam()));
    EXPECT_TRUE(transformer.batchInvariant());
    const Batch batch = model::batchOf(prompts);
    RecordingTaps taps;
    ForwardOptions options;
    options.taps = &taps;
    const at::Tensor state = transformer.forwardFrom(LayerIndex{0}, transformer.embed(model::joined(prompts), batch),
                                                     batch, options, RunContext());
    const at::Tensor logits = transformer.logits(state, false, RunContext());

    // formats.md 3.4: fp32 forward against eager transformers, small models.
    constexpr double tolerance = 5e-5;
    for (std::int64_t p = 0; p < batch.prompts(); ++p) {
        const std::string prompt = "prompt" + std::to_string(p);
        const auto rows = [&](const at::Tensor& tensor) { return tensor.narrow(0, batch.begin(p), batch.count(p)); };
        EXPECT_LE(largestDifference(rows(logits), expected.tensor(prompt + ".logits")), tolerance);
        for (std::size_t layer = 0; layer < taps.output.size(); ++layer) {
            const std::string block = prompt + ".block0" + std::to_string(layer);
            EXPECT_LE(largestDifference(rows(taps.output[layer]), expected.tensor(block + ".output")), tolerance);
            EXPECT_LE(largestDifference(rows(taps.attention[layer]), expected.tensor(block + ".attention_output")),
                      tolerance);
            EXPECT_LE(largestDifference(rows(taps.mlp[layer]), expected.tensor(block + ".mlp_output")), tolerance);
        }
    }
}

TEST_P(Fixture, SixteenBitBlocksFollowTransformersRounding)
{
    const Expected expected(GetParam());
    const auto prompts = expected.prompts();
    // Each block is given transformers' own input. 1e-2 relative per block output is formats.md's figure for bf16,
    // whose unit is 2^-8; in fp16 transformers itself is up to 1.7e-3 from these blocks' exact output.
    const std::vector<std::tuple<std::string, DType, double>> types = {{"bf16", DType::BF16, 1e-2},
                                                                       {"f16", DType::F16, 2e-3}};
    for (const auto& [name, dtype, tolerance] : types) {
        if (!expected.has("prompt0." + name + ".logits"))
            continue;
        model::Transformer transformer = loadModel(fixtureModel(GetParam()), dtype);
        for (std::size_t p = 0; p < prompts.size(); ++p) {
            const std::vector<std::vector<TokenId>> one = {prompts[p]};
            const Batch batch = model::batchOf(one);
            at::Tensor state = transformer.embed(prompts[p], batch);
            for (std::int32_t layer = 0; layer < transformer.config().layers; ++layer) {
                ForwardOptions options;
                options.end = layer + 1;
                const at::Tensor output =
                    transformer.forwardFrom(LayerIndex{layer}, state, batch, options, RunContext());
                state = expected.tensor("prompt" + std::to_string(p) + "." + name + ".block0" + std::to_string(layer) +
                                        ".output");
                EXPECT_LE(worstRelativeRow(output, state), tolerance) << name << " prompt " << p << " block " << layer;
            }
        }
    }
}

INSTANTIATE_TEST_SUITE_P(All, Fixture, testing::ValuesIn(fixtureNames()), [](const auto& parameter) {
    std::string name = parameter.param;
    std::replace_if(
        name.begin(), name.end(), [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); }, '_');
    return name;
});

}
}
