// What the baseline promises about batches, threads, starting points and taps: bits, not tolerances.
#include "engine/model/invariance.h"
#include "engine/model/predictions.h"
#include "tests/engine/model_fixture.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/randn.h>

namespace blockcert::test {
namespace {

using model::Batch;
using model::ForwardOptions;
using model::Transformer;

at::Tensor run(Transformer& transformer, const std::vector<std::vector<TokenId>>& prompts, model::Taps* taps = nullptr)
{
    const Batch batch = model::batchOf(prompts);
    ForwardOptions options;
    options.taps = taps;
    return transformer.forwardFrom(LayerIndex{0}, transformer.embed(model::joined(prompts), batch), batch, options,
                                   RunContext());
}

class Types : public testing::TestWithParam<std::tuple<std::string, DType>> {
protected:
    Transformer load() { return loadModel(fixtureModel(std::get<0>(GetParam())), std::get<1>(GetParam())); }
};

TEST_P(Types, APromptAloneHasTheBitsItHasAmongTen)
{
    Transformer transformer = load();
    ASSERT_TRUE(transformer.batchInvariant());
    const auto prompts = somePrompts({7, 33, 1, 25, 12, 64, 5, 2, 40, 17}, 288);
    const at::Tensor together = run(transformer, prompts);
    const Batch batch = model::batchOf(prompts);
    for (std::size_t p = 0; p < prompts.size(); ++p) {
        const at::Tensor alone = run(transformer, {prompts[p]});
        const auto index = static_cast<std::int64_t>(p);
        EXPECT_TRUE(at::equal(alone, together.narrow(0, batch.begin(index), batch.count(index)))) << "prompt " << p;
    }
}

TEST_P(Types, ABeginningHasTheBitsItHasInTheWholePrompt)
{
    Transformer transformer = load();
    const std::vector<TokenId> prompt = somePrompts({64}, 288).front();
    const at::Tensor whole = run(transformer, {prompt});
    for (const std::int64_t count : {1, 2, 31, 32, 33, 63}) {
        const at::Tensor alone = run(transformer, {{prompt.begin(), prompt.begin() + count}});
        EXPECT_TRUE(at::equal(alone, whole.narrow(0, 0, count))) << count << " tokens";
    }
}

TEST_P(Types, OneThreadAndTwoGiveTheSameBits)
{
    const auto prompts = somePrompts({7, 33, 25, 64}, 288);
    const int before = model::setThreads(1);
    ASSERT_EQ(before, 1);
    Transformer transformer = load();
    const at::Tensor one = run(transformer, prompts);
    const Batch batch = model::batchOf(prompts);
    const model::Predictions lossesOfOne =
        model::predict(transformer, one, batch, model::joined(prompts), RunContext());
    model::setThreads(2);
    const at::Tensor two = run(transformer, prompts);
    EXPECT_TRUE(at::equal(one, two));
    const model::Predictions lossesOfTwo =
        model::predict(transformer, two, batch, model::joined(prompts), RunContext());
    EXPECT_EQ(lossesOfOne.nll, lossesOfTwo.nll);
    EXPECT_EQ(lossesOfOne.topLogit, lossesOfTwo.topLogit);
    model::setThreads(0);
}

TEST_P(Types, StartingFromAnyBlockGivesTheWholeForwardsBits)
{
    Transformer transformer = load();
    const auto prompts = somePrompts({9, 30, 4}, 288);
    const Batch batch = model::batchOf(prompts);
    RecordingTaps taps;
    const at::Tensor whole = run(transformer, prompts, &taps);
    for (std::int32_t first = 0; first <= transformer.config().layers; ++first) {
        const at::Tensor state =
            first == transformer.config().layers ? whole : taps.input[static_cast<std::size_t>(first)];
        EXPECT_TRUE(at::equal(transformer.forwardFrom(LayerIndex{first}, state, batch, {}, RunContext()), whole))
            << "from block " << first;
        // The same for a subset of the prompts.
        Batch last;
        last.add(batch.count(2));
        const at::Tensor rows = state.narrow(0, batch.begin(2), batch.count(2));
        EXPECT_TRUE(at::equal(transformer.forwardFrom(LayerIndex{first}, rows, last, {}, RunContext()),
                              whole.narrow(0, batch.begin(2), batch.count(2))));
    }
}

TEST_P(Types, ABlockIsItsInputPlusItsTwoSublayers)
{
    Transformer transformer = load();
    RecordingTaps taps;
    (void)run(transformer, somePrompts({9, 30}, 288), &taps);
    for (std::size_t layer = 0; layer < taps.output.size(); ++layer) {
        // The baseline rounds after each addition; so does this sum in the same type.
        EXPECT_TRUE(at::equal(taps.input[layer].add(taps.attention[layer]).add(taps.mlp[layer]), taps.output[layer]));
        if (layer > 0) {
            EXPECT_TRUE(at::equal(taps.input[layer], taps.output[layer - 1]));
        }
    }
}

TEST_P(Types, KeepingOneBlockInMemoryChangesNoBit)
{
    Transformer whole = load();
    Transformer one =
        loadModel(fixtureModel(std::get<0>(GetParam())), std::get<1>(GetParam()), model::Residency::OneBlock);
    const auto prompts = somePrompts({9, 30}, 288);
    EXPECT_TRUE(at::equal(run(whole, prompts), run(one, prompts)));
}

// In 16 bits logits often tie; a plain sort is the definition.
TEST_P(Types, TheTopFiveAreTheHighestLogitsAndTheLowestIdsAmongEquals)
{
    Transformer transformer = load();
    const auto prompts = somePrompts({40, 3}, 288);
    const Batch batch = model::batchOf(prompts);
    const at::Tensor state = run(transformer, prompts);
    const model::Predictions predictions =
        model::predict(transformer, state, batch, model::joined(prompts), RunContext());
    const std::vector<double> logits = model::toDoubles(transformer.logits(state, false, RunContext()));
    ASSERT_EQ(predictions.nll.size(), 41U);
    for (std::size_t row = 0; row < 43; ++row) {
        std::vector<std::int32_t> order(288);
        std::iota(order.begin(), order.end(), 0);
        std::stable_sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) {
            return logits[row * 288 + static_cast<std::size_t>(a)] > logits[row * 288 + static_cast<std::size_t>(b)];
        });
        for (std::size_t k = 0; k < 5; ++k) {
            EXPECT_EQ(predictions.topId[row * 5 + k], order[k]) << "row " << row << " place " << k;
            EXPECT_EQ(predictions.topLogit[row * 5 + k], logits[row * 288 + static_cast<std::size_t>(order[k])]);
        }
    }
}

