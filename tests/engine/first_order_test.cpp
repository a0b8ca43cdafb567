// Loss changes estimated to first order: gradients against PyTorch's, estimates against finite differences in double,
// and what a verifier says about them.
#include "engine/artifact/safetensors.h"
#include "engine/artifact/tensor_archive.h"
#include "engine/base/atomic_file.h"
#include "engine/certificate/certificate_codec.h"
#include "engine/certificate/reference_model.h"
#include "engine/certificate/run_layout.h"
#include "engine/certificate/verify.h"
#include "engine/certificate/widen.h"
#include "engine/ir/block_ir_codec.h"
#include "engine/ir/reference_interpreter.h"
#include "engine/model/parallel_tasks.h"
#include "engine/pipeline/baseline_pass.h"
#include "engine/pipeline/loss_gradients.h"
#include "engine/pipeline/pipeline.h"
#include "tests/engine/model_fixture.h"
#include "tests/tampering/tampered_run.h"

#include <ATen/ops/equal.h>

#include <gmock/gmock.h>

#include <cmath>
#include <map>
#include <numeric>

namespace blockcert::test {
namespace {

namespace fs = std::filesystem;
using certificate::TamperedRun;
using pipeline::CertifyOptions;
using pipeline::ModelCache;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// ---- gradients ------------------------------------------------------------------------------------------------------

std::vector<LayerIndex> allBlocks(const model::Transformer& transformer)
{
    std::vector<LayerIndex> blocks;
    for (std::int32_t layer = 0; layer < transformer.config().layers; ++layer)
        blocks.push_back({layer});
    return blocks;
}

pipeline::LossGradients gradientsOf(model::Transformer& transformer, const std::vector<std::vector<TokenId>>& prompts,
                                    std::span<const LayerIndex> blocks, bool share = true)
{
    std::optional<pipeline::BadPlace> bad;
    auto found = pipeline::lossGradients(transformer, prompts, blocks, share, bad, RunContext());
    EXPECT_FALSE(bad);
    return std::move(*found);
}

class Gradients : public testing::TestWithParam<std::string> {};

TEST_P(Gradients, AreThoseOfAutomaticDifferentiation)
{
    const artifact::SafetensorsFile reference =
        artifact::SafetensorsFile::open(testData() / "gradients" / "gradients.safetensors");
    model::Transformer transformer = loadModel(fixtureModel(GetParam()));
    const std::vector<std::vector<TokenId>> prompts = Expected(GetParam()).prompts();
    const pipeline::LossGradients found = gradientsOf(transformer, prompts, allBlocks(transformer));
    ASSERT_EQ(prompts.size(), 2U);
    for (std::size_t p = 0; p < prompts.size(); ++p) {
        const std::string name = GetParam() + ".prompt" + std::to_string(p);
        const double loss = certificate::widened(reference.read(name + ".loss")).front();
        EXPECT_NEAR(std::accumulate(found.lossBase[p].begin(), found.lossBase[p].end(), 0.0), loss, 1e-5 * loss);
        const std::vector<double> expected = certificate::widened(reference.read(name + ".gradient")); // [L, S, d]
        std::size_t at = 0;
        for (const LayerIndex block : allBlocks(transformer)) {
            const std::vector<double> own = model::toDoubles(found.atOutput.at(block)[p]);
            double difference = 0;
            double norm = 0;
            for (std::size_t i = 0; i < own.size(); ++i, ++at) {
                difference += (own[i] - expected[at]) * (own[i] - expected[at]);
                norm += expected[at] * expected[at];
            }
            // fp32 against double: some 1e-7 a product, three blocks deep.
            EXPECT_LE(std::sqrt(difference), 5e-6 * std::sqrt(norm)) << name << ", block " << block.value;
        }
        EXPECT_EQ(at, expected.size());
    }
}

INSTANTIATE_TEST_SUITE_P(EveryFamily, Gradients,
                         testing::Values("gpt2", "gpt2-inverse-layer", "llama-gqa", "llama-mqa-untied", "llama-bias",
                                         "llama3-rope-new"),
                         [](const auto& test) {
                             std::string name = test.param;
                             std::ranges::replace(name, '-', '_');
                             return name;
                         });

TEST(Gradients, HaveBitsThatDependNeitherOnOtherPromptsNorOnThreadsNorOnWhereWeightsAre)
{
    for (const DType dtype : {DType::F32, DType::BF16, DType::F16}) {
        model::Transformer transformer = loadModel(fixtureModel("llama-gqa"), dtype);
        const std::vector<LayerIndex> blocks = allBlocks(transformer);
        const std::vector<std::vector<TokenId>> prompts = {{5, 17, 200, 31, 4}, {5, 17, 200, 90, 12, 7, 8}, {77}};
        const int threads = model::threadCount();
        const pipeline::LossGradients together = gradientsOf(transformer, prompts, blocks);
        model::setThreads(1);
        for (std::size_t p = 0; p < prompts.size(); ++p) {
            const std::vector<LayerIndex> last = {blocks.back()};
            const pipeline::LossGradients alone = gradientsOf(transformer, {prompts[p]}, blocks, false);
            const pipeline::LossGradients lastAlone = gradientsOf(transformer, {prompts[p]}, last, false);
            EXPECT_EQ(alone.lossBase[0], together.lossBase[p]);
            EXPECT_TRUE(at::equal(lastAlone.atOutput.at(blocks.back())[0], alone.atOutput.at(blocks.back())[0]));
            for (const LayerIndex block : blocks)
                EXPECT_TRUE(at::equal(alone.atOutput.at(block)[0], together.atOutput.at(block)[p]))
                    << "prompt " << p << ", block " << block.value;
        }
        model::setThreads(threads);
        model::Transformer streamed = loadModel(fixtureModel("llama-gqa"), dtype, model::Residency::OneBlock);
        const pipeline::LossGradients again = gradientsOf(streamed, prompts, blocks);
        for (const LayerIndex block : blocks)
            for (std::size_t p = 0; p < prompts.size(); ++p)
                EXPECT_TRUE(at::equal(again.atOutput.at(block)[p], together.atOutput.at(block)[p]));
    }
}

TEST(Gradients, OfA16BitBaselineAreThoseOfItsWeightsInFp32)
{
    model::Transformer exact = loadModel(fixtureModel("llama-bf16"), DType::F32); // the file's own weights are bf16
    model::Transformer rounded = loadModel(fixtureModel("llama-bf16"), DType::BF16);
    const std::vector<std::vector<TokenId>> prompts = {{5, 17, 200, 31, 4, 90}};
    const std::vector<LayerIndex> blocks = allBlocks(exact);
    const auto a = gradientsOf(exact, prompts, blocks);
    const auto b = gradientsOf(rounded, prompts, blocks);
    for (const LayerIndex block : blocks) {
        const at::Tensor difference = a.atOutput.at(block)[0].sub(b.atOutput.at(block)[0]);
        // The states are bf16's, a few thousandths off; the derivatives at them are not rounded further.
        EXPECT_LE(difference.norm().item<double>(), 0.05 * a.atOutput.at(block)[0].norm().item<double>());
    }
}

// ---- runs -----------------------------------------------------------------------------------------------------------

fs::path readerChild()
{
    const char* folder = std::getenv("BLOCKCERT_BIN"); // NOLINT(concurrency-mt-unsafe)
    return fs::path(folder == nullptr ? "." : folder) / "archive_reader_child";
}

class FirstOrder : public testing::Test {
protected:
    FirstOrder()
    {
        std::string pattern = (fs::temp_directory_path() / "blockcert-first-order-XXXXXX").string();
        m_folder = ::mkdtemp(pattern.data());
    }

