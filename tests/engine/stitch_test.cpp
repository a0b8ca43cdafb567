// Stitched models on tiny models: two streams side by side, against plain loops, and the whole road to a verdict.
#include "engine/base/atomic_file.h"
#include "engine/base/sha256.h"
#include "engine/certificate/metrics.h"
#include "engine/certificate/verify.h"
#include "engine/model/parallel_tasks.h"
#include "engine/pipeline/pipeline.h"
#include "engine/pipeline/stitch_divergence.h"
#include "engine/pipeline/stitched_streams.h"
#include "tests/engine/model_fixture.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>

namespace blockcert::test {
namespace {

namespace fs = std::filesystem;
using certificate::StitchColumns;
using pipeline::Replacement;
using pipeline::StitchOptions;

fs::path readerChild()
{
    const char* folder = std::getenv("BLOCKCERT_BIN"); // NOLINT(concurrency-mt-unsafe)
    return fs::path(folder == nullptr ? "." : folder) / "archive_reader_child";
}

// The baseline's own block in its place.
pipeline::Replacements ownBlocks(model::Transformer& transformer)
{
    return [&transformer](LayerIndex block) {
        return Replacement([&transformer, block](const at::Tensor& input, const model::Batch& batch) {
            model::ForwardOptions options;
            options.end = block.value + 1;
            return transformer.forwardFrom(block, input, batch, options, RunContext());
        });
    };
}

// The block with its output doubled: exact in every dtype, and far from the baseline.
pipeline::Replacements doubledBlocks(model::Transformer& transformer)
{
    return [own = ownBlocks(transformer)](LayerIndex block) {
        return Replacement([replace = own(block)](const at::Tensor& input, const model::Batch& batch) {
            return replace(input, batch).mul(2);
        });
    };
}

std::vector<LayerIndex> blocks(std::initializer_list<std::int32_t> values)
{
    std::vector<LayerIndex> list;
    for (const std::int32_t value : values)
        list.push_back({value});
    return list;
}

class Streams : public testing::TestWithParam<std::tuple<std::string, DType>> {};

INSTANTIATE_TEST_SUITE_P(All, Streams,
                         testing::Values(std::tuple{"llama-gqa", DType::F32}, std::tuple{"llama-gqa", DType::BF16},
                                         std::tuple{"gpt2", DType::F32}, std::tuple{"gpt2", DType::F16}));

TEST_P(Streams, AreTheSameBitForBitWhereNothingOrTheBlockItselfIsPutInItsPlace)
{
    const auto& [name, dtype] = GetParam();
    model::Transformer transformer = loadModel(fixtureModel(name), dtype);
    const auto prompts = somePrompts({7, 1, 19}, transformer.config().vocab);
    for (const std::vector<LayerIndex>& chosen : {blocks({}), blocks({1}), blocks({0, 1, 2})}) {
        const StitchColumns columns =
            pipeline::runStitched(transformer, prompts, chosen, ownBlocks(transformer), RunContext());
        for (const std::vector<double>* column : {&columns.residualL2, &columns.residualMae, &columns.residualMax})
            EXPECT_EQ(*column, std::vector<double>(3 * 27, 0.0));
        EXPECT_EQ(columns.divergence, std::vector<double>(27, 0.0));
        EXPECT_EQ(columns.lossBase, columns.lossStitched);
        EXPECT_EQ(columns.lossBase.size(), 24U);
        EXPECT_EQ(columns.topIdBase, columns.topIdStitched);
        EXPECT_EQ(columns.topLogitBase, columns.topLogitStitched);
    }
}

TEST_P(Streams, AreAsFarApartAsPlainLoopsSay)
{
    const auto& [name, dtype] = GetParam();
    model::Transformer transformer = loadModel(fixtureModel(name), dtype);
    const auto prompts = somePrompts({5, 9}, transformer.config().vocab);
    const StitchColumns columns =
        pipeline::runStitched(transformer, prompts, blocks({1}), doubledBlocks(transformer), RunContext());

    const model::Batch batch = model::batchOf(prompts);
    RecordingTaps taps;
    model::ForwardOptions tapped;
    tapped.taps = &taps;
    (void)transformer.forwardFrom({0}, transformer.embed(model::joined(prompts), batch), batch, tapped, RunContext());
    const at::Tensor changed = taps.output[1].mul(2);
    const at::Tensor after = transformer.forwardFrom({2}, changed, batch, {}, RunContext());
    const std::vector<at::Tensor> stitched = {taps.output[0], changed, after};
    for (std::size_t layer = 0; layer < 3; ++layer) {
        const std::vector<double> h = model::toDoubles(taps.output[layer]);
        const std::vector<double> s = model::toDoubles(stitched[layer]);
        const std::size_t width = h.size() / 14;
        for (std::size_t t = 0; t < 14; ++t) {
            long double squares = 0;
            long double sum = 0;
            double most = 0;
            for (std::size_t i = t * width; i < (t + 1) * width; ++i) {
                const double difference = s[i] - h[i];
                squares += static_cast<long double>(difference) * difference;
                sum += std::abs(difference);
                most = std::max(most, std::abs(difference));
            }
            const std::size_t at = layer * 14 + t;
            // 32 terms in double against long double: a few ulp.
            EXPECT_NEAR(columns.residualL2[at], static_cast<double>(std::sqrt(squares)),
                        1e-14 * columns.residualL2[at]);
            EXPECT_NEAR(columns.residualMae[at], static_cast<double>(sum) / static_cast<double>(width),
                        1e-14 * columns.residualMae[at]);
            EXPECT_EQ(columns.residualMax[at], most);
            EXPECT_EQ(columns.residualL2[at] == 0, layer == 0);
        }
    }
}

double bruteDivergence(const std::vector<float>& a, const std::vector<float>& b)
{
    long double sumA = 0;
    long double sumB = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        sumA += std::exp(static_cast<long double>(a[i]));
        sumB += std::exp(static_cast<long double>(b[i]));
    }
    long double kl = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
        kl += std::exp(static_cast<long double>(a[i])) / sumA *
              (static_cast<long double>(a[i]) - b[i] - std::log(sumA) + std::log(sumB));
    return static_cast<double>(kl);
}

TEST(Divergence, IsThatOfTheDefinitionAndNeverNegative)
{
    std::vector<float> a;
    std::uint32_t state = 7;
    const auto draw = [&] {
        state = state * 1664525U + 1013904223U;
        return static_cast<float>(state >> 8U) / 16777216.0F - 0.5F;
    };
    for (int i = 0; i < 1000; ++i)
        a.push_back(20 * draw());
    for (const float size : {1e-4F, 1e-2F, 0.3F, 5.0F}) {
        std::vector<float> b = a;
        for (float& value : b)
            value += size * draw();
        const double brute = bruteDivergence(a, b);
        // The brute sum cancels to about 1e-19 · 10; ours does not.
        EXPECT_NEAR(pipeline::divergenceOf(a, b), brute, 1e-10 * brute + 2e-17) << size;
    }
    EXPECT_EQ(pipeline::divergenceOf(a, a), 0);
    std::vector<float> shifted = a;
    for (float& value : shifted)
        value += 8;                                       // exact: the same distribution
    EXPECT_LT(pipeline::divergenceOf(a, shifted), 1e-12); // the shift itself is rounded in fp32
    const std::vector<float> far = {1000, -1000, 0};
    EXPECT_TRUE(std::isfinite(pipeline::divergenceOf(far, {{-1000, 1000, 0}})));
}

TEST(Bisection, FindsTheBlockThatDoesItAndTheSmallestPrefix)
{
    model::Transformer transformer = loadModel(fixtureModel("llama-gqa"));
    const auto prompts = somePrompts({12, 9}, transformer.config().vocab);
    const auto own = ownBlocks(transformer);
    const auto doubled = doubledBlocks(transformer);
    // Only block 1 is not the baseline's.
    const pipeline::Replacements replacements = [&](LayerIndex block) {
        return block.value == 1 ? doubled(block) : own(block);
    };
    const auto chosen = blocks({0, 1, 2});
    const StitchColumns columns = pipeline::runStitched(transformer, prompts, chosen, replacements, RunContext());
    const std::vector<Bisection> found =
        pipeline::bisect(transformer, prompts, chosen, replacements, columns, RunContext());
    ASSERT_EQ(found.size(), 2U);
    for (const Bisection& bisection : found) {
        EXPECT_EQ(bisection.prefix, LayerIndex{1});
        EXPECT_EQ(bisection.single, LayerIndex{1});
        ASSERT_EQ(bisection.rows.size(), 3U);
        EXPECT_EQ(bisection.rows[1].prefix, bisection.rows[1].single);
        EXPECT_EQ(bisection.rows[2].prefix, bisection.rows[1].prefix); // block 2 is the baseline's own
    }
    // The largest change of a loss, found again among all of them.
    double largest = 0;
    for (std::size_t i = 0; i < columns.lossBase.size(); ++i)
        if (std::abs(columns.lossStitched[i] - columns.lossBase[i]) > std::abs(largest))
            largest = columns.lossStitched[i] - columns.lossBase[i];
    EXPECT_EQ(found[1].event, BisectEvent::LargestLossChange);
    EXPECT_EQ(found[1].rows[2].prefix, largest);
    // Nothing happens, nothing is found.
    const StitchColumns same = pipeline::runStitched(transformer, prompts, chosen, own, RunContext());
    EXPECT_TRUE(pipeline::bisect(transformer, prompts, chosen, own, same, RunContext()).empty());
}

constexpr const char* promptsFile = R"({"id": "a", "token_ids": [5, 17, 200, 31, 4, 90, 12, 7], "label": "the"}
{"id": "b", "token_ids": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20]}
{"id": "c", "token_ids": [250, 3, 77]}
)";

