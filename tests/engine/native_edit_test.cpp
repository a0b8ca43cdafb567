// Edits of the native model on tiny models: against the explicit program, and shared decoding against one generation
// each.
#include "engine/edit/patched_block.h"
#include "engine/generate/greedy.h"
#include "engine/ir/reference_interpreter.h"
#include "engine/model/kv_cache.h"
#include "engine/pipeline/edit/edit_effect.h"
#include "engine/pipeline/edit/sweep_decoding.h"
#include "engine/pipeline/surrogate.h"
#include "tests/engine/edit_fixture.h"
#include "tests/engine/model_fixture.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace blockcert::test {
namespace {

using certificate::EditColumns;

PatchStep step(std::int32_t block, PatchTarget target, PatchOperation operation, double strength,
               std::int32_t head = -1)
{
    PatchStep made;
    made.block = {block};
    made.target = target;
    made.operation = operation;
    made.strength = strength;
    made.head = head;
    return made;
}

struct Edited {
    std::string name;
    Patch patch;
    edit::PatchTensors tensors;
};

// One of every kind, all of block 1.
std::vector<Edited> everyKind(const TransformerConfig& config)
{
    const auto one = [](PatchStep made) { return Patch{"tiny", {}, {std::move(made)}}; };
    const HostTensor direction = numbers({config.dModel}, 1);
    std::vector<Edited> all = {
        {"mlp", one(step(1, PatchTarget::Mlp, PatchOperation::Scale, 0.3)), {}},
        {"attention", one(step(1, PatchTarget::Attention, PatchOperation::Scale, -0.5)), {}},
        {"head", one(step(1, PatchTarget::Head, PatchOperation::Zero, 0, 1)), {}},
        {"add", one(step(1, PatchTarget::Mlp, PatchOperation::AddDirection, 2)), {{"0.direction", direction}}},
        {"along",
         one(step(1, PatchTarget::Attention, PatchOperation::ScaleDirection, 3)),
         {{"0.direction", direction}}},
        {"residual",
         one(step(1, PatchTarget::Residual, PatchOperation::ScaleDirection, 0)),
         {{"0.direction", direction}}}};
    for (const auto& [matrix, target, out, in] :
         {std::tuple{"q", PatchTarget::Attention, config.queryWidth(), config.dModel},
          std::tuple{"v", PatchTarget::Attention, config.keyValueWidth(), config.dModel},
          std::tuple{"o", PatchTarget::Attention, config.dModel, config.queryWidth()},
          std::tuple{"up", PatchTarget::Mlp, config.dFf, config.dModel},
          std::tuple{"down", PatchTarget::Mlp, config.dModel, config.dFf}}) {
        PatchStep product = step(1, target, PatchOperation::RankK, 1);
        product.matrix = matrix;
        all.push_back({matrix, one(product), {{"0.u", numbers({out, 2}, 0.5)}, {"0.v", numbers({in, 2}, 0.5)}}});
    }
    return all;
}

class Native : public testing::TestWithParam<std::tuple<std::string, DType>> {};

INSTANTIATE_TEST_SUITE_P(All, Native,
                         testing::Values(std::tuple{"llama-gqa", DType::F32}, std::tuple{"llama-gqa", DType::BF16},
                                         std::tuple{"gpt2", DType::F32}, std::tuple{"gpt2", DType::F16}));

TEST_P(Native, WithoutStrengthIsTheBaselineBitForBit)
{
    const auto& [name, dtype] = GetParam();
    model::Transformer transformer = loadModel(fixtureModel(name), dtype);
    const auto prompts = somePrompts({7, 1, 19}, transformer.config().vocab);
    for (const Edited& edited : everyKind(transformer.config()))
        EXPECT_TRUE(pipeline::isUnchanged(transformer, prompts, edited.patch, edited.tensors, RunContext()))
            << edited.name;
}

// The same edit in weights of an explicit program and in outputs of the native model: at the edited block the streams
// are as far apart as the two programs' outputs, up to the rounding of the baseline's dtype.
TEST_P(Native, MovesTheStreamAsTheEditedProgramDoes)
{
    const auto& [name, dtype] = GetParam();
    const auto checkpoint = openModel(fixtureModel(name));
    model::Transformer transformer = loadModel(fixtureModel(name), dtype);
    const auto prompts = somePrompts({7, 19}, transformer.config().vocab);
    RunRequest request;
    request.baselineDtype = dtype;
    std::map<LayerIndex, ir::BlockIr> blocks;
    blocks.emplace(LayerIndex{1}, pipeline::Surrogates(*checkpoint, request).block({1}, 19, RunContext()).block);
    const model::Batch batch = model::batchOf(prompts);
    model::ForwardOptions options;
    options.end = 1;
    const at::Tensor input =
        transformer.forwardFrom({0}, transformer.embed(model::joined(prompts), batch), batch, options, RunContext());
    const double rounding = dtype == DType::F32 ? 1e-5 : dtype == DType::F16 ? 5e-3 : 5e-2; // of the largest state
    for (const Edited& edited : everyKind(transformer.config())) {
        pipeline::EditSession session(transformer, edited.patch, edited.tensors, blocks, RunContext());
        EditColumns columns;
        pipeline::BaselineStates states(transformer, prompts);
        pipeline::measureDeviations(transformer, states, session, columns, RunContext());
        const ir::ReferenceInterpreter before(blocks.at({1}), 1);
        const ir::ReferenceInterpreter after(
            edit::patchedBlock(blocks.at({1}), edited.patch, edited.tensors, transformer.config()), 1);
        const auto width = static_cast<std::size_t>(transformer.config().dModel);
        std::size_t row = 0;
        double largest = 0;
        for (std::size_t p = 0; p < prompts.size(); ++p) {
            const std::vector<double> x = model::toDoubles(
                input.narrow(0, batch.begin(static_cast<std::int64_t>(p)), batch.count(static_cast<std::int64_t>(p))));
            std::vector<std::int32_t> positions(prompts[p].size());
            std::iota(positions.begin(), positions.end(), 0);
            const auto y = before.run(x, positions, RunContext()).output;
            const auto z = after.run(x, positions, RunContext()).output;
            for (std::size_t t = 0; t < prompts[p].size(); ++t, ++row) {
                double squares = 0;
                double norm = 0;
                for (std::size_t i = t * width; i < (t + 1) * width; ++i) {
                    squares += (z[i] - y[i]) * (z[i] - y[i]);
                    norm += std::max(y[i] * y[i], z[i] * z[i]);
                }
                EXPECT_EQ(columns.deviation[row], 0) << "block 0 is not edited";
                EXPECT_NEAR(columns.deviation[columns.tokenId.size() + row], std::sqrt(squares),
                            rounding * std::max(1.0, std::sqrt(norm)))
                    << edited.name << " row " << row;
                largest = std::max(largest, std::sqrt(squares));
            }
        }
        EXPECT_GT(largest, 0) << edited.name;
    }
    // What was laid over the weights is gone.
    EXPECT_TRUE(pipeline::isUnchanged(
        transformer, prompts, {"", {}, {step(0, PatchTarget::Mlp, PatchOperation::Scale, 1)}}, {}, RunContext()));
}

// A pass over several tokens with the kernels of decoding gives each the bits it has when it is decoded alone: that is
// what lets a draft be checked at once.
TEST_P(Native, ChecksSeveralTokensWithTheBitsOfDecodingOneByOne)
{
    const auto& [name, dtype] = GetParam();
    model::Transformer transformer = loadModel(fixtureModel(name), dtype);
    const auto prompts = somePrompts({5, 9}, transformer.config().vocab);
    const auto more = somePrompts({6, 4}, transformer.config().vocab);
    const std::vector<std::int64_t> capacity = {16, 16};
    const auto read = [&](model::KvCache& cache) {
        const model::Batch batch = model::batchOf(prompts);
        model::ForwardOptions options;
        options.cache = &cache;
        (void)transformer.forwardFrom({0}, transformer.embed(model::joined(prompts), batch), batch, options,
                                      RunContext());
    };
    model::ForwardOptions options;
    options.decoding = true;
    model::KvCache together(transformer.config(), capacity, dtype, model::openDevice("cpu"));
    read(together);
    options.cache = &together;
    model::Batch batch;
    batch.add(6, 5);
    batch.add(4, 9);
    const at::Tensor all =
        transformer.forwardFrom({0}, transformer.embed(model::joined(more), batch), batch, options, RunContext());
    model::KvCache alone(transformer.config(), capacity, dtype, model::openDevice("cpu"));
    read(alone);
    options.cache = &alone;
    for (std::int64_t p = 0; p < 2; ++p) {
        const std::int64_t slots[] = {p};
        alone.select(slots);
        for (std::int64_t t = 0; t < batch.count(p); ++t) {
            model::Batch one;
            one.add(1, batch.start[static_cast<std::size_t>(p)] + t);
            const TokenId id[] = {more[static_cast<std::size_t>(p)][static_cast<std::size_t>(t)]};
            const at::Tensor state =
                transformer.forwardFrom({0}, transformer.embed(id, one), one, options, RunContext());
            EXPECT_TRUE(state.equal(all.narrow(0, batch.begin(p) + t, 1))) << "prompt " << p << ", token " << t;
        }
    }
}

TEST_P(Native, SweepsWithTheTokensOfOneGenerationEach)
{
    const auto& [name, dtype] = GetParam();
    model::Transformer transformer = loadModel(fixtureModel(name), dtype);
    const auto prompts = somePrompts({7, 1, 12}, transformer.config().vocab);
    generate::GreedyOptions options;
    options.maxNew = 10;
    pipeline::SweepDecoding decoding(transformer, prompts, options, RunContext());
    const auto same = [](const std::vector<generate::Completion>& a, const std::vector<generate::Completion>& b) {
        return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
            return x.ids == y.ids && x.margin == y.margin && x.stopped == y.stopped;
        });
    };
    EXPECT_TRUE(same(decoding.baseline(), generate::generateGreedy(transformer, prompts, options, RunContext())));
    // An end token that occurs, so that completions end at different lengths.
    options.stop = {decoding.baseline()[0].ids[6]};
    pipeline::SweepDecoding stopping(transformer, prompts, options, RunContext());
    std::int64_t accepted = 0;
    for (const std::int32_t block : {0, 1, 2}) {
        stopping.enter({block}, RunContext());
        for (const double strength : {0.999, 0.9, 0.3, -2.0, 1.5}) {
            if (strength > 1)
                stopping.restart();
            const Patch patch{"", {}, {step(block, PatchTarget::Mlp, PatchOperation::Scale, strength)}};
            pipeline::EditTaps taps(patch, {}, transformer);
            const pipeline::SweptEdit swept = stopping.run(taps, RunContext());
            generate::GreedyOptions alone = options;
            alone.taps = &taps;
            EXPECT_TRUE(same(swept.completions, generate::generateGreedy(transformer, prompts, alone, RunContext())))
                << "block " << block << ", strength " << strength;
            if (strength != 0.999) { // which 16 bits may round away
                EXPECT_GT(swept.finalPre, 0);
            }
            accepted += swept.accepted;
        }
    }
    EXPECT_GT(accepted, 0);
}

}
}