    ~FirstOrder() override { fs::remove_all(m_folder); }

    FirstOrder(const FirstOrder&) = delete;
    FirstOrder& operator=(const FirstOrder&) = delete;

    [[nodiscard]] CertifyOptions options(const std::string& model, const std::string& surrogate,
                                         const std::string& run = "run") const
    {
        CertifyOptions made;
        made.model.model = fixtureModel(model).string();
        made.prompts.content = "{\"id\": \"a\", \"token_ids\": [5, 17, 200, 31, 4, 90, 12, 7]}\n"
                               "{\"id\": \"b\", \"token_ids\": [5, 17, 200, 33, 2]}\n"
                               "{\"id\": \"c\", \"token_ids\": [77]}\n";
        made.prompts.name = "three";
        made.surrogate = surrogate;
        made.loss = LossMode::FirstOrder;
        made.out = m_folder / run;
        made.created = "2026-01-02T03:04:05Z";
        made.commandLine = "blockcert certify …";
        return made;
    }

    [[nodiscard]] Certificate certificateOf(std::int32_t block, const std::string& run = "run") const
    {
        const std::string path = certificate::certificatePath({block});
        return certificate::certificateFromJson(
            parseStrictJson(readWholeFile(m_folder / run / path, 64U << 20U), path, {}), path);
    }

