#include "engine/base/atomic_file.h"
#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/certificate/model_comparison.h"
#include "engine/certificate/run_layout.h"
#include "engine/certificate/verify.h"
#include "tests/certificate/tiny_run.h"
#include "tests/support/temporary_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <stop_token>

namespace blockcert::certificate {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::Not;
using testing_support::TemporaryFolder;

VerifyOptions atLevel(int level)
{
    VerifyOptions options;
    options.level = level;
    options.childProgram = tiny::readerChild();
    options.seed = 7;
    return options;
}

// A run of two blocks, written once for all tests that do not change it.
class Verify : public ::testing::Test {
protected:
    static void SetUpTestSuite()
    {
        s_folder = new TemporaryFolder;
        tiny::write(tiny::make({}), embedded());
        tiny::Options options;
        options.embed = false;
        tiny::write(tiny::make(options), byReference());
    }

    static void TearDownTestSuite() { delete s_folder; }

    static fs::path embedded() { return s_folder->path() / "embedded"; }

    static fs::path byReference() { return s_folder->path() / "reference"; }

    static TemporaryFolder* s_folder;
};

TemporaryFolder* Verify::s_folder = nullptr;

std::string failures(const Verdict& verdict)
{
    std::string text = verdict.sentence + "\n";
    for (const Check& check : verdict.checks)
        if (check.state != CheckState::Verified)
            text += check.id + " [" + check.where + "] " + check.detail + "\n";
    return text;
}

TEST_F(Verify, AcceptsAnHonestRunAtEveryLevelBelowTheModel)
{
    for (int level = 1; level <= 3; ++level) {
        const Verdict verdict = verify(embedded(), atLevel(level), RunContext{});
        EXPECT_EQ(verdict.state, CheckState::Verified) << failures(verdict);
        EXPECT_EQ(verdict.exitCode, 0);
        EXPECT_EQ(verdict.level, level);
    }
}

TEST_F(Verify, SaysWhatItDidNotLookAt)
{
    const Verdict verdict = verify(embedded(), atLevel(3), RunContext{});
    EXPECT_EQ(verdict.sentence, "Verified at level 3 on these 34 tokens; not checked: per-token losses (level 4), "
                                "highest logits (level 4), origin of trace, token ids and surrogates (level 4).");
    EXPECT_THAT(verdict.notChecked, Contains(HasSubstr("per-token losses")));
    EXPECT_THAT(verdict.doesNotSay, Contains("Nothing is claimed about block 2 of the model's 3."));
}

TEST_F(Verify, SaysItTooWhereThePolicyIsNotMet)
{
    VerifyOptions options = atLevel(3);
    options.policy = Policy{};
    options.policy->tauAct = 1e-12;
    EXPECT_THAT(verify(embedded(), options, RunContext{}).sentence,
                testing::StartsWith("The numbers hold at level 3 on these 34 tokens, but not the policy; not checked: "
                                    "per-token losses (level 4), highest logits (level 4), origin of trace, token "
                                    "ids and surrogates (level 4). "));
}

// A certificate under thresholds that any block passes, of a surrogate that is far from it, is no lie; a verdict that
// does not speak of them would be.
TEST_F(Verify, NamesTheSurrogateAndAPolicyThatIsNotTheUsualOne)
{
    const Verdict usual = verify(embedded(), atLevel(3), RunContext{});
    EXPECT_THAT(usual.says, Contains(HasSubstr("an exact copy of its weights")));
    EXPECT_THAT(usual.says,
                Contains("A block is certified if at least 94 % of its tokens have an error of at most 0.01 "
                         "and at least 90 % a change of their loss of at most 0.001 (the default policy)."));

    const TemporaryFolder folder;
    tiny::Options options;
    options.surrogate = {.family = SurrogateFamily::LowRank, .rank = 1};
    options.ablation.kind = Ablation::Kind::DropRope;
    options.policy.tauAct = 1e9;
    options.policy.alphaAct = 0;
    options.policy.tauLoss = 1e9;
    tiny::write(tiny::make(options), folder.path() / "loose");
    const Verdict loose = verify(folder.path() / "loose", atLevel(3), RunContext{});
    EXPECT_THAT(loose.sentence, testing::StartsWith("Verified at level 3 on these 34 tokens, with the surrogate "
                                                    "low-rank:1:attn, drop-rope, under a policy of the issuer's (τ_act "
                                                    "1000000000, α_act 0, τ_loss 1000000000); not checked: "));
    EXPECT_THAT(loose.says, Contains(HasSubstr("stands: low-rank:1:attn, drop-rope.")));
    EXPECT_THAT(loose.says, Contains(HasSubstr("this is not the default policy")));
    tiny::Options without;
    without.loss = LossMode::None; // the rule is the certificate's all the same
    tiny::write(tiny::make(without), folder.path() / "without");
    EXPECT_THAT(verify(folder.path() / "without", atLevel(3), RunContext{}).says,
                Contains(HasSubstr("a change of their loss of at most 0.001, which was not measured here")));
    const Json scope = verdictToJson(loose).at("scope");
    EXPECT_EQ(scope.at("surrogate"), "low-rank:1:attn, drop-rope");
    EXPECT_EQ(scope.at("other_policy"), "τ_act 1000000000, α_act 0, τ_loss 1000000000");
}

TEST_F(Verify, NamesWhatTheHighestLevelCouldNotSettle)
{
    const TemporaryFolder folder;
    tiny::Options options;
    options.dtype = DType::BF16;
    tiny::write(tiny::make(options), folder.path() / "run");
    const Verdict verdict = verify(folder.path() / "run", atLevel(4), RunContext{});
    EXPECT_THAT(verdict.sentence, HasSubstr("level 4")) << failures(verdict);
    EXPECT_THAT(verdict.sentence, HasSubstr("; not checked: per-token losses, activation coverage whatever the "
                                            "baseline rounded."))
        << failures(verdict);
}

TEST_F(Verify, NeverCallsLevelZeroVerified)
{
    const Verdict verdict = verify(embedded(), atLevel(0), RunContext{});
    EXPECT_EQ(verdict.state, CheckState::NotChecked);
    EXPECT_EQ(verdict.exitCode, 5);
}

TEST_F(Verify, ReplaysBitForBitOnOneMachine)
{
    const Verdict verdict = verify(embedded(), atLevel(3), RunContext{});
    for (const Check& check : verdict.checks)
        if (check.id == "replay.error") {
            EXPECT_THAT(check.how, HasSubstr("bit-identical"));
        }
}

TEST_F(Verify, GivesTheSameRowsWithOneAndWithManyThreads)
{
    VerifyOptions options = atLevel(3);
    const Verdict one = verify(embedded(), options, RunContext{});
    options.threads = 4;
    EXPECT_EQ(verify(embedded(), options, RunContext{}).checks, one.checks);
}

TEST_F(Verify, ReadsWeightsByReferenceFromTheModelItIsGivenOrTheRunPointsTo)
{
    const Verdict hinted = verify(byReference(), atLevel(3), RunContext{});
    EXPECT_EQ(hinted.exitCode, 0) << failures(hinted);
    VerifyOptions options = atLevel(3);
    options.model = tiny::modelPath("llama-gqa");
    EXPECT_EQ(verify(byReference(), options, RunContext{}).exitCode, 0);
}

TEST_F(Verify, IsIncompleteWhereTheWeightsAreOfAnotherModel)
{
    VerifyOptions options = atLevel(3);
    options.model = tiny::modelPath("llama-bias");
    const Verdict verdict = verify(byReference(), options, RunContext{});
    EXPECT_EQ(verdict.state, CheckState::NotChecked);
    EXPECT_EQ(verdict.exitCode, 5);
    EXPECT_THAT(verdict.sentence, HasSubstr("--model"));
}

TEST_F(Verify, DrawsCellsWithItsOwnSeed)
{
    VerifyOptions options = atLevel(2);
    options.cells = 2;
    const Verdict verdict = verify(embedded(), options, RunContext{});
    EXPECT_EQ(verdict.exitCode, 0) << failures(verdict);
    EXPECT_EQ(verdict.seed, 7U);
    EXPECT_THAT(verdict.checks,
                Contains(testing::AllOf(Field(&Check::id, "replay.spot"), Field(&Check::recomputed, "2 of 6 cells"))));
}

TEST_F(Verify, LooksAtOneBlockWhereACertificateIsNamed)
{
    const Verdict verdict = verify(embedded() / "block_01" / "certificate.json", atLevel(3), RunContext{});
    EXPECT_EQ(verdict.exitCode, 0) << failures(verdict);
    EXPECT_THAT(verdict.scope.blocks, testing::ElementsAre(1));
    EXPECT_THAT(verdict.checks, Contains(Field(&Check::id, "sums.others")));
}

TEST_F(Verify, RefusesWhatIsNotARun)
{
    EXPECT_THROW(static_cast<void>(verify(embedded() / "nowhere", atLevel(3), RunContext{})), FileError);
    EXPECT_THROW(static_cast<void>(verify(embedded() / "block_00", atLevel(3), RunContext{})), FormatError);
    EXPECT_THROW(static_cast<void>(verify(embedded() / "run.json", atLevel(3), RunContext{})), FormatError);
    EXPECT_THROW(static_cast<void>(verify(embedded(), atLevel(5), RunContext{})), UsageError);
}

TEST_F(Verify, JudgesByThePolicyItIsGiven)
{
    VerifyOptions options = atLevel(3);
    options.policy = Policy{};
    EXPECT_EQ(verify(embedded(), options, RunContext{}).exitCode, 0);
    options.policy->tauAct = 1e-12;
    const Verdict verdict = verify(embedded(), options, RunContext{});
    EXPECT_EQ(verdict.state, CheckState::WeakerThanPolicy);
    EXPECT_EQ(verdict.exitCode, 6);
    EXPECT_THAT(verdict.sentence, HasSubstr("activation coverage 0 is below 0.94"));
}

TEST_F(Verify, DoesNotJudgeAPolicyByNumbersItDidNotRecompute)
{
    VerifyOptions options = atLevel(1);
    options.policy = Policy{};
    EXPECT_EQ(verify(embedded(), options, RunContext{}).exitCode, 5);
}

TEST_F(Verify, DemandsTheModelItExpects)
{
    VerifyOptions options = atLevel(3);
    options.expectModelSha256 = {std::string(64, '0')};
    EXPECT_EQ(verify(byReference(), options, RunContext{}).exitCode, 1);
    const auto manifest = tiny::make({}).manifest;
    options.expectModelSha256.push_back(manifest.subject.files[0].sha256);
    EXPECT_EQ(verify(byReference(), options, RunContext{}).exitCode, 0);
    // Embedded weights come from anywhere: the digest is the issuer's word until the IR is rebuilt.
    EXPECT_EQ(verify(embedded(), options, RunContext{}).exitCode, 5);
}

TEST_F(Verify, DemandsPromptsToolAndLosses)
{
    VerifyOptions options = atLevel(3);
    options.expectTools = {"9.9"};
    EXPECT_EQ(verify(embedded(), options, RunContext{}).exitCode, 1);
    options.expectTools = {"0.1.0"};
    options.expectPromptsSha256 = {std::string(64, 'a')};
    EXPECT_EQ(verify(embedded(), options, RunContext{}).exitCode, 1);
    options.expectPromptsSha256 = {tiny::make({}).manifest.prompts.sha256};
    EXPECT_EQ(verify(embedded(), options, RunContext{}).exitCode, 0);
    options.requireLosses = true;
    EXPECT_EQ(verify(embedded(), options, RunContext{}).exitCode, 5);
}

TEST_F(Verify, StopsWhenItIsAskedTo)
{
    const auto stop = std::make_unique<std::stop_source>();
    int events = 0;
    const RunContext context(stop->get_token(), [&](const Progress& progress) {
        if (progress.stage == "replay" && ++events == 2)
            stop->request_stop();
    });
    EXPECT_THROW(static_cast<void>(verify(embedded(), atLevel(3), context)), Cancelled);
}

TEST_F(Verify, ReportsEveryCellItReplays)
{
    std::vector<std::int64_t> done;
    const RunContext context({}, [&](const Progress& progress) {
        if (progress.stage == "replay") {
            EXPECT_EQ(progress.total, 6);
            done.push_back(progress.done);
        }
    });
    static_cast<void>(verify(embedded(), atLevel(3), context));
    EXPECT_THAT(done, testing::ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST_F(Verify, SaysThatARunIsUnfinished)
{
    const TemporaryFolder folder;
    const tiny::Material material = tiny::make({});
    RunWriter writer(folder.path() / "run", material.manifest, OpenMode::Create);
    const Verdict verdict = verify(folder.path() / "run", atLevel(3), RunContext{});
    EXPECT_EQ(verdict.exitCode, 5);
    EXPECT_THAT(verdict.sentence, HasSubstr("--resume"));
}

TEST_F(Verify, RebuildsEverythingFromTheModelAtLevelFour)
{
    for (const fs::path& run : {embedded(), byReference()}) {
        const Verdict verdict = verify(run, atLevel(4), RunContext{});
        EXPECT_EQ(verdict.exitCode, 0) << failures(verdict);
        for (const char* id : {"model.files", "model.config", "model.tokens", "model.embedding", "model.ir",
                               "model.states", "model.loss_base", "model.loss_stitched", "model.top", "loss.tokens"})
            EXPECT_THAT(verdict.checks,
                        Contains(testing::AllOf(Field(&Check::id, id), Field(&Check::state, CheckState::Verified))))
                << id;
        EXPECT_EQ(verdict.sentence, "Verified at level 4 on these 34 tokens.");
    }
}

TEST_F(Verify, IsIncompleteAtLevelFourWithoutTheRunsOwnModel)
{
    VerifyOptions options = atLevel(4);
    options.model = tiny::modelPath("llama-sharded");
    const Verdict verdict = verify(embedded(), options, RunContext{});
    EXPECT_EQ(verdict.exitCode, 5);
    EXPECT_THAT(verdict.sentence, HasSubstr("is not the model of this run"));
}

TEST_F(Verify, ExpectsAnEmbeddedModelAtLevelFour)
{
    VerifyOptions options = atLevel(4);
    options.expectModelSha256 = {tiny::make({}).manifest.subject.files[0].sha256};
    EXPECT_EQ(verify(embedded(), options, RunContext{}).exitCode, 0);
}

// Most of a decomposed block's weights are in the run: two norms that were read say nothing of the model.
TEST_F(Verify, ExpectsADecomposedModelAtLevelFour)
{
    tiny::Options made;
    made.surrogate = {.family = SurrogateFamily::LowRank, .rank = 20, .matrices = MatrixGroup::All};
    const TemporaryFolder folder;
    tiny::write(tiny::make(made), folder.path() / "run");
    VerifyOptions options = atLevel(3);
    options.model = tiny::modelPath(made.model);
    options.expectModelSha256 = {tiny::make({}).manifest.subject.files[0].sha256};
    const Verdict verdict = verify(folder.path() / "run", options, RunContext{});
    const auto row = std::find_if(verdict.checks.begin(), verdict.checks.end(),
                                  [](const Check& check) { return check.id == "expect.model"; });
    ASSERT_NE(row, verdict.checks.end());
    EXPECT_EQ(row->state, CheckState::NotChecked) << row->detail;
    options.level = 4;
    for (const Check& check : verify(folder.path() / "run", options, RunContext{}).checks)
        EXPECT_NE(check.state, CheckState::Failed) << check.id << ": " << check.detail;
}

struct Case {
    std::string name;
    tiny::Options options;
    int exitCode;
};

class VerifyEvery : public ::testing::TestWithParam<Case> {};

TEST_P(VerifyEvery, KindOfHonestRun)
{
    const TemporaryFolder folder;
    tiny::write(tiny::make(GetParam().options), folder.path() / "run");
    const Verdict verdict = verify(folder.path() / "run", atLevel(3), RunContext{});
    EXPECT_EQ(verdict.exitCode, GetParam().exitCode) << failures(verdict);
}

std::vector<Case> kindsOfRuns()
{
    tiny::Options bf16;
    bf16.dtype = DType::BF16;
    bf16.policy.measure = ErrorMeasure::RelativeL2;
    bf16.policy.tauRel = 2e-2;
    tiny::Options f16 = bf16;
    f16.dtype = DType::F16;
    tiny::Options gpt2;
    gpt2.model = "gpt2";
    gpt2.embed = false;
    tiny::Options noLoss;
    noLoss.loss = LossMode::None;
    tiny::Options single;
    single.texts = {"a"};
    tiny::Options strict;
    strict.policy.tauAct = 1e-9;
    tiny::Options last;
    last.blocks = {2};
    tiny::Options noisy;
    noisy.noise = 0.5;
    return {{"Bf16", bf16, 0},         {"F16", f16, 0},
            {"Gpt2", gpt2, 0},         {"WithoutLosses", noLoss, 6},
            {"OfOneToken", single, 6}, {"NotCertified", strict, 6},
            {"LastBlock", last, 0},    {"Noisy", noisy, 6}};
}

// The allowances of level 4 must hold for every kind of honest run; a 16-bit baseline leaves its losses open.
TEST_P(VerifyEvery, KindOfHonestRunWithTheModel)
{
    const TemporaryFolder folder;
    tiny::write(tiny::make(GetParam().options), folder.path() / "run");
    VerifyOptions options = atLevel(4);
    const Verdict verdict = verify(folder.path() / "run", options, RunContext{});
    if (GetParam().name == "Noisy") {
        // Errors of a quarter in every block: whatever computed this trace, it was not this model.
        EXPECT_THAT(failures(verdict), HasSubstr("model.states"));
        EXPECT_EQ(verdict.exitCode, 1);
        return;
    }
    EXPECT_EQ(verdict.exitCode, GetParam().exitCode) << failures(verdict);
    options.requireLosses = true;
    const bool open = GetParam().options.dtype != DType::F32;
    EXPECT_EQ(verify(folder.path() / "run", options, RunContext{}).exitCode, open ? 5 : GetParam().exitCode);
}

INSTANTIATE_TEST_SUITE_P(Runs, VerifyEvery, ::testing::ValuesIn(kindsOfRuns()),
                         [](const auto& which) { return which.param.name; });

TEST_F(Verify, WritesTheDocumentedVerdict)
{
    const Json json = verdictToJson(verify(embedded(), atLevel(3), RunContext{}));
    EXPECT_EQ(json["verdict"], "verified");
    EXPECT_EQ(json["exit_code"], 0);
    EXPECT_EQ(json["scope"]["prompts"]["tokens"], 34);
    EXPECT_EQ(json["scope"]["blocks"], Json({0, 1}));
    for (const char* field :
         {"level", "sentence", "says", "not_checked", "does_not_say", "seed", "seconds", "run", "digest", "checks"})
        EXPECT_TRUE(json.contains(field)) << field;
    for (const Json& check : json["checks"])
        EXPECT_EQ(check.size(), 10U);
}

}
}