class Stitch : public testing::Test {
protected:
    Stitch()
    {
        std::string pattern = (fs::temp_directory_path() / "blockcert-stitch-XXXXXX").string();
        m_folder = ::mkdtemp(pattern.data());
    }

    ~Stitch() override { fs::remove_all(m_folder); }

    Stitch(const Stitch&) = delete;
    Stitch& operator=(const Stitch&) = delete;

    static pipeline::Host host()
    {
        pipeline::Host value;
        value.toolVersion = "0.1.0";
        value.toolBuild = "test";
        value.childProgram = readerChild();
        return value;
    }

    fs::path certified(const std::string& fixture, const std::string& chosen, DType dtype = DType::F32,
                       bool resume = false, const std::string& prompts = promptsFile,
                       const std::string& surrogate = "exact")
    {
        pipeline::CertifyOptions made;
        made.model.model = fixtureModel(fixture).string();
        made.model.dtype = dtype;
        made.prompts.content = prompts;
        made.prompts.name = "three";
        made.blocks = chosen;
        made.surrogate = surrogate;
        made.resume = resume;
        made.out = m_folder / (surrogate == "exact" ? "run" : surrogate.substr(0, surrogate.find(':')));
        made.created = "2026-01-02T03:04:05Z";
        made.commandLine = "blockcert certify …";
        (void)pipeline::certify(made, m_cache, RunContext());
        return made.out;
    }

