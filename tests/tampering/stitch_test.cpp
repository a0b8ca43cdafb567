// A stitched model, forged: every field of its certificate, every dataset of its file, the blocks it is made of.
#include "engine/base/run_context.h"
#include "tests/certificate/tiny_stitch.h"
#include "tests/tampering/forged_fields.h"
#include "tests/tampering/tampered_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <memory>

namespace blockcert::certificate {
namespace {

namespace fs = std::filesystem;
using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::IsEmpty;
using testing_support::TemporaryFolder;

const std::string folderName = "stitch/two";
const std::string certificateFile = folderName + "/certificate.json";
const std::string replayFile = folderName + "/replay.h5";

class StitchForgery : public ::testing::Test {
protected:
    static void SetUpTestSuite()
    {
        s_folder = std::make_unique<TemporaryFolder>();
        tiny::Options options;
        options.blocks = {0, 1, 2};
        options.texts = {"the quick", "a"};
        s_material = tiny::make(options);
        s_material.manifest.prompts.prompts[0].label = " the";
        tiny::Material certified = s_material; // of the blocks that are replaced
        certified.manifest.request.blocks.erase(certified.manifest.request.blocks.begin());
        certified.irs.erase(certified.irs.begin());
        certified.cells.erase(certified.cells.begin());
        tiny::write(certified, honest());
        s_stitch = tiny::stitch(s_material, honest(), {1, 2}, "two");
        tiny::write(s_stitch, honest());
    }

    static void TearDownTestSuite() { s_folder.reset(); }

    static fs::path honest() { return s_folder->path() / "run"; }

    // A run whose stitched model was forged before it was written, as its issuer could.
    static Verdict issued(const std::function<void(tiny::Stitch&)>& forge, int level)
    {
        TamperedRun run(honest());
        fs::remove_all(run.path() / folderName);
        tiny::Stitch stitch = s_stitch;
        forge(stitch);
        tiny::judge(stitch, s_material);
        tiny::write(stitch, run.path());
        return run.verify(level);
    }