INSTANTIATE_TEST_SUITE_P(All, Types,
                         testing::Combine(testing::Values("gpt2", "gpt2-upcast", "llama-gqa", "llama-mqa-untied"),
                                          testing::Values(DType::F32, DType::BF16, DType::F16)),
                         [](const auto& parameter) {
                             std::string name = std::get<0>(parameter.param);
                             std::replace(name.begin(), name.end(), '-', '_');
                             return name + "_" + std::string(nameOf(std::get<1>(parameter.param)));
                         });

TEST(Taps, WhatATapWritesIsWhatThePassGoesOnWith)
{
    class ZeroMlp : public model::Taps {
        void mlpOutput(LayerIndex layer, const at::Tensor& tensor) override
        {
            if (layer.value == 1)
                tensor.zero_();
        }
    };

    Transformer transformer = loadModel(fixtureModel("llama-gqa"));
    const auto prompts = somePrompts({9}, 288);
    RecordingTaps taps;
    const at::Tensor whole = run(transformer, prompts, &taps);
    ZeroMlp edit;
    const at::Tensor edited = run(transformer, prompts, &edit);
    EXPECT_FALSE(at::equal(whole, edited));
    const Batch batch = model::batchOf(prompts);
    EXPECT_TRUE(at::equal(
        edited, transformer.forwardFrom(LayerIndex{2}, taps.input[1].add(taps.attention[1]), batch, {}, RunContext())));
}

