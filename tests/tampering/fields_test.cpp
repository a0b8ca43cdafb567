// Every field of certificate.json and run.json, made larger and smaller, better and worse.
#include "engine/base/error.h"
#include "engine/prompts/prompts.h"
#include "tests/certificate/tiny_run.h"
#include "tests/tampering/forged_fields.h"
#include "tests/tampering/tampered_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <utility>

namespace blockcert::certificate {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::IsEmpty;
using testing_support::TemporaryFolder;

constexpr const char* certificateFile = "block_00/certificate.json";

class Fields : public ::testing::Test {
protected:
    static void SetUpTestSuite()
    {
        s_folder = new TemporaryFolder;
        tiny::Options options;
        options.blocks = {0};
        options.texts = {"the quick", "a"};
        tiny::write(tiny::make(options), honest());
    }

    static void TearDownTestSuite() { delete s_folder; }

    static fs::path honest() { return s_folder->path() / "run"; }

    static TemporaryFolder* s_folder;
};

TemporaryFolder* Fields::s_folder = nullptr;

// Longest prefix first. structure.* is the codec: a forged value that no certificate can have.
const std::vector<Expectation>& certificateExpectations()
{
    static const std::vector<Expectation> table = {
        {"/created", {"structure.certificate"}}, // no longer a time
        // Issuer says: no one can recompute names, dates and machines.
        {"/environment/", {}},
        {"/tool/version", {}},
        {"/tool/build", {}},
        {"/schema", {"another version"}},
        {"/kind", {"structure.certificate"}},
        {"/tool/name", {"structure.certificate"}},
        {"/artifacts/0/tensors/", {"tensor.sha256", "structure.certificate"}},
        {"/artifacts/1/tensors/", {"tensor.sha256", "structure.certificate"}},
        {"/artifacts/0/path", {"consistency.certificate"}},
        {"/artifacts/1/path", {"consistency.certificate"}},
        {"/artifacts/0/role", {"structure.certificate"}},
        {"/artifacts/1/role", {"structure.certificate"}},
        {"/artifacts/", {"artifact.sha256"}},
        {"/baseline/runtime", {"structure.certificate"}},
        {"/baseline/dtype", {"structure.certificate"}},
        {"/baseline/loss", {"structure.certificate"}},
        {"/baseline/", {"consistency.manifest"}},
        {"/surrogate/weights", {"structure.certificate"}},
        {"/surrogate/", {"consistency.manifest", "structure.certificate"}},
        {"/replay/comparison_tolerance", {"consistency.tolerance"}},
        {"/replay/", {"structure.certificate"}},
        {"/policy/error", {"structure.certificate"}},
        {"/policy/", {"consistency.manifest", "structure.certificate"}},
        {"/metrics/l2/epsilon", {"metrics.arithmetic"}},
        {"/metrics/l2/mean", {"metrics.arithmetic"}},
        {"/metrics/l2/worst/", {"metrics.worst", "structure.certificate"}},
        {"/metrics/l2/quantiles/", {"metrics.arithmetic"}},
        {"/metrics/l2/coverage/", {"metrics.activation_coverage", "structure.certificate"}},
        {"/metrics/relative_l2/", {"metrics.arithmetic", "structure.certificate"}},
        {"/metrics/path/", {"metrics.path_coverage", "structure.certificate"}},
        {"/metrics/loss/", {"loss.arithmetic", "structure.certificate"}},
        {"/metrics/prompts/0/id", {"consistency.certificate"}},
        {"/metrics/prompts/1/id", {"consistency.certificate"}},
        {"/metrics/prompts/0/tokens", {"consistency.certificate"}},
        {"/metrics/prompts/1/tokens", {"consistency.certificate"}},
        {"/metrics/prompts/0/loss/", {"loss.arithmetic", "structure.certificate"}},
        {"/metrics/prompts/1/loss/", {"loss.arithmetic", "structure.certificate"}},
        {"/metrics/prompts/", {"metrics.arithmetic", "structure.certificate"}},
        {"/prompts/count", {"structure.certificate"}},
        {"/prompts/tokens", {"structure.certificate"}},
        {"/prompts/token_ids_sha256", {"consistency.tokens"}},
        {"/prompts/", {"consistency.manifest", "structure.certificate"}},
        {"/subject/block", {"consistency.folder", "structure.certificate"}},
        {"/subject/", {"consistency.manifest", "structure.certificate"}},
        {"/verdict/certified", {"consistency.status"}},
        {"/verdict/", {"structure.certificate"}},
    };
    return table;
}

const std::vector<Expectation>& runExpectations()
{
    static const std::vector<Expectation> table = {
        {"/created", {"structure.run"}}, // no longer a time
        {"/environment/", {}},
        {"/tool/version", {}},
        {"/tool/build", {}},
        {"/command", {}},
        {"/model_hint", {}}, // a hint, never trusted; the weights are embedded here
        {"/surrogate_hint", {}},
        {"/surrogate_model", {"structure.run"}},
        {"/prompts/items/0/label", {}},
        {"/prompts/items/1/label", {}},
        {"/prompts/items/0/split", {}}, // a label, but for "heldout"
        {"/prompts/items/1/split", {}},
        {"/prompts/items/0/pieces", {}}, // for display only
        {"/prompts/items/1/pieces", {}},
        {"/prompts/items/0/tags", {"structure.run"}},
        {"/prompts/items/1/tags", {"structure.run"}},
        {"/schema", {"another version"}},
        {"/tool/name", {"structure.run"}},
        {"/state/complete", {"consistency.complete"}},
        {"/state/finished_blocks/", {"consistency.blocks", "structure.run"}},
        {"/state/failed_blocks", {"structure.run"}},
        {"/request/blocks/", {"consistency.blocks", "structure.run"}},
        {"/request/", {"consistency.manifest", "structure.run"}},
        {"/subject/", {"consistency.manifest", "structure.run"}},
        {"/prompts/", {"consistency.manifest", "structure.run", "provenance.prompts"}},
    };
    return table;
}

TEST_F(Fields, OfACertificateAreFoundWhereverTheyAreForged)
{
    forgeEverything(honest(), certificateFile, certificateExpectations(), 81);
}

TEST_F(Fields, OfAnEstimateAreFoundWhereverTheyAreForged)
{
    tiny::Options options;
    options.blocks = {0};
    options.texts = {"the quick"};
    options.loss = LossMode::FirstOrder;
    const TemporaryFolder folder;
    tiny::write(tiny::make(options), folder.path() / "run");
    TamperedRun run(folder.path() / "run");
    EXPECT_EQ(run.verify().exitCode, 6) << "honest, and never certified";
    const Json honestOne = run.json(certificateFile);
    for (const char* row : {"/metrics", "/metrics/prompts/0"})
        for (const char* field : {"/loss_estimate/change", "/loss_estimate/baseline_loss"}) {
            Json json = honestOne;
            Json& leaf = json[Json::json_pointer(std::string(row) + field)];
            leaf = certifiedNumber(std::nextafter(leaf["value"].get<double>(), 1e300));
            run.setJson(certificateFile, json);
            run.resum();
            EXPECT_THAT(failedIds(run.verify()), Contains("loss.arithmetic")) << row << field;
        }
    for (const auto& [path, value] :
         std::vector<std::pair<const char*, Json>>{{"/metrics/loss_estimate/method", "exact"},
                                                   {"/baseline/loss", "exact"},
                                                   {"/baseline/loss", "none"},
                                                   {"/metrics/loss/coverage", certifiedNumber(1.0)},
                                                   {"/metrics/prompts/0/loss_estimate", nullptr}}) {
        Json json = honestOne;
        json[Json::json_pointer(path)] = value;
        run.setJson(certificateFile, json);
        run.resum();
        EXPECT_THAT(failedIds(run.verify()), Contains("structure.certificate")) << path;
    }
}

TEST_F(Fields, OfTheRunAreFoundWhereverTheyAreForged)
{
    forgeEverything(honest(), "run.json", runExpectations(), 81);
}

TEST_F(Fields, AreComparedWithTheReplayItself)
{
    // The same forgery, told apart: which recomputed number contradicts it.
    const std::vector<std::pair<const char*, const char*>> cases = {
        {"/metrics/l2/epsilon", "metrics.epsilon"},
        {"/metrics/l2/mean", "metrics.mean"},
        {"/metrics/l2/quantiles/q50", "metrics.quantiles"},
        {"/metrics/l2/quantiles/q99", "metrics.quantiles"},
        {"/metrics/relative_l2/epsilon", "metrics.relative"},
        {"/metrics/relative_l2/mean", "metrics.relative"},
        {"/metrics/prompts/0/l2/epsilon", "metrics.prompts"},
        {"/metrics/prompts/1/relative_l2/mean", "metrics.prompts"},
    };
    for (const auto& [path, id] : cases) {
        for (const double factor : {0.5, 2.0}) {
            TamperedRun run(honest());
            Json json = run.json(certificateFile);
            Json& leaf = json[Json::json_pointer(path)];
            leaf = certifiedNumber(leaf["value"].get<double>() * factor);
            run.setJson(certificateFile, json);
            run.resum();
            EXPECT_THAT(failedIds(run.verify()), Contains(id)) << path;
        }
    }
}

// Changes a field in the certificate and in run.json alike, reseals everything.
Verdict forgeTogether(const fs::path& honest, const std::string& inCertificate, const std::string& inRun,
                      const Json& value)
{
    TamperedRun run(honest);
    Json certificate = run.json(certificateFile);
    Json manifest = run.json("run.json");
    certificate[Json::json_pointer(inCertificate)] = value;
    manifest[Json::json_pointer(inRun)] = value;
    run.setJson(certificateFile, certificate);
    run.setJson("run.json", manifest);
    run.resum();
    return run.verify();
}

TEST_F(Fields, ThatDecideNumbersAreFoundEvenWhenEveryFileAgrees)
{
    const Verdict tau = forgeTogether(honest(), "/policy/tau_act", "/request/policy/tau_act", certifiedNumber(1e-9));
    EXPECT_THAT(failedIds(tau), Contains("metrics.activation_coverage")) << problemsOf(tau);
    const Verdict alpha = forgeTogether(honest(), "/policy/tau_loss", "/request/policy/tau_loss", certifiedNumber(0.0));
    EXPECT_THAT(failedIds(alpha), Contains("loss.arithmetic")) << problemsOf(alpha);
    const Verdict width = forgeTogether(honest(), "/subject/d_model", "/subject/d_model", 31);
    EXPECT_THAT(failedIds(width), Contains("structure.ir")) << problemsOf(width);
    const Verdict heads = forgeTogether(honest(), "/subject/heads", "/subject/heads", 2);
    EXPECT_THAT(failedIds(heads), Contains("structure.probes")) << problemsOf(heads);
    const Verdict dtype = forgeTogether(honest(), "/baseline/dtype", "/request/baseline_dtype", "F16");
    EXPECT_THAT(failedIds(dtype), Contains("structure.probes")) << problemsOf(dtype);
    const Verdict layers = forgeTogether(honest(), "/subject/layers", "/subject/layers", 0);
    EXPECT_THAT(failedIds(layers), Contains("consistency.certificate")) << problemsOf(layers);
    const Verdict embedded = forgeTogether(honest(), "/surrogate/embedded", "/request/embed_weights", false);
    EXPECT_THAT(failedIds(embedded), Contains("structure.ir")) << problemsOf(embedded);
    const Verdict losses = forgeTogether(honest(), "/baseline/loss", "/request/loss", "none");
    EXPECT_THAT(failedIds(losses), Contains("structure.probes")) << problemsOf(losses);
    const Verdict ids = forgeTogether(honest(), "/prompts/items/1/tokens", "/prompts/items/1/truncated_tokens", 1);
    EXPECT_NE(ids.exitCode, 0);
}

TEST_F(Fields, ThatNobodyCanRecomputeBelowLevelFourAreNamedHere)
{
    // With every file rewritten, these are what the issuer says (a signature would have to cover them): the model's
    // name and digests while weights are embedded, texts and names of prompts, and choices that decide no number.
    const std::vector<std::pair<std::pair<const char*, const char*>, Json>> cases = {
        {{"/created", "/created"}, "2020-02-29T23:59:59Z"},
        {{"/subject/model", "/subject/model"}, "Another name"},
        {{"/subject/config_sha256", "/subject/config_sha256"}, std::string(64, '0')},
        {{"/subject/files/0/sha256", "/subject/files/0/sha256"}, std::string(64, '0')},
        {{"/subject/files/0/name", "/subject/files/0/name"}, "other.safetensors"},
        {{"/subject/layers", "/subject/layers"}, 9},
        {{"/prompts/name", "/prompts/name"}, "renamed"},
        {{"/prompts/items/0/rendered", "/prompts/items/0/rendered"}, "another text"},
        {{"/prompts/pinned_date", "/prompts/pinned_date"}, "1 Jan 2000"},
        {{"/surrogate/seed", "/request/seed"}, 5},
        {{"/baseline/max_tokens", "/request/max_tokens"}, 300},
        {{"/policy/alpha_act", "/request/policy/alpha_act"}, certifiedNumber(0.5)}, // a weaker promise, and kept
    };
    for (const auto& [paths, value] : cases) {
        const Verdict verdict = forgeTogether(honest(), paths.first, paths.second, value);
        EXPECT_EQ(verdict.exitCode, 0) << paths.first << "\n" << problemsOf(verdict);
        EXPECT_THAT(verdict.notChecked, Contains("names, labels, dates, environment, command line"));
    }
}

TEST_F(Fields, ThatCallAPromptHeldOutContradictTheRun)
{
    TamperedRun run(honest());
    Json json = run.json("run.json");
    json["prompts"]["items"][1]["split"] = "heldout";
    run.setJson("run.json", json);
    run.resum();
    for (int level = 1; level <= 3; ++level) {
        const Verdict verdict = run.verify(level);
        EXPECT_EQ(verdict.exitCode, 1) << level;
        EXPECT_THAT(failedIds(verdict), testing::ElementsAre("consistency.heldout")) << problemsOf(verdict);
    }
}

TEST_F(Fields, ThatAreTimesMustBeTimesInUtc)
{
    for (const char* time :
         {"", "yesterday", "2026-01-02", "2026-01-02T03:04:05", "2026-01-02 03:04:05Z", "2026-01-02T03:04:05+01:00",
          "2026-02-29T03:04:05Z", "2026-13-01T03:04:05Z", "2026-01-00T03:04:05Z", "2026-01-02T24:04:05Z",
          "2026-01-02T03:60:05Z", "2026-01-02T03:04:60Z", "0000-01-02T03:04:05Z", "2026-01-02T03:04:05.5Z"}) {
        TamperedRun run(honest());
        Json json = run.json(certificateFile);
        json["created"] = time;
        run.setJson(certificateFile, json);
        run.resum();
        const Verdict verdict = run.verify(1);
        EXPECT_THAT(failedIds(verdict), Contains("structure.certificate")) << time;
        EXPECT_THAT(problemsOf(verdict), testing::HasSubstr("must be a time in UTC")) << time;
    }
}

TEST_F(Fields, ThatClaimABundledSetAreComparedWithTheBundledOne)
{
    TamperedRun run(honest());
    for (const char* file : {certificateFile, "run.json"}) {
        Json json = run.json(file);
        json["prompts"]["bundled"] = true;
        json["prompts"]["name"] = "base";
        run.setJson(file, json);
    }
    run.resum();
    EXPECT_THAT(failedIds(run.verify()), Contains("provenance.prompts"));
    // Nor does the bundled set's digest make other prompts the bundled ones.
    for (const char* file : {certificateFile, "run.json"}) {
        Json json = run.json(file);
        json["prompts"]["sha256"] = prompts::readPrompts("base").sha256;
        run.setJson(file, json);
    }
    run.resum();
    EXPECT_THAT(failedIds(run.verify()), Contains("provenance.prompts"));
}

TEST_F(Fields, ThatLoosenTheComparisonAreAFinding)
{
    TamperedRun run(honest());
    Json json = run.json(certificateFile);
    json["replay"]["comparison_tolerance"] = certifiedNumber(1e-3);
    run.setJson(certificateFile, json);
    run.resum();
    EXPECT_THAT(failedIds(run.verify()), Contains("consistency.tolerance"));
}

}
}
