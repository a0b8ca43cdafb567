// Decoding with a cache against teacher forcing, and the demo model against transformers' recorded answers.
#include "engine/base/atomic_file.h"
#include "engine/base/strict_json.h"
#include "engine/generate/greedy.h"
#include "engine/model/kv_cache.h"
#include "engine/model/predictions.h"
#include "engine/model/skinny_linear.h"
#include "tests/engine/model_fixture.h"

#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>
#include <limits>
#include <random>

namespace blockcert::test {
namespace {

using model::Batch;
using model::ForwardOptions;
using model::Transformer;

TEST(HighestLogit, IsTheFirstOfTheLargestWithItsDistanceToTheNext)
{
    const float none = std::numeric_limits<float>::quiet_NaN();
    std::mt19937 random(7);
    for (const std::size_t size : {1U, 2U, 31U, 32U, 33U, 1000U, 1024U}) {
        for (int round = 0; round < 50; ++round) {
            std::vector<float> row(size);
            for (float& value : row) // few values, so that many are equal
                value = random() % 19 == 0 ? none : static_cast<float>(random() % 97) - 48;
            std::vector<float> sorted;
            std::ranges::copy_if(row, std::back_inserter(sorted), [](float value) { return !std::isnan(value); });
            if (sorted.size() < 2)
                continue;
            std::ranges::sort(sorted, std::greater());
            const generate::Choice choice = generate::highestLogit(row);
            EXPECT_EQ(choice.id, std::ranges::find(row, sorted[0]) - row.begin());
            EXPECT_EQ(choice.margin, static_cast<double>(sorted[0]) - static_cast<double>(sorted[1]));
        }
    }
    EXPECT_EQ(generate::highestLogit(std::vector<float>{none, none}).id, 0);
}

class Types : public testing::TestWithParam<std::tuple<std::string, DType, double>> {};

TEST_P(Types, OneTokenAtATimeFollowsTeacherForcing)
{
    const auto& [name, dtype, tolerance] = GetParam();
    Transformer transformer = loadModel(fixtureModel(name), dtype);
    const auto prompts = somePrompts({20}, 288);
    const Batch whole = model::batchOf(prompts);
    const at::Tensor state =
        transformer.forwardFrom(LayerIndex{0}, transformer.embed(prompts[0], whole), whole, {}, RunContext());
    const at::Tensor expected = transformer.logits(state, false, RunContext()).to(at::kDouble).clone();

    const std::vector<std::int64_t> capacity = {20};
    model::KvCache cache(transformer.config(), capacity, dtype, at::Device(at::kCPU));
    ForwardOptions options;
    options.cache = &cache;
    for (std::int64_t position = 0; position < 20;) {
        // The prompt in a first bite of seven, then token by token.
        Batch batch;
        batch.add(position == 0 ? 7 : 1, position);
        options.decoding = position > 0;
        const std::vector<TokenId> ids(prompts[0].begin() + position, prompts[0].begin() + position + batch.rows());
        const at::Tensor rows =
            transformer.forwardFrom(LayerIndex{0}, transformer.embed(ids, batch), batch, options, RunContext());
        const at::Tensor logits = transformer.logits(rows, options.decoding, RunContext());
        const double difference =
            logits.to(at::kDouble).sub(expected.narrow(0, position, batch.rows())).abs().max().item<double>();
        EXPECT_LE(difference, tolerance) << "position " << position;
        position += batch.rows();
    }
}

// fp32: the parity tolerance of the logits. 16 bits: a few units in the last place of logits around 1.
INSTANTIATE_TEST_SUITE_P(
    All, Types,
    testing::Values(std::tuple{"gpt2", DType::F32, 5e-5}, std::tuple{"gpt2", DType::BF16, 6e-2},
                    std::tuple{"gpt2-upcast", DType::F16, 8e-3}, std::tuple{"llama-gqa", DType::F32, 5e-5},
                    std::tuple{"llama-gqa", DType::BF16, 6e-2}, std::tuple{"llama-gqa", DType::F16, 8e-3},
                    std::tuple{"llama-mqa-untied", DType::F32, 5e-5}, std::tuple{"llama3-rope-new", DType::F32, 5e-5}));

TEST(Greedy, ACompletionDoesNotDependOnTheOtherPrompts)
{
    Transformer transformer = loadModel(fixtureModel("llama-gqa"));
    const auto prompts = somePrompts({7, 20, 3, 1, 12}, 288);
    generate::GreedyOptions options;
    options.maxNew = 16;
    const auto together = generate::generateGreedy(transformer, prompts, options, RunContext());
    for (std::size_t p = 0; p < prompts.size(); ++p) {
        const std::vector<std::vector<TokenId>> one = {prompts[p]};
        const auto alone = generate::generateGreedy(transformer, one, options, RunContext());
        EXPECT_EQ(alone[0].ids, together[p].ids);
        EXPECT_EQ(alone[0].margin, together[p].margin); // bits, not a tolerance
    }
}

TEST(Greedy, StopsAtAStopTokenAtTheLimitAndAtTheContext)
{
    Transformer transformer = loadModel(fixtureModel("llama-gqa"));
    const auto prompts = somePrompts({7, 60}, 288);
    generate::GreedyOptions options;
    options.maxNew = 8;
    const auto free = generate::generateGreedy(transformer, prompts, options, RunContext());
    EXPECT_EQ(free[0].ids.size(), 8U);
    EXPECT_EQ(free[1].ids.size(), 4U); // context 64
    EXPECT_FALSE(free[0].stopped);
    options.stop = {free[0].ids[3]};
    const auto stopped = generate::generateGreedy(transformer, prompts, options, RunContext());
    EXPECT_TRUE(stopped[0].stopped);
    EXPECT_LE(stopped[0].ids.size(), 4U);
    EXPECT_EQ(stopped[0].ids.back(), free[0].ids[3]);
    const std::vector<std::vector<TokenId>> empty = {{}};
    EXPECT_THROW((void)generate::generateGreedy(transformer, empty, options, RunContext()), UsageError);
}

TEST(SkinnyLinear, GivesARowTheSameBitsAloneAndInAnyCompany)
{
    for (const DType dtype : {DType::F32, DType::BF16, DType::F16})
        for (const auto& [out, in] :
             std::vector<std::pair<std::int64_t, std::int64_t>>{{100, 576}, {65, 37}, {7, 1536}}) {
            const at::Tensor weight = at::randn({out, in}).to(model::scalarTypeOf(dtype));
            const at::Tensor bias = at::randn({out}).to(model::scalarTypeOf(dtype));
            const model::Linear layer(weight, bias);
            const at::Tensor x = at::randn({11, in}).to(model::scalarTypeOf(dtype));
            at::Tensor together = x.new_zeros({11, out});
            model::skinnyLinear(x, layer, together, RunContext());
            for (std::int64_t row = 0; row < 11; ++row) {
                at::Tensor alone = x.new_zeros({1, out});
                model::skinnyLinear(x.narrow(0, row, 1), layer, alone, RunContext());
                EXPECT_TRUE(at::equal(alone, together.narrow(0, row, 1))) << nameOf(dtype) << " row " << row;
            }
            const at::Tensor exact =
                at::Tensor(x.to(at::kDouble)).matmul(weight.to(at::kDouble).t()).add(bias.to(at::kDouble));
            // One rounding of the result's type (2^-24, 2^-8, 2^-11 half-units) plus fp32 sums of up to 1536 terms.
            const double unit = dtype == DType::F32 ? 0 : dtype == DType::BF16 ? 0x1p-8 : 0x1p-11;
            const double error = together.to(at::kDouble).sub(exact).abs().max().item<double>();
            EXPECT_LE(error, unit * exact.abs().max().item<double>() + 1e-3) << nameOf(dtype);
        }
}

TEST(SkinnyLinear, WidensEveryHalfNumberExactly)
{
    // 65536 weights, one per bit pattern, times one: the results are the values themselves.
    std::vector<std::uint16_t> bits(65536);
    std::iota(bits.begin(), bits.end(), std::uint16_t{0});
    HostTensor all{DType::F16, {65536 / 16, 16}, {}};
    all.bytes.resize(bits.size() * 2);
    std::memcpy(all.bytes.data(), bits.data(), all.bytes.size());
    const at::Tensor weight = model::toTensor(all, at::Device(at::kCPU));
    const model::Linear layer(weight, at::Tensor());
    for (std::int64_t column = 0; column < 16; ++column) {
        const at::Tensor x = at::zeros({1, 16});
        x.select(1, column).fill_(1.0);
        at::Tensor y = at::zeros({1, 65536 / 16});
        model::skinnyLinear(x, layer, y, RunContext());
        // Rows with an infinity or a NaN beside the chosen column are NaN (0 · ∞): compare the others.
        const at::Tensor finite = weight.to(at::kFloat).isfinite().all(1);
        const at::Tensor expected = weight.to(at::kFloat).select(1, column);
        EXPECT_TRUE(at::equal(y.squeeze(0).masked_select(finite), expected.masked_select(finite)));
    }
    const at::Tensor infinite = at::full({1, 16}, std::numeric_limits<float>::infinity(), at::kHalf);
    at::Tensor y = at::zeros({1, 1});
    model::skinnyLinear(at::ones({1, 16}), model::Linear(infinite, at::Tensor()), y, RunContext());
    EXPECT_TRUE(std::isinf(y.item<float>()));
}

class Demo : public testing::Test {
protected:
    void SetUp() override
    {
        if (demoModel().empty())
            GTEST_SKIP() << "the demo model is not set up";
    }