    StitchOptions options(const fs::path& run, const std::string& chosen = "all") const
    {
        StitchOptions made;
        made.run = run;
        made.blocks = chosen;
        made.created = "2026-02-03T04:05:06Z";
        made.commandLine = "blockcert stitch …";
        return made;
    }

    Json stitch(const StitchOptions& asked, const RunContext& context = {})
    {
        return pipeline::stitch(asked, m_cache, context);
    }

    static Verdict verify(const fs::path& run, int level)
    {
        certificate::VerifyOptions how;
        how.level = level;
        how.childProgram = readerChild();
        how.threads = 2;
        return certificate::verify(run, how, RunContext());
    }

    static std::map<std::string, std::string> filesOf(const fs::path& run)
    {
        std::map<std::string, std::string> files;
        for (const auto& entry : fs::recursive_directory_iterator(run))
            if (entry.is_regular_file())
                files[fs::relative(entry.path(), run).string()] = readWholeFile(entry.path(), 64U << 20U);
        return files;
    }

    fs::path m_folder;
    pipeline::ModelCache m_cache{host()};
};

std::string problems(const Verdict& verdict)
{
    std::string text = verdict.sentence;
    for (const Check& check : verdict.checks)
        if (check.state != CheckState::Verified)
            text += "\n" + check.id + " " + check.where + ": " + check.issuer + " / " + check.recomputed + " " +
                    check.detail;
    return text;
}