    static std::unique_ptr<TemporaryFolder> s_folder;
    static tiny::Material s_material;
    static tiny::Stitch s_stitch;
};

std::unique_ptr<TemporaryFolder> StitchForgery::s_folder;
tiny::Material StitchForgery::s_material;
tiny::Stitch StitchForgery::s_stitch;

const std::vector<Expectation>& expectations()
{
    static const std::vector<Expectation> table = {
        {"/created", {}},
        {"/command", {}},
        {"/environment/", {}},
        {"/tool/version", {}},
        {"/tool/build", {}},
        {"/schema", {"another version"}},
        {"/kind", {"structure.stitch"}},
        {"/name", {"consistency.folder"}},
        {"/tool/name", {"structure.stitch"}},
        {"/artifacts/0/tensors/", {"tensor.sha256", "structure.stitch"}},
        {"/artifacts/0/path", {"consistency.stitch"}},
        {"/artifacts/0/role", {"structure.stitch"}},
        {"/artifacts/", {"artifact.sha256"}},
        {"/baseline/", {"structure.stitch"}},
        {"/replay/", {"structure.stitch"}},
        {"/policy/error", {"structure.stitch"}},
        {"/policy/", {"consistency.manifest", "structure.stitch"}},
        {"/blocks/0/block", {"structure.stitch", "consistency.stitch"}},
        {"/blocks/1/block", {"structure.stitch", "consistency.stitch"}},
        {"/blocks/0/certificate", {"consistency.stitch"}},
        {"/blocks/1/certificate", {"consistency.stitch"}},
        {"/blocks/", {"stitch.blocks"}},
        {"/subject/layers", {"consistency.stitch", "structure.stitch", "structure.replay"}},
        {"/subject/", {"consistency.manifest", "structure.stitch"}},
        {"/prompts/count", {"structure.stitch"}},
        {"/prompts/tokens", {"structure.stitch"}},
        {"/prompts/", {"consistency.manifest", "structure.stitch"}},
        {"/metrics/layers/", {"stitch.residuals", "structure.stitch"}},
        {"/metrics/largest_residual/", {"stitch.residuals", "structure.stitch"}},
        {"/metrics/perplexity/mean", {"stitch.perplexity"}},
        {"/metrics/perplexity/", {"structure.stitch"}}, // the difference no longer is one
        {"/metrics/loss/", {"stitch.loss", "structure.stitch"}},
        {"/metrics/kl/", {"stitch.kl", "structure.stitch"}},
        {"/metrics/agreement/", {"stitch.agreement", "structure.stitch"}},
        {"/metrics/semantic/", {"stitch.semantic", "structure.stitch"}},
        {"/metrics/prompts/0/id", {"consistency.stitch"}},
        {"/metrics/prompts/1/id", {"consistency.stitch"}},
        {"/metrics/prompts/0/tokens", {"consistency.stitch"}},
        {"/metrics/prompts/1/tokens", {"consistency.stitch"}},
        {"/metrics/prompts/", {"stitch.prompts", "structure.stitch"}},
        {"/bisect/0/rows/0/block", {"consistency.stitch", "structure.stitch"}},
        {"/bisect/0/rows/1/block", {"consistency.stitch", "structure.stitch"}},
        {"/bisect/0/rows/1/prefix", {"stitch.bisect"}},
        {"/bisect/0/rows/0/prefix", {}}, // fewer blocks replaced: no level repeats these
        {"/bisect/0/rows/0/single", {}},
        {"/bisect/0/rows/1/single", {}},
        {"/bisect/0/event", {"structure.stitch"}},
        {"/bisect/0/at/", {"stitch.bisect", "consistency.stitch", "structure.stitch"}},
        {"/bisect/0/smallest_prefix", {"stitch.bisect", "structure.stitch"}},
        {"/bisect/0/single", {"stitch.bisect", "structure.stitch"}},
        {"/verdict/certified", {"consistency.status"}},
        {"/verdict/", {"structure.stitch"}},
    };
    return table;
}

TEST_F(StitchForgery, ThereIsNoneToBeginWith)
{
    const TamperedRun run(honest());
    for (const int level : {1, 2, 3, 4}) {
        const Verdict verdict = run.verify(level);
        EXPECT_EQ(verdict.exitCode, 0) << problemsOf(verdict);
    }
}

TEST_F(StitchForgery, OfAnyFieldOfTheCertificateIsFound)
{
    forgeEverything(honest(), certificateFile, expectations(), 150);
}

TEST_F(StitchForgery, OfAnyByteOfItsFilesIsFound)
{
    TamperedRun run(honest());
    for (const std::string& file : {certificateFile, replayFile}) {
        const std::string original = run.text(file);
        for (std::size_t at = 0; at < original.size(); at += original.size() / 30 + 1) {
            std::string changed = original;
            changed[at] = static_cast<char>(changed[at] ^ 0x01);
            run.setText(file, changed);
            const Verdict verdict = run.verify(1);
            EXPECT_EQ(verdict.exitCode, 1) << file << " byte " << at;
            EXPECT_THAT(failedIds(verdict), Contains("sums.sha256")) << file << " byte " << at;
            run.resum();
            if (file == replayFile) { // in the certificate it may be the issuer's own word
                EXPECT_THAT(failedIds(run.verify(1)), Contains("artifact.sha256")) << "byte " << at;
            }
            run.setText(file, original);
            run.resum();
        }
    }
    EXPECT_EQ(run.verify(3).exitCode, 0);
}

// The file alone is forged and every digest made to fit: its numbers no longer give those of the certificate.
TEST_F(StitchForgery, OfAnyDatasetIsFoundByArithmetic)
{
    const std::vector<std::pair<const char*, std::set<std::string>>> cases = {
        {"prompt_offset", {"structure.replay"}},
        {"token_id", {"consistency.tokens"}},
        {"label_id", {"stitch.semantic"}},
        {"residual_l2", {"stitch.residuals"}},
        {"residual_mae", {"stitch.residuals"}},
        {"residual_max", {"stitch.residuals"}},
        {"loss_base", {"stitch.loss"}},
        {"loss_stitched", {"stitch.perplexity"}},
        {"kl", {"stitch.kl"}},
        {"top_id_base", {"stitch.agreement"}},
        {"top_id_stitched", {"stitch.agreement"}},
    };
    for (const auto& [dataset, ids] : cases) {
        TamperedRun run(honest());
        run.changeTensor(replayFile, dataset, [](HostTensor& tensor) {
            for (std::size_t at = 0; tensor.dtype == DType::F64 && at < tensor.bytes.size(); at += 8) {
                double value = 0;
                std::memcpy(&value, &tensor.bytes[at], 8);
                value = 2 * value + 1e-6;
                std::memcpy(&tensor.bytes[at], &value, 8);
            }
            if (tensor.shape == std::vector<std::int64_t>{2}) // label_id: no label
                std::fill_n(tensor.bytes.begin(), 4, std::byte{0xFF});
            else if (tensor.dtype != DType::F64)
                tensor.bytes[0] ^= std::byte{1};
        });
        run.resum();
        EXPECT_THAT(failedIds(run.verify(1)), Contains("artifact.sha256")) << dataset;
        run.resealFilesOnly(folderName);
        EXPECT_THAT(failedIds(run.verify(1)), Contains("tensor.sha256")) << dataset;
        run.reseal(folderName);
        const Verdict verdict = run.verify(3);
        for (const std::string& id : ids)
            EXPECT_THAT(failedIds(verdict), Contains(id)) << dataset << "\n" << problemsOf(verdict);
    }
}

// Certificate and file were forged together: what level 3 cannot see, level 4 does.
TEST_F(StitchForgery, OfNumbersAndCertificateTogetherIsFoundByTheModel)
{
    using Columns = StitchColumns;
    const std::vector<std::pair<std::vector<double> Columns::*, const char*>> cases = {
        {&Columns::residualNorm, "stitch.model_norms"},         {&Columns::lossBase, "stitch.model_loss_base"},
        {&Columns::lossStitched, "stitch.model_loss_stitched"}, {&Columns::topLogitBase, "stitch.model_top"},
        {&Columns::topLogitStitched, "stitch.model_top"},
    };
    for (const auto& [column, id] : cases) {
        const auto forge = [&](tiny::Stitch& stitch) {
            for (double& value : stitch.columns.*column)
                value *= 1.01;
            stitch.certificate.bisections.clear(); // its last row would tell
        };
        EXPECT_THAT(failedIds(issued(forge, 3)), IsEmpty()) << id << problemsOf(issued(forge, 3));
        EXPECT_THAT(failedIds(issued(forge, 4)), Contains(id)) << id;
    }
    const auto residuals = [](tiny::Stitch& stitch) {
        const std::size_t first = stitch.columns.tokens(); // nothing may differ before block 1
        for (auto* column : {&stitch.columns.residualL2, &stitch.columns.residualMae, &stitch.columns.residualMax})
            for (std::size_t at = first; at < column->size(); ++at)
                (*column)[at] *= 1e4;
    };
    EXPECT_THAT(failedIds(issued(residuals, 3)), IsEmpty());
    EXPECT_THAT(failedIds(issued(residuals, 4)), Contains("stitch.model_residuals"));
    const auto divergences = [](tiny::Stitch& stitch) {
        stitch.columns.divergence.assign(stitch.columns.tokens(), 1e-2);
    };
    EXPECT_THAT(failedIds(issued(divergences, 3)), IsEmpty());
    EXPECT_THAT(failedIds(issued(divergences, 4)), Contains("stitch.model_kl"));
    const auto labels = [](tiny::Stitch& stitch) { stitch.columns.labelId[0] += 1; };
    EXPECT_THAT(failedIds(issued(labels, 3)), IsEmpty());
    EXPECT_THAT(failedIds(issued(labels, 4)), Contains("stitch.labels"));
    const auto ids = [](tiny::Stitch& stitch) {
        std::swap(stitch.columns.topIdStitched[0], stitch.columns.topIdStitched[4]);
    };
    EXPECT_THAT(failedIds(issued(ids, 3)), IsEmpty());
    EXPECT_THAT(failedIds(issued(ids, 4)), Contains("stitch.model_top"));
}

TEST_F(StitchForgery, OfWhatNoTwoStreamsCanBeIsFoundWithoutTheModel)
{
    const auto before = [](tiny::Stitch& stitch) {
        stitch.columns.residualL2[0] = stitch.columns.residualMae[0] = stitch.columns.residualMax[0] = 1e-9;
    };
    EXPECT_THAT(failedIds(issued(before, 3)), Contains("stitch.plausible"));
    const auto smaller = [](tiny::Stitch& stitch) { stitch.columns.residualL2.back() *= 0.5; };
    EXPECT_THAT(failedIds(issued(smaller, 3)), Contains("stitch.plausible"));
    const auto larger = [](tiny::Stitch& stitch) { stitch.columns.residualL2.back() *= 10; };
    EXPECT_THAT(failedIds(issued(larger, 3)), Contains("stitch.plausible"));
    const auto negative = [](tiny::Stitch& stitch) { stitch.columns.divergence[0] = -1e-30; };
    EXPECT_THAT(failedIds(issued(negative, 1)), Contains("structure.replay"));
}

TEST_F(StitchForgery, OfAReplacedBlockIsFoundThoughItsOwnFilesAgree)
{
    // Another certificate of block 1, itself in order, under the same stitched model.
    TamperedRun run(honest());
    Json certificate = run.json("block_01/certificate.json");
    certificate["created"] = "2030-01-01T00:00:00Z";
    run.setJson("block_01/certificate.json", certificate);
    run.resum();
    EXPECT_THAT(failedIds(run.verify(3)), Contains("stitch.blocks"));
}

TEST_F(StitchForgery, ByLeavingItOutIsAnUnlistedFileOrNoPartOfTheRun)
{
    TamperedRun run(honest());
    std::string sums;
    for (std::string rest = run.text("SHA256SUMS"); !rest.empty(); rest = rest.substr(rest.find('\n') + 1))
        if (const std::string line = rest.substr(0, rest.find('\n') + 1); line.find("stitch/") == std::string::npos)
            sums += line;
    run.setText("SHA256SUMS", sums);
    const Verdict verdict = run.verify(3);
    EXPECT_EQ(verdict.exitCode, 0);
    EXPECT_TRUE(verdict.scope.stitches.empty());
    VerifyOptions options;
    options.childProgram = tiny::readerChild();
    const Verdict named = verify(run.path() / certificateFile, options, RunContext{});
    EXPECT_THAT(failedIds(named), Contains("sums.covers"));
}

}
}