TEST(Tiling, ASelfTestThatCannotHoldIsReported)
{
    // Whole products without tiles: MKL chooses its kernel by the number of rows, so this wish must be refused or
    // reduced to one height, never waved through.
    const at::Tensor weight = at::randn({2048, 512}, at::kDouble);
    const model::Linear layer(weight, at::Tensor());
    const model::Linear* layers[] = {&layer};
    model::Tiling odd;
    odd.rows = {600, 7, 1};
    odd.outputs = 2048;
    const model::TilingChoice choice = model::chooseTiling(layers, odd, RunContext());
    if (choice.tiling.rows.size() > 1)
        GTEST_SKIP() << "this machine's BLAS gives the same bits whatever the shape";
    EXPECT_EQ(choice.tiling.rows.size(), 1U);
}

TEST(Tiling, OddShapesKeepTheirBitsInEveryType)
{
    for (const auto& [out, in] : std::vector<std::pair<std::int64_t, std::int64_t>>{
             {53, 37}, {7, 48}, {1, 16}, {100, 513}, {577, 129}, {192, 576}, {960, 576}, {13, 1}})
        for (const DType dtype : {DType::F64, DType::F32, DType::BF16, DType::F16}) {
            const at::Tensor weight = at::randn({out, in}).to(model::scalarTypeOf(dtype));
            const model::Linear layer(weight, at::randn({out}).to(model::scalarTypeOf(dtype)));
            const model::Linear* layers[] = {&layer};
            const auto choice = model::chooseTiling(layers, model::defaultTiling(dtype), RunContext());
            EXPECT_TRUE(choice.batchInvariant) << out << " x " << in << " " << nameOf(dtype);
        }
}

TEST(Transformer, AStopIsAnsweredInTheMiddleOfAPass)
{
    Transformer transformer = loadModel(fixtureModel("llama-gqa"));
    const auto prompts = somePrompts({9, 30}, 288);
    const Batch batch = model::batchOf(prompts);
    std::stop_source stop;
    const RunContext context(stop.get_token(), {});

    class StopAtBlockOne : public model::Taps {
    public:
        explicit StopAtBlockOne(std::stop_source& source)
            : m_source(source)
        {
        }

        void blockInput(LayerIndex layer, const at::Tensor&) override
        {
            if (layer.value == 1)
                m_source.request_stop();
            EXPECT_LT(layer.value, 2);
        }

    private:
        std::stop_source& m_source;
    };

    StopAtBlockOne taps(stop);
    ForwardOptions options;
    options.taps = &taps;
    EXPECT_THROW((void)transformer.forwardFrom(LayerIndex{0}, transformer.embed(model::joined(prompts), batch), batch,
                                               options, context),
                 Cancelled);
}

TEST(Transformer, RefusesWhatDoesNotFit)
{
    Transformer transformer = loadModel(fixtureModel("llama-gqa"));
    Batch batch;
    batch.add(2);
    EXPECT_THROW((void)transformer.embed(std::vector<TokenId>{1, 288}, batch), FormatError);
    EXPECT_THROW((void)transformer.embed(std::vector<TokenId>{1, -1}, batch), FormatError);
    EXPECT_THROW((void)transformer.embed(std::vector<TokenId>{1}, batch), ShapeError);
    Batch beyond;
    beyond.add(65);
    EXPECT_THROW((void)transformer.embed(std::vector<TokenId>(65, 1), beyond), UsageError);
}

TEST(Device, CudaWithoutADriverIsRefusedWithASentence)
{
    EXPECT_THROW((void)model::openDevice("tpu"), UsageError);
    EXPECT_THROW((void)model::openDevice("cuda:x"), UsageError);
    try {
        (void)model::openDevice("cuda:63");
        FAIL() << "no machine of ours has 64 devices";
    } catch (const UnsupportedError& error) {
        EXPECT_NE(std::string(error.what()).find("--device cpu"), std::string::npos) << error.what();
    }
}

}
}