bool holds(const Verdict& verdict, const std::string& id)
{
    return std::ranges::any_of(
        verdict.checks, [&](const Check& check) { return check.id == id && check.state == CheckState::Verified; });
}

TEST_F(Stitch, OfEveryBlockIsAFullBlockCertificateThatHolds)
{
    const fs::path run = certified("llama-gqa", "all");
    StitchOptions asked = options(run);
    asked.bisect = true;
    const Json result = stitch(asked);
    EXPECT_EQ(result.at("kind"), "full-block");
    EXPECT_EQ(result.at("blocks"), Json({0, 1, 2}));
    EXPECT_EQ(result.at("already"), false);
    EXPECT_EQ(result.at("name").get<std::string>().size(), 12U);
    EXPECT_EQ(result.at("per_layer_mae").size(), 3U);
    EXPECT_TRUE(result.at("certified").get<bool>());
    EXPECT_GT(result.at("max_residual").at("value"), 0.0); // double replay against an fp32 baseline
    EXPECT_LT(result.at("max_residual").at("value"), 1e-4);
    EXPECT_EQ(result.at("perplexity").at("difference"), result.at("perplexity").at("stitched").get<double>() -
                                                            result.at("perplexity").at("baseline").get<double>());
    EXPECT_LT(std::abs(result.at("perplexity").at("difference").get<double>()), 1e-2);
    EXPECT_EQ(result.at("semantic").at("agreement").at("total"), 1);
    EXPECT_FALSE(fs::exists(run / ".work"));
    for (const int level : {0, 1, 2, 3, 4}) {
        const Verdict verdict = verify(run, level);
        EXPECT_EQ(verdict.state, level == 0 ? CheckState::NotChecked : CheckState::Verified) << problems(verdict);
        ASSERT_EQ(verdict.scope.stitches.size(), 1U);
        EXPECT_EQ(verdict.scope.stitches[0].kind, "full-block");
        EXPECT_EQ(holds(verdict, "stitch.residuals"), level >= 2);
        EXPECT_EQ(holds(verdict, "stitch.model_kl"), level >= 4);
        EXPECT_EQ(holds(verdict, "stitch.labels"), level >= 4) << problems(verdict);
    }
    EXPECT_THAT(verify(run, 3).sentence, testing::HasSubstr(result.at("name").get<std::string>()));
}

TEST_F(Stitch, OfSomeBlocksStandsBesideOthersAndIsVerifiedByItself)
{
    const fs::path run = certified("gpt2", "0,2", DType::F16);
    const Json one = stitch(options(run, "2"));
    StitchOptions asked = options(run);
    asked.name = "both";
    const Json both = stitch(asked);
    EXPECT_EQ(one.at("kind"), "full-model");
    EXPECT_EQ(both.at("blocks"), Json({0, 2}));
    // fp16: nothing can be said of its loss coverage, and the absolute threshold is not for it.
    const Verdict whole = verify(run, 3);
    EXPECT_EQ(whole.scope.stitches.size(), 2U);
    EXPECT_NE(whole.state, CheckState::Failed) << problems(whole);
    const Verdict alone = verify(run / one.at("path").get<std::string>(), 3);
    EXPECT_NE(alone.state, CheckState::Failed) << problems(alone);
    EXPECT_EQ(alone.scope.blocks, std::vector<std::int32_t>{2});
    ASSERT_EQ(alone.scope.stitches.size(), 1U);
    EXPECT_EQ(alone.scope.stitches[0].name, one.at("name"));
    const Verdict block = verify(run / "block_00/certificate.json", 3);
    EXPECT_TRUE(block.scope.stitches.empty());
    const Verdict model = verify(run, 4);
    EXPECT_NE(model.state, CheckState::Failed) << problems(model);
    EXPECT_TRUE(holds(model, "stitch.model_residuals"));
}