    fs::path m_folder;
};

Verdict verdictOf(const fs::path& run, int level)
{
    certificate::VerifyOptions options;
    options.level = level;
    options.childProgram = readerChild();
    return certificate::verify(run, options, RunContext{});
}

const Check* checkOf(const Verdict& verdict, const std::string& id)
{
    for (const Check& check : verdict.checks)
        if (check.id == id)
            return &check;
    return nullptr;
}

// L(h + t·d) for every prompt, in double from the recorded output h of the block on, d the surrogate's difference from
// it. The rest of the model is the reference interpreter's.
std::vector<double> lossesAlong(const artifact::Checkpoint& checkpoint, const fs::path& run, std::int32_t block,
                                double t)
{
    const auto probes = artifact::openOwnArchive(run / certificate::probesPath({block}));
    const auto offset = certificate::int64Elements(probes->readAll("prompt_offset"));
    const auto ids = certificate::int32Elements(probes->readAll("token_id"));
    const auto input = certificate::widened(probes->readAll("input"));
    const auto output = certificate::widened(probes->readAll("output"));
    const auto ir = artifact::openOwnArchive(run / certificate::irPath({block}));
    const ir::BlockIr surrogate = ir::readBlockIr(*ir, "ir.h5");
    const std::int64_t longest = 8;
    const auto width = static_cast<std::size_t>(checkpoint.config().dModel);
    const certificate::ReferenceHead head(checkpoint, DType::F32, 1);
    std::vector<double> losses;
    for (std::size_t p = 0; p + 1 < offset.size(); ++p) {
        const auto begin = static_cast<std::size_t>(offset[p]);
        const auto tokens = static_cast<std::size_t>(offset[p + 1]) - begin;
        const auto rows = [&](const std::vector<double>& all) {
            return std::vector<double>(all.begin() + static_cast<std::ptrdiff_t>(begin * width),
                                       all.begin() + static_cast<std::ptrdiff_t>((begin + tokens) * width));
        };
        std::vector<std::int32_t> positions(tokens);
        std::iota(positions.begin(), positions.end(), 0);
        std::vector<double> state = rows(output);
        const std::vector<double> replaced = certificate::roundedTo(
            DType::F32, ir::ReferenceInterpreter(surrogate, 1).run(rows(input), positions, RunContext{}).output);
        for (std::size_t i = 0; i < state.size(); ++i)
            state[i] += t * (replaced[i] - state[i]);
        for (std::int32_t layer = block + 1; layer < checkpoint.config().layers; ++layer)
            state = ir::ReferenceInterpreter(
                        certificate::rebuildIr(checkpoint, {layer}, WeightOrigin::Baseline, DType::F32, longest), 1)
                        .run(state, positions, RunContext{})
                        .output;
        double loss = 0;
        head.forEachLogits(
            state,
            [&](std::size_t first, std::span<const double> logits) {
                const std::size_t vocabulary = head.vocabulary();
                for (std::size_t i = 0; i < logits.size() / vocabulary; ++i)
                    if (first + i + 1 < tokens)
                        loss += certificate::negativeLogLikelihood(logits.subspan(i * vocabulary, vocabulary),
                                                                   ids[begin + first + i + 1]);
            },
            1, RunContext{});
        losses.push_back(loss);
    }
    return losses;
}

TEST_F(FirstOrder, EstimatesAreDerivativesByFiniteDifferencesInDouble)
{
    const std::vector<std::pair<std::string, std::string>> cases = {{"gpt2", "low-rank:6:all"},
                                                                    {"llama-gqa", "low-rank:6:all"}};
    for (const auto& [model, surrogate] : cases) {
        ModelCache cache({});
        CertifyOptions asked = options(model, surrogate, model);
        asked.embedWeights = true;
        (void)pipeline::certify(asked, cache, RunContext());
        const auto checkpoint = openModel(asked.model.model);
        for (std::int32_t block = 0; block < checkpoint->config().layers; ++block) {
            const double step = 1e-5;
            const std::vector<double> above = lossesAlong(*checkpoint, asked.out, block, step);
            const std::vector<double> below = lossesAlong(*checkpoint, asked.out, block, -step);
            const Certificate certificate = certificateOf(block, model);
            for (std::size_t p = 0; p < above.size(); ++p) {
                const double derivative = (above[p] - below[p]) / (2 * step);
                const double estimate = certificate.metrics.prompts[p].firstOrder.value().change;
                // fp32 gradients at states that fp32 rounded.
                EXPECT_NEAR(estimate, derivative, 2e-5 * (1 + std::abs(derivative)))
                    << model << ", block " << block << ", prompt " << p;
            }
            EXPECT_EQ(certificate.metrics.prompts[2].firstOrder->change, 0); // nothing is predicted
        }
    }
}

TEST_F(FirstOrder, ComesNearTheChangeThatIsMeasuredWhereTheSurrogateIsNear)
{
    ModelCache cache({});
    CertifyOptions asked = options("llama-gqa", "quant:Q8_0", "estimated");
    (void)pipeline::certify(asked, cache, RunContext());
    asked.loss = LossMode::Exact;
    asked.out = m_folder / "measured";
    (void)pipeline::certify(asked, cache, RunContext());
    for (std::int32_t block = 0; block < 3; ++block) {
        const auto probes = artifact::openOwnArchive(asked.out / certificate::probesPath({block}));
        const auto base = certificate::widened(probes->readAll("loss_base"));
        const auto stitched = certificate::widened(probes->readAll("loss_stitched"));
        const double measured =
            std::accumulate(stitched.begin(), stitched.end(), 0.0) - std::accumulate(base.begin(), base.end(), 0.0);
        const FirstOrderEstimate estimate = certificateOf(block, "estimated").metrics.firstOrder.value();
        EXPECT_DOUBLE_EQ(estimate.baseLoss, std::accumulate(base.begin(), base.end(), 0.0));
        EXPECT_NE(estimate.change, 0);
        EXPECT_NEAR(estimate.change, measured, 0.2 * std::abs(measured) + 0.01) << "block " << block;
    }
}

TEST_F(FirstOrder, IsNeverACoverage)
{
    ModelCache cache({});
    CertifyOptions asked = options("llama-gqa", "exact");
    asked.policy.alphaLoss = 0; // no policy whatever is met by an estimate
    asked.policy.alphaAct = 0;
    const Json result = pipeline::certify(asked, cache, RunContext());
    for (const Json& row : result.at("blocks")) {
        EXPECT_FALSE(row.at("certified"));
        EXPECT_TRUE(row.at("loss_coverage").is_null());
        EXPECT_EQ(row.at("loss_estimate").at("method"), "first-order");
        EXPECT_EQ(row.at("findings")[0].at("code"), "loss_coverage_missing");
        EXPECT_THAT(row.at("findings")[0].at("where").get<std::string>(), HasSubstr("estimated (first order)"));
    }
    EXPECT_GT(result.at("work").at("gradient_rows"), 0);
    for (const int level : {1, 2, 3, 4}) {
        const Verdict verdict = verdictOf(asked.out, level);
        EXPECT_EQ(verdict.exitCode, 6) << level << ": " << certificate::problemsOf(verdict);
        const std::string left = testing::PrintToString(verdict.notChecked);
        EXPECT_EQ(left.find("gradients behind the estimated loss changes") != std::string::npos, level < 4) << left;
        EXPECT_THAT(testing::PrintToString(verdict.doesNotSay), HasSubstr("estimated (first order), not measured"));
    }
}

TEST_F(FirstOrder, AStoppedRunGoesOnToTheSameBytes)
{
    ModelCache cache({});
    const auto filesOf = [](const fs::path& run) {
        std::map<std::string, std::string> files;
        for (const auto& entry : fs::recursive_directory_iterator(run))
            if (entry.is_regular_file())
                files[fs::relative(entry.path(), run).string()] = readWholeFile(entry.path(), 64U << 20U);
        return files;
    };
    (void)pipeline::certify(options("llama-gqa", "quant:Q4_0", "whole"), cache, RunContext());
    CertifyOptions asked = options("llama-gqa", "quant:Q4_0", "resumed");
    int stops = 0;
    for (bool finished = false; !finished; asked.resume = true, ++stops) {
        ASSERT_LT(stops, 100);
        std::stop_source stop;
        int left = 2 + stops;
        const RunContext context(stop.get_token(), [&](const Progress& progress) {
            if ((progress.stage == "replay" || progress.stage == "gradient") && progress.done > 0 && --left == 0)
                stop.request_stop();
        });
        try {
            (void)pipeline::certify(asked, cache, context);
            finished = true;
        } catch (const Cancelled&) {
        }
    }
    EXPECT_GT(stops, 2);
    EXPECT_EQ(filesOf(m_folder / "whole"), filesOf(m_folder / "resumed"));
}

TEST_F(FirstOrder, HoldsAtLevelFourForEveryDtypeAndFamily)
{
    for (const std::string surrogate : {"exact", "low-rank:6:all", "quant:Q4_0"})
        for (const DType dtype : {DType::F32, DType::BF16, DType::F16}) {
            ModelCache cache({});
            CertifyOptions asked = options("llama-gqa", surrogate);
            asked.model.dtype = dtype;
            fs::remove_all(asked.out);
            (void)pipeline::certify(asked, cache, RunContext());
            const Verdict verdict = verdictOf(asked.out, 4);
            EXPECT_THAT(certificate::failedIds(verdict), IsEmpty()) << certificate::problemsOf(verdict);
            const Check* gradients = checkOf(verdict, "loss.gradients");
            ASSERT_NE(gradients, nullptr);
            const bool comparable = dtype == DType::F32;
            EXPECT_EQ(gradients->state, comparable ? CheckState::Verified : CheckState::NotChecked);
            EXPECT_EQ(checkOf(verdict, "model.first_order") != nullptr, comparable);
        }
}

// ---- forgeries ------------------------------------------------------------------------------------------------------

void scale(HostTensor& tensor, double factor)
{
    std::vector<double> values = certificate::widened(tensor);
    for (double& value : values)
        value *= factor;
    if (tensor.dtype == DType::F64) {
        tensor = certificate::tensorOf(values, tensor.shape);
        return;
    }
    std::vector<float> narrow(values.begin(), values.end());
    std::memcpy(tensor.bytes.data(), narrow.data(), tensor.bytes.size());
}

// Gradient and estimates made `factor` times as large everywhere, in artifacts and certificate alike.
void scaleEstimates(TamperedRun& run, const std::string& block, double gradient, double estimate)
{
    run.changeTensor(block + "/probes.h5", "gradient", [&](HostTensor& tensor) { scale(tensor, gradient); });
    run.changeTensor(block + "/probes.h5", "first_order", [&](HostTensor& tensor) { scale(tensor, estimate); });
    Json json = run.json(block + "/certificate.json");
    const auto change = [&](Json& row) {
        Json& value = row["loss_estimate"]["change"];
        value = certifiedNumber(value["value"].get<double>() * estimate);
    };
    change(json["metrics"]);
    for (Json& prompt : json["metrics"]["prompts"])
        change(prompt);
    run.setJson(block + "/certificate.json", json);
    run.reseal(block);
}

TEST_F(FirstOrder, ForgeriesAreFound)
{
    ModelCache cache({});
    const CertifyOptions asked = options("llama-gqa", "low-rank:6:all");
    (void)pipeline::certify(asked, cache, RunContext());
    // A power of two keeps every sum exact, so that only the replay or the model can tell.
    {
        TamperedRun run(asked.out);
        scaleEstimates(run, "block_01", 1, 0.5);
        EXPECT_THAT(certificate::failedIds(run.verify(3)), Contains("replay.first_order"));
    }
    {
        TamperedRun run(asked.out);
        scaleEstimates(run, "block_01", 0.5, 1);
        EXPECT_THAT(certificate::failedIds(run.verify(3)), Contains("replay.first_order"));
    }
    {
        // Consistent: gradient and estimate tell the same story. Below level 4 the gradient is the issuer's word.
        TamperedRun run(asked.out);
        scaleEstimates(run, "block_01", 0.5, 0.5);
        EXPECT_THAT(certificate::failedIds(run.verify(3)), Not(Contains("replay.first_order")));
        EXPECT_THAT(certificate::failedIds(run.verify(4)), Contains("model.first_order"));
    }
    {
        TamperedRun run(asked.out);
        scaleEstimates(run, "block_01", 0, 0);
        EXPECT_THAT(certificate::failedIds(run.verify(4)), Contains("model.first_order"));
    }
    {
        TamperedRun run(asked.out);
        run.changeTensor("block_01/probes.h5", "loss_base", [&](HostTensor& tensor) { scale(tensor, 0.5); });
        run.reseal("block_01");
        EXPECT_THAT(certificate::failedIds(run.verify(3)), Contains("loss.arithmetic"));
        EXPECT_THAT(certificate::failedIds(run.verify(4)), Contains("loss.arithmetic"));
    }
}

}
}
