// What only the model itself gives away: a trace, tokens, losses or weights that hang together and are not the model's.
#include "engine/artifact/checkpoint.h"
#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/base/sha256.h"
#include "engine/certificate/metrics.h"
#include "engine/certificate/widen.h"
#include "engine/ir/reference_interpreter.h"
#include "engine/tokenizer/tokenizer.h"
#include "tests/certificate/tiny_run.h"
#include "tests/tampering/tampered_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <numeric>
#include <span>

namespace blockcert::certificate {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::IsEmpty;
using testing_support::TemporaryFolder;

// Writes a run as a dishonest issuer would: everything in it hangs together.
Verdict verdictOn(const tiny::Material& material, int level)
{
    const TemporaryFolder folder;
    tiny::write(material, folder.path() / "run");
    return TamperedRun(folder.path() / "run").verify(level);
}

void expectFoundAtLevelFourAlone(const tiny::Material& material, const char* id)
{
    const Verdict three = verdictOn(material, 3);
    EXPECT_EQ(three.exitCode, 0) << id << "\n" << problemsOf(three);
    const Verdict four = verdictOn(material, 4);
    EXPECT_THAT(failedIds(four), Contains(id)) << problemsOf(four);
}

float& floatAt(HostTensor& tensor, std::size_t element)
{
    return *reinterpret_cast<float*>(tensor.bytes.data() + 4 * element);
}

TEST(ModelForgery, OfStatesIsFoundThoughTheBlockReplaysThem)
{
    // Block 1 alone: its input is moved, and its output is what the surrogate makes of that.
    tiny::Options options;
    options.blocks = {1};
    tiny::Material material = tiny::make(options);
    CellRecord& cell = material.cells[0][0];
    for (std::size_t i = 0; i < 32; ++i)
        floatAt(cell.input, 32 * 2 + i) *= 1.01F;
    tiny::replay(cell, material.irs[0]);
    expectFoundAtLevelFourAlone(material, "model.states");
}

TEST(ModelForgery, OfTheEmbeddingIsFoundToTheLastBit)
{
    tiny::Options options;
    options.blocks = {0};
    tiny::Material material = tiny::make(options);
    CellRecord& cell = material.cells[0][0];
    float& value = floatAt(cell.input, 40);
    value = std::nextafter(value, 1e9F);
    tiny::replay(cell, material.irs[0]);
    expectFoundAtLevelFourAlone(material, "model.embedding");
}

TEST(ModelForgery, OfLossesIsFound)
{
    for (const auto member : {&CellRecord::lossBase, &CellRecord::lossStitched}) {
        tiny::Material material = tiny::make({});
        // Both losses move together, so that the loss coverage stays perfect; one of them is left right.
        for (std::vector<CellRecord>& block : material.cells)
            (block[0].*member)[3] += 9e-4;
        const char* id = member == &CellRecord::lossBase ? "model.loss_base" : "model.loss_stitched";
        expectFoundAtLevelFourAlone(material, id);
    }
}

ir::BlockReplay replayed(const ir::BlockIr& block, const CellRecord& cell)
{
    std::vector<std::int32_t> position(cell.error.size());
    std::iota(position.begin(), position.end(), 0);
    return ir::ReferenceInterpreter(block, 1).run(ir::widened(cell.input), position, RunContext());
}

// A surrogate that is a little worse than the policy allows, and a baseline recorded a little closer to it: within what
// a state may differ from the model's by, and still no rounding.
TEST(ModelForgery, OfOutputsMovedTowardsTheSurrogateIsFound)
{
    tiny::Options options;
    options.blocks = {1};
    options.ablation = {Ablation::Kind::NoiseQuery, 1e-4};
    tiny::Material material = tiny::make(options);
    double largest = 0;
    for (const CellRecord& cell : material.cells[0])
        largest = std::max(largest, *std::max_element(cell.error.begin(), cell.error.end()));
    material.manifest.request.policy.tauAct = largest / 2;
    material.manifest.request.policy.alphaAct = 1;
    const Verdict honest = verdictOn(material, 4);
    EXPECT_EQ(honest.exitCode, 6) << problemsOf(honest);
    EXPECT_THAT(failedIds(honest), IsEmpty()) << problemsOf(honest);
    for (CellRecord& cell : material.cells[0]) {
        const ir::BlockReplay replay = replayed(material.irs[0], cell);
        const std::vector<double> output = ir::widened(cell.output);
        std::vector<double> moved = output;
        for (std::size_t i = 0; i < moved.size(); ++i)
            moved[i] += 0.9 * (replay.output[i] - output[i]);
        for (std::size_t i = 0; i < moved.size(); ++i)
            floatAt(cell.output, i) = static_cast<float>(moved[i]);
        const std::vector<double> recorded = ir::widened(cell.output);
        for (std::size_t t = 0; t < cell.error.size(); ++t) {
            const auto row = [&](const std::vector<double>& all) { return std::span(all).subspan(32 * t, 32); };
            cell.error[t] = l2Distance(row(replay.output), row(recorded));
            cell.outputNorm[t] = l2Norm(row(recorded));
        }
    }
    expectFoundAtLevelFourAlone(material, "model.error");
    expectFoundAtLevelFourAlone(material, "coverage.rounding");
}

// Two losses moved towards each other, each by less than it may differ from the model's.
TEST(ModelForgery, OfALossChangeIsFoundWhereItDecidesTheCoverage)
{
    tiny::Options options;
    options.blocks = {1};
    options.ablation = {Ablation::Kind::NoiseQuery, 0.02};
    tiny::Material material = tiny::make(options);
    std::pair<std::size_t, std::size_t> worst;
    double largest = 0;
    const auto change = [&](std::size_t p, std::size_t i) {
        const CellRecord& cell = material.cells[0][p];
        return std::abs(cell.lossStitched[i] - cell.lossBase[i]);
    };
    for (std::size_t p = 0; p < material.cells[0].size(); ++p)
        for (std::size_t i = 0; i < material.cells[0][p].lossBase.size(); ++i)
            if (change(p, i) > largest) {
                largest = change(p, i);
                worst = {p, i};
            }
    ASSERT_GT(largest, 7e-4);
    Policy& policy = material.manifest.request.policy;
    policy.tauAct = 10;
    policy.tauLoss = largest - 6e-4;
    policy.alphaLoss = 1;
    for (std::size_t p = 0; p < material.cells[0].size(); ++p) // all the others are covered
        for (std::size_t i = 0; i < material.cells[0][p].lossBase.size(); ++i)
            ASSERT_TRUE(std::pair(p, i) == worst || change(p, i) < policy.tauLoss) << p << ", " << i;
    const Verdict honest = verdictOn(material, 4);
    EXPECT_EQ(honest.exitCode, 6) << problemsOf(honest);
    EXPECT_THAT(failedIds(honest), IsEmpty()) << problemsOf(honest);
    CellRecord& cell = material.cells[0][worst.first];
    const double step = cell.lossStitched[worst.second] > cell.lossBase[worst.second] ? 3.5e-4 : -3.5e-4;
    cell.lossStitched[worst.second] -= step;
    cell.lossBase[worst.second] += step;
    expectFoundAtLevelFourAlone(material, "loss.rounding");
}

TEST(ModelForgery, OfTheHighestLogitsIsFound)
{
    tiny::Material logit = tiny::make({});
    logit.cells[1][0].topLogitBase[7] += 0.01;
    logit.cells[1][0].topLogitBase[6] += 0.02;
    logit.cells[1][0].topLogitBase[5] += 0.03;
    expectFoundAtLevelFourAlone(logit, "model.top");

    tiny::Material id = tiny::make({});
    std::swap(id.cells[0][0].topIdStitched[0], id.cells[0][0].topIdStitched[4]);
    expectFoundAtLevelFourAlone(id, "model.top_stitched");

    tiny::Material repeated = tiny::make({});
    for (std::size_t k = 1; k < 5; ++k) {
        repeated.cells[0][0].topIdBase[k] = repeated.cells[0][0].topIdBase[0];
        repeated.cells[0][0].topLogitBase[k] = repeated.cells[0][0].topLogitBase[0];
    }
    expectFoundAtLevelFourAlone(repeated, "model.top");
}

// Until it was made again from the model's files, what a surrogate is remains the issuer's word.
TEST(ModelForgery, OfASurrogatesNameIsNoFactBeforeLevelFour)
{
    const tiny::Material material = tiny::make({});
    const auto isWord = Contains(testing::HasSubstr("the issuer's word"));
    EXPECT_THAT(verdictOn(material, 3).says, isWord);
    EXPECT_THAT(verdictOn(material, 4).says, testing::Not(isWord));
}

TEST(ModelForgery, OfLogitsThatWereNotRecordedIsFound)
{
    for (const bool stitched : {false, true}) {
        tiny::Material material = tiny::make({});
        CellRecord& cell = material.cells[0][0];
        std::ranges::fill(stitched ? cell.topIdStitched : cell.topIdBase, -1);
        std::ranges::fill(stitched ? cell.topLogitStitched : cell.topLogitBase, 99.0);
        expectFoundAtLevelFourAlone(material, stitched ? "model.top_stitched" : "model.top");
    }
}

// The recorded mask and the sublayers' outputs are not what the block's output is replayed from.
TEST(ModelForgery, OfTheRecordedMaskIsFound)
{
    tiny::Material later = tiny::make({});
    later.cells[1][0].mask.bytes[1] = std::byte{1}; // the first token attends to the second
    const Verdict verdict = verdictOn(later, 4);
    EXPECT_THAT(failedIds(verdict), Contains("model.mask")) << problemsOf(verdict);

    tiny::Material hidden = tiny::make({});
    hidden.cells[0][0].mask.bytes[0] = std::byte{0};
    EXPECT_THAT(failedIds(verdictOn(hidden, 4)), Contains("model.mask"));

    tiny::Material two = tiny::make({});
    two.cells[0][0].mask.bytes[0] = std::byte{2};
    EXPECT_THAT(failedIds(verdictOn(two, 1)), Contains("structure.values"));
}

TEST(ModelForgery, OfTheSublayersOutputsIsFound)
{
    for (const bool attention : {true, false}) {
        tiny::Material material = tiny::make({});
        CellRecord& cell = material.cells[1][0];
        HostTensor& recorded = attention ? cell.attentionOutput : cell.mlpOutput;
        for (std::size_t i = 0; i < 32; ++i)
            floatAt(recorded, 32 + i) += 0.05F;
        std::vector<std::int32_t> positions(static_cast<std::size_t>(cell.input.shape[0]));
        std::iota(positions.begin(), positions.end(), 0);
        const ir::BlockReplay replayed =
            ir::ReferenceInterpreter(material.irs[1], 1).run(ir::widened(cell.input), positions, RunContext{});
        const std::vector<double> rows = ir::widened(recorded);
        (attention ? cell.errorAttention : cell.errorMlp)[1] = l2Distance(
            std::span(attention ? replayed.attention : replayed.mlp).subspan(32, 32), std::span(rows).subspan(32, 32));
        expectFoundAtLevelFourAlone(material, attention ? "model.attention" : "model.mlp");
    }
}

TEST(ModelForgery, OfTokensIsFoundByTheTokenizer)
{
    tiny::Material text = tiny::make({});
    text.manifest.prompts.prompts[0].rendered = "the quick brown cat";
    expectFoundAtLevelFourAlone(text, "model.tokens");

    tiny::Material truncated = tiny::make({});
    truncated.manifest.prompts.prompts[2].truncatedTokens = 3;
    expectFoundAtLevelFourAlone(truncated, "model.tokens");
}

// A whole text in the place of one that ends where the recorded ids do, which so becomes one that was cut there.
TEST(ModelForgery, OfWhereAPromptWasCutIsFound)
{
    tiny::Material material = tiny::make({});
    EncodedPrompt& prompt = material.manifest.prompts.prompts[0];
    const auto ids = static_cast<std::int64_t>(prompt.tokenIds.size());
    const auto model = artifact::Checkpoint::open(tiny::modelPath("llama-gqa"));
    prompt.rendered += " jumps";
    prompt.truncatedTokens =
        static_cast<std::int64_t>(
            tokenizer::Tokenizer::of(model).encode(prompt.rendered, tokenizer::SpecialTokens::Add).size()) -
        ids;
    ASSERT_GT(prompt.truncatedTokens, 0);
    expectFoundAtLevelFourAlone(material, "model.lengths");
}

TEST(ModelForgery, OfALimitThatPromptsAreBeyondIsFoundAtOnce)
{
    tiny::Material material = tiny::make({});
    material.manifest.request.maxTokens = 2;
    EXPECT_THAT(failedIds(verdictOn(material, 0)), Contains("consistency.lengths"));
}

TEST(ModelForgery, OfTheChatTemplateIsFound)
{
    tiny::Material material = tiny::make({});
    material.manifest.prompts.templateSha256 = std::string(64, '0');
    expectFoundAtLevelFourAlone(material, "model.tokens");
}

TEST(ModelForgery, OfWeightsIsFoundByRebuildingTheSurrogate)
{
    tiny::Options options;
    options.blocks = {1};
    tiny::Material material = tiny::make(options);
    ir::BlockIr& ir = material.irs[0];
    HostTensor& weight = ir.weights.at("down.weight");
    floatAt(weight, 5) += 0.25F;
    ir.program.weights.at("down.weight").sha256 = sha256OfTensor(weight);
    for (CellRecord& cell : material.cells[0])
        tiny::replay(cell, ir);
    expectFoundAtLevelFourAlone(material, "model.ir");
}

TEST(ModelForgery, OfMaskTablesAndProgramIsFoundByRebuildingTheSurrogate)
{
    tiny::Options options;
    options.blocks = {1};
    {
        tiny::Material material = tiny::make(options);
        material.irs[0].mask.bytes[1] = std::byte{1}; // the first token sees the second
        for (CellRecord& cell : material.cells[0]) {
            if (cell.mask.shape[0] > 1)
                cell.mask.bytes[1] = std::byte{1};
            tiny::replay(cell, material.irs[0]);
        }
        expectFoundAtLevelFourAlone(material, "model.ir");
    }
    {
        tiny::Material material = tiny::make(options);
        floatAt(material.irs[0].ropeCos, 9) = 0.5F;
        for (CellRecord& cell : material.cells[0])
            tiny::replay(cell, material.irs[0]);
        expectFoundAtLevelFourAlone(material, "model.ir");
    }
    {
        tiny::Material material = tiny::make(options);
        std::get<ir::RmsNorm>(material.irs[0].program.operations[0]).epsilon = 1e-3;
        for (CellRecord& cell : material.cells[0])
            tiny::replay(cell, material.irs[0]);
        expectFoundAtLevelFourAlone(material, "model.ir");
    }
}

TEST(ModelForgery, OfTheSubjectIsFound)
{
    tiny::Material config = tiny::make({});
    config.manifest.subject.configSha256 = std::string(64, '0');
    expectFoundAtLevelFourAlone(config, "model.config");
    tiny::Material layers = tiny::make({});
    layers.manifest.subject.layers = 9;
    expectFoundAtLevelFourAlone(layers, "model.config");
    // Another model's digest: there is nothing to compare with, and no green state.
    tiny::Material file = tiny::make({});
    file.manifest.subject.files[0].sha256 = std::string(64, '0');
    EXPECT_EQ(verdictOn(file, 3).exitCode, 0);
    EXPECT_EQ(verdictOn(file, 4).exitCode, 5);
}

// With weights by reference the model is at hand from the first replay on.
TEST(ModelForgery, OfTheSubjectIsFoundWhereWeightsWereReadFromIt)
{
    tiny::Options options;
    options.embed = false;
    const Verdict honest = verdictOn(tiny::make(options), 3);
    EXPECT_EQ(honest.exitCode, 0) << problemsOf(honest);
    for (const auto& forge : std::vector<std::function<void(Subject&)>>{
             [](Subject& subject) { subject.layers = 9; },
             [](Subject& subject) { subject.architecture = "gpt2"; },
             [](Subject& subject) { subject.configSha256 = std::string(64, '0'); },
         }) {
        tiny::Material material = tiny::make(options);
        forge(material.manifest.subject);
        EXPECT_THAT(failedIds(verdictOn(material, 2)), Contains("model.config"));
    }
    tiny::Material more = tiny::make(options);
    more.manifest.subject.files.push_back({"more.safetensors", 8U, std::string(64, '0')});
    EXPECT_EQ(verdictOn(more, 3).exitCode, 5);
}

TEST(ModelForgery, OfAWholeTraceByAnotherModelIsFound)
{
    // Weights, trace and losses of one model under the name and digests of another of the same shape.
    const tiny::Material honest = tiny::make({});
    tiny::Options other;
    other.model = "llama-bf16";
    tiny::Material material = tiny::make(other);
    material.manifest.subject = honest.manifest.subject;
    material.manifest.modelHint = honest.manifest.modelHint;
    const Verdict verdict = verdictOn(material, 4);
    EXPECT_THAT(failedIds(verdict), Contains(testing::AnyOf(testing::Eq("model.ir"), testing::Eq("model.embedding"))))
        << problemsOf(verdict);
}

}
}