TEST_F(Stitch, OfSurrogatesThatAreNotTheModelsHoldsAtLevelFour)
{
    const std::string other = "checkpoint:" + fixtureModel("llama-linear-rope").string();
    for (const auto& [surrogate, model, blocks] : std::vector<std::tuple<std::string, const char*, const char*>>{
             {"low-rank:4", "llama-gqa", "0,2"}, {"quant:Q8_0", "llama-gqa", "0,2"}, {other, "llama-bf16", "0,1"}}) {
        const fs::path run = certified(model, blocks, DType::F32, false, promptsFile, surrogate);
        const Json result = stitch(options(run));
        EXPECT_GT(result.at("max_residual").at("value"), 1e-3) << surrogate;
        EXPECT_GT(result.at("kl").at("mean"), 1e-9) << surrogate;
        const Verdict verdict = verify(run, 4);
        EXPECT_NE(verdict.state, CheckState::Failed) << surrogate << problems(verdict);
        for (const char* id :
             {"stitch.model_residuals", "stitch.model_loss_stitched", "stitch.model_kl", "stitch.model_top"})
            EXPECT_TRUE(holds(verdict, id)) << surrogate << " " << id << problems(verdict);
    }
}

TEST_F(Stitch, OfOneBlockHasTheLossesThatItsOwnCertificateWasMadeOf)
{
    const fs::path run = certified("llama-gqa", "1");
    const Json result = stitch(options(run, "1"));
    const Json certificate = Json::parse(readWholeFile(run / "block_01/certificate.json", 1U << 20U));
    EXPECT_EQ(result.at("loss_coverage"), certificate.at("metrics").at("loss").at("coverage").at("value"));
    EXPECT_EQ(result.at("max_loss_difference"), certificate.at("metrics").at("loss").at("max_difference").at("value"));
    // Nothing differs before the block, and after it the rounded output: within half an ulp of every coordinate.
    EXPECT_EQ(result.at("per_layer_mae")[0], 0.0);
    EXPECT_NEAR(result.at("layers")[1].at("largest").get<double>(),
                certificate.at("metrics").at("l2").at("epsilon").at("value").get<double>(), 1e-6);
}

TEST_F(Stitch, MeasuredOnlyLeavesTheRunAsItWasAndTellsTheNumbersOfEveryToken)
{
    const fs::path run = certified("llama-gqa", "all");
    const std::map<std::string, std::string> before = filesOf(run);
    StitchOptions asked = options(run, "0,2");
    asked.measureOnly = true;
    asked.tokens = true;
    const Json measured = stitch(asked);
    EXPECT_EQ(measured.at("written"), false);
    EXPECT_EQ(filesOf(run), before);
    const Json& tokens = measured.at("tokens");
    ASSERT_EQ(tokens.size(), measured.at("prompts").size());
    double divergence = 0;
    double residual = 0;
    std::size_t count = 0;
    for (const Json& prompt : tokens) {
        EXPECT_EQ(prompt.at("residual").size(), 3U) << "after each layer";
        EXPECT_EQ(prompt.at("loss_base")[0], nullptr) << "the first token is not predicted";
        for (std::size_t t = 0; t < prompt.at("token_ids").size(); ++t) {
            divergence += prompt.at("kl")[t].get<double>();
            residual += prompt.at("residual")[2][t].get<double>();
            ++count;
        }
    }
    // Sums of a few dozen doubles in another order than the metrics'.
    const double mean = divergence / static_cast<double>(count);
    EXPECT_NEAR(mean, measured.at("kl").at("mean").get<double>(), 1e-14 + 1e-12 * mean);
    const double last = measured.at("per_layer_mae")[2];
    EXPECT_NEAR(residual / static_cast<double>(count), last, 1e-12 * last);

    asked.measureOnly = false;
    const Json written = stitch(asked);
    EXPECT_EQ(written.at("written"), true);
    EXPECT_EQ(written.at("tokens"), tokens);
    EXPECT_EQ(written.at("kl"), measured.at("kl"));
    const Json again = stitch(asked); // from the run's own file
    EXPECT_EQ(again.at("already"), true);
    EXPECT_EQ(again.at("tokens"), tokens);
}