    static Json recorded()
    {
        const std::filesystem::path path = testData() / "demo" / "greedy.json";
        return parseStrictJson(readWholeFile(path, 1U << 20U), path.string());
    }
};

TEST_F(Demo, AnswersAsTransformersDoes)
{
    Transformer transformer = loadModel(demoModel());
    const Json json = recorded();
    std::vector<std::vector<TokenId>> prompts;
    for (const Json& chat : json.at("chats"))
        prompts.push_back(chat.at("token_ids").get<std::vector<TokenId>>());
    generate::GreedyOptions options;
    options.maxNew = json.at("max_new");
    options.stop = {2};
    const auto completions = generate::generateGreedy(transformer, prompts, options, RunContext());
    for (std::size_t p = 0; p < prompts.size(); ++p)
        EXPECT_EQ(completions[p].ids, json.at("chats")[p].at("new_token_ids").get<std::vector<TokenId>>());
}

TEST_F(Demo, LossesAndGuessesAreThoseOfTransformers)
{
    Transformer transformer = loadModel(demoModel());
    for (const Json& raw : recorded().at("raw")) {
        const std::vector<std::vector<TokenId>> prompt = {raw.at("token_ids").get<std::vector<TokenId>>()};
        const Batch batch = model::batchOf(prompt);
        const at::Tensor state =
            transformer.forwardFrom(LayerIndex{0}, transformer.embed(prompt[0], batch), batch, {}, RunContext());
        const model::Predictions predictions = model::predict(transformer, state, batch, prompt[0], RunContext());
        const auto nll = raw.at("nll").get<std::vector<double>>();
        ASSERT_EQ(predictions.nll.size(), nll.size());
        for (std::size_t t = 0; t < nll.size(); ++t)
            EXPECT_NEAR(predictions.nll[t], nll[t], 2e-4) << "token " << t + 1; // fp32, thirty blocks, logits around 20
        const auto top = raw.at("top1").get<std::vector<TokenId>>();
        for (std::size_t t = 0; t < top.size(); ++t)
            EXPECT_EQ(predictions.topId[t * model::topCount], top[t]) << "token " << t;
    }
}

}
}
