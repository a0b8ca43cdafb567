// How far a model carries rounding, on a block that is made to carry it far at one token and nowhere else.
#include "engine/base/run_context.h"
#include "engine/certificate/metrics.h"
#include "engine/certificate/rounding_probe.h"
#include "engine/ir/reference_ops.h"
#include "tests/certificate/tiny_run.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <map>
#include <string>
#include <vector>

namespace blockcert::certificate {
namespace {

constexpr std::size_t width = 32;
using States = std::vector<std::vector<double>>;

// The block of a tiny model with nothing in its matrices but these elements, so that it adds what they make of a token.
ir::BlockIr blockOf(const ir::BlockIr& like, const std::map<std::string, std::map<std::size_t, float>>& elements)
{
    ir::BlockIr block = like;
    for (auto& [name, tensor] : block.weights) {
        if (tensor.shape.size() != 2)
            continue;
        std::ranges::fill(tensor.bytes, std::byte{0});
        if (const auto found = elements.find(name); found != elements.end())
            for (const auto& [element, value] : found->second)
                std::memcpy(tensor.bytes.data() + 4 * element, &value, 4);
    }
    return block;
}

class RoundingProbeTest : public ::testing::Test {
protected:
    RoundingProbeTest()
        : m_like(tiny::make({}).irs[0])
        , m_idle(blockOf(m_like, {}))
        // up asks for x₀ − 3 x₁, which is 0 for the first token, and for the second one is not.
        , m_difference(blockOf(m_like, {{"gate.weight", {{2, 5.0F}}},
                                        {"up.weight", {{0, 1.0F}, {1, -3.0F}}},
                                        {"down.weight", {{3 * m_like.weights.at("down.weight").shape[1], 4e3F}}}}))
    {
        for (auto* block : {&m_idle, &m_difference})
            for (auto& [name, tensor] : block->weights)
                if (tensor.shape.size() == 1)
                    for (std::size_t i = 0; i < width; ++i)
                        std::memcpy(tensor.bytes.data() + 4 * i, &one, 4);
        std::vector<double> state(2 * width, 0.01);
        state[0] = 0.3;
        state[1] = 0.1;
        state[2] = 0.7;
        state[width] = 0.9;
        state[width + 1] = 0.2;
        state[width + 2] = 0.7;
        m_states.push_back(std::move(state));
    }

    void advance(RoundingProbe& probe, const ir::BlockIr& block)
    {
        std::vector<double>& state = m_states[0];
        std::vector<double>* states[] = {&state};
        advanceStates(block, states, 1, RunContext{});
        const std::vector<double>* exact[] = {&state};
        probe.advance(block, exact, 1, RunContext{});
    }

    static constexpr float one = 1;
    ir::BlockIr m_like;
    ir::BlockIr m_idle;
    ir::BlockIr m_difference;
    States m_states;
};

TEST_F(RoundingProbeTest, IsWideAtTheTokenThatLetsRoundingGrowAndStaysSo)
{
    RoundingProbe probe(DType::F32, width, m_states);
    advance(probe, m_idle); // rounds the twins' states
    EXPECT_EQ(probe.factor(0, 0), 1);
    EXPECT_EQ(probe.factor(0, 1), 1);
    advance(probe, m_difference);
    const double factor = probe.factor(0, 0);
    EXPECT_GT(factor, 20);
    EXPECT_EQ(probe.factor(0, 1), 1) << "as large a step, which rounding changes by no more than a state";
    advance(probe, m_idle);
    EXPECT_GE(probe.factor(0, 0), factor);
    EXPECT_EQ(probe.factor(0, 1), 1);
}

TEST_F(RoundingProbeTest, CountsInTheLogitsOfThatTokenAlone)
{
    RoundingProbe probe(DType::F32, width, m_states);
    for (const ir::BlockIr* block : {&m_idle, &m_difference})
        advance(probe, *block);
    const artifact::Checkpoint model = artifact::Checkpoint::open(tiny::modelPath("llama-gqa"));
    const ReferenceHead head(model, DType::F32, 1);
    std::vector<double> logits;
    head.forEachLogits(
        m_states[0], [&](std::size_t, std::span<const double> rows) { logits.assign(rows.begin(), rows.end()); }, 1,
        RunContext{});
    const std::vector<double> factors = probe.headFactors(head, 0, 0, logits, 1, RunContext{});
    ASSERT_EQ(factors.size(), 2U);
    EXPECT_GT(factors[0], 5);
    EXPECT_EQ(factors[1], 1);
    const std::vector<double> second =
        probe.headFactors(head, 0, 1, std::span(logits).subspan(head.vocabulary()), 1, RunContext{});
    EXPECT_EQ(second, (std::vector<double>{factors[1]}));
}

TEST(FactorWithin, IsInfiniteWhereAnAllowanceReachesTheNorm)
{
    EXPECT_EQ(factorWithin(0.3, 3), 3);
    EXPECT_TRUE(std::isinf(factorWithin(0.3, 4)));
}

}
}