TEST_F(Stitch, WritesTheModelsOwnTextWithExactCopiesAndAnotherWithBrokenOnes)
{
    const fs::path run = certified("llama-gqa", "all");
    pipeline::GenerateOptions asked;
    asked.model.model = fixtureModel("llama-gqa").string();
    asked.prompts.content = promptsFile;
    asked.prompts.name = "three";
    asked.maxNew = 6;
    const Json plain = pipeline::generate(asked, m_cache, RunContext());
    asked.surrogates = run;
    const Json both = pipeline::generate(asked, m_cache, RunContext());
    ASSERT_EQ(both.at("prompts").size(), plain.at("prompts").size());
    for (std::size_t p = 0; p < plain.at("prompts").size(); ++p) {
        const Json& row = both.at("prompts")[p];
        EXPECT_EQ(row.at("token_ids"), plain.at("prompts")[p].at("token_ids"));
        // An exact copy is apart by rounding, far less than what two logits of a random model are apart.
        EXPECT_EQ(row.at("stitched").at("token_ids"), row.at("token_ids"));
        EXPECT_EQ(row.at("first_divergence"), nullptr);
    }
    const fs::path broken = certified("llama-gqa", "all", DType::F32, false, promptsFile, "low-rank:1");
    asked.surrogates = broken;
    const Json other = pipeline::generate(asked, m_cache, RunContext());
    bool differs = false;
    for (const Json& row : other.at("prompts")) {
        const Json& at = row.at("first_divergence");
        differs = differs || !at.is_null();
        for (std::size_t t = 0; !at.is_null() && t < at.get<std::size_t>(); ++t)
            EXPECT_EQ(row.at("token_ids")[t], row.at("stitched").at("token_ids")[t]);
    }
    EXPECT_TRUE(differs);
    asked.model.dtype = DType::BF16;
    EXPECT_THROW((void)pipeline::generate(asked, m_cache, RunContext()), UsageError);
}

TEST_F(Stitch, AskedForAgainDoesNothing)
{
    const fs::path run = certified("llama-gqa", "0-1");
    (void)stitch(options(run));
    const auto before = filesOf(run);
    StitchOptions again = options(run, "0,1");
    again.created = "2030-01-01T00:00:00Z";
    const Json result = stitch(again);
    EXPECT_EQ(result.at("already"), true);
    EXPECT_EQ(filesOf(run), before);
}

TEST_F(Stitch, ListsWhatAKillKeptFromTheList)
{
    const fs::path run = certified("llama-gqa", "0-1");
    const auto bare = filesOf(run);
    (void)stitch(options(run));
    const auto whole = filesOf(run);
    std::ofstream(run / "SHA256SUMS", std::ios::binary | std::ios::trunc) << bare.at("SHA256SUMS");
    EXPECT_EQ(stitch(options(run)).at("already"), true);
    EXPECT_EQ(filesOf(run), whole);
    // A damaged file is made again, to the same bytes.
    const std::string replay = "stitch/" + stitch(options(run)).at("name").get<std::string>() + "/replay.h5";
    std::ofstream(run / replay, std::ios::binary | std::ios::app) << "x";
    EXPECT_EQ(stitch(options(run)).at("already"), false);
    EXPECT_EQ(filesOf(run), whole);
}

TEST_F(Stitch, StoppedAnywhereLeavesTheRunAsItWas)
{
    const fs::path run = certified("llama-gqa", "all");
    const auto before = filesOf(run);
    int stops = 0;
    for (int events = 1; events < 200; ++events) {
        std::stop_source stop;
        std::atomic<int> left = events;
        const RunContext context(stop.get_token(), [&](const Progress&) {
            if (--left == 0)
                stop.request_stop();
        });
        StitchOptions asked = options(run);
        asked.bisect = true;
        try {
            (void)stitch(asked, context);
            break;
        } catch (const Cancelled&) {
            ++stops;
            EXPECT_EQ(filesOf(run), before) << "stopped after " << events << " events";
        }
    }
    EXPECT_GE(stops, 8);
}

TEST_F(Stitch, StaysPartOfARunThatGainsBlocksAndLeavesOneThatGainsPrompts)
{
    const fs::path run = certified("llama-gqa", "0");
    const std::string name = stitch(options(run)).at("name");
    (void)certified("llama-gqa", "0-2", DType::F32, true);
    const Verdict more = verify(run, 3);
    EXPECT_EQ(more.state, CheckState::Verified) << problems(more);
    ASSERT_EQ(more.scope.stitches.size(), 1U);
    EXPECT_EQ(more.scope.stitches[0].name, name);
    (void)certified("llama-gqa", "0-2", DType::F32, true,
                    std::string(promptsFile) + R"({"id": "d", "token_ids": [100, 101, 102, 103]})");
    const Verdict longer = verify(run, 3);
    EXPECT_EQ(longer.state, CheckState::Verified) << problems(longer);
    EXPECT_TRUE(longer.scope.stitches.empty());
    EXPECT_NE(stitch(options(run, "0")).at("name"), name);
    EXPECT_EQ(verify(run, 4).state, CheckState::Verified) << problems(verify(run, 4));
}

TEST_F(Stitch, RefusesInOneSentenceWhatItCannotDo)
{
    const fs::path run = certified("llama-gqa", "0,2");
    const auto sentence = [&](const StitchOptions& asked) -> std::string {
        try {
            (void)stitch(asked);
        } catch (const Error& error) {
            return error.what();
        }
        return "";
    };
    EXPECT_THAT(sentence(options(run, "1")), testing::HasSubstr("no surrogate of block 1; it has 0, 2"));
    EXPECT_THAT(sentence(options(run, "9")), testing::HasSubstr("0-2"));
    EXPECT_THAT(sentence(options(m_folder / "nowhere")), testing::HasSubstr("nowhere"));
    StitchOptions asked = options(run);
    asked.name = "../up";
    EXPECT_THAT(sentence(asked), testing::HasSubstr("--name"));
    asked.name = "taken";
    EXPECT_EQ(sentence(asked), "");
    asked.blocks = "0";
    EXPECT_THAT(sentence(asked), testing::HasSubstr("choose another --name"));
    asked = options(run);
    asked.model = fixtureModel("llama-bias").string();
    EXPECT_THAT(sentence(asked), testing::HasSubstr("not the model of this run"));
    asked.model.clear();
    asked.replayDtype = DType::BF16;
    EXPECT_THAT(sentence(asked), testing::HasSubstr("--replay-dtype"));

    const std::string ir = readWholeFile(run / "block_02/ir.h5", 64U << 20U);
    std::ofstream(run / "block_02/ir.h5", std::ios::binary | std::ios::app) << "x";
    EXPECT_THAT(sentence(options(run)), testing::HasSubstr("block_02/ir.h5 is not the one that SHA256SUMS lists"));
    std::ofstream(run / "block_02/ir.h5", std::ios::binary | std::ios::trunc) << ir;
    fs::remove(run / "SHA256SUMS");
    EXPECT_THAT(sentence(options(run)), testing::HasSubstr("unfinished"));
    EXPECT_FALSE(fs::exists(run / ".work"));
}

TEST_F(Stitch, HasTheSameNumbersOnOneThread)
{
    const fs::path run = certified("llama-gqa", "all");
    StitchOptions one = options(run);
    one.name = "one";
    one.threads = 1;
    StitchOptions two = options(run);
    two.name = "two";
    two.threads = 2;
    (void)stitch(one);
    (void)stitch(two);
    EXPECT_EQ(readWholeFile(run / "stitch/one/replay.h5", 1U << 24U),
              readWholeFile(run / "stitch/two/replay.h5", 1U << 24U));
    model::setThreads(0);
}

}
}
