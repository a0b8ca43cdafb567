// `blockcert stitch` on the demo model: the documented result, show, verify, Ctrl+C, and the server's method.

#include "tests/cli/program_runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <memory>
#include <thread>

using namespace blockcert;
using namespace blockcert::tests;
using namespace std::chrono_literals;
using testing::HasSubstr;

namespace {

// One run of two blocks, without losses of its own: stitching measures them anyway.
class StitchedDemo : public testing::Test {
protected:
    static void SetUpTestSuite()
    {
        s_folder = std::make_unique<TemporaryFolder>();
        const Outcome outcome = runBlockcert(
            {"certify", "demo", "--blocks", "3,7", "--prompts", "base", "-o", path(), "--loss", "none", "--quiet"});
        ASSERT_EQ(outcome.status, 0) << outcome.err;
    }

    static void TearDownTestSuite() { s_folder.reset(); }

    static std::string path() { return (*s_folder / "run").string(); }

private:
    static std::unique_ptr<TemporaryFolder> s_folder;
};

std::unique_ptr<TemporaryFolder> StitchedDemo::s_folder;

}

TEST_F(StitchedDemo, StopsOnCtrlCAndLeavesTheRunAsItWas)
{
    const std::string sums = readFile(path() + "/SHA256SUMS");
    Process process("blockcert", {"stitch", path(), "--jsonl"});
    for (int i = 0; i < 6000 && process.isRunning(); ++i) {
        if (process.outputSoFar().find("\"stitch\"") != std::string::npos)
            break;
        std::this_thread::sleep_for(10ms);
    }
    process.signal(SIGINT);
    const Outcome stopped = process.wait();
    if (stopped.status == 0)
        GTEST_FAIL() << "it was over before it could be stopped";
    EXPECT_EQ(stopped.status, 130) << stopped.err;
    EXPECT_THAT(stopped.err, HasSubstr("nothing was added"));
    EXPECT_EQ(readFile(path() + "/SHA256SUMS"), sums);
    EXPECT_FALSE(std::filesystem::exists(path() + "/stitch"));
    EXPECT_FALSE(std::filesystem::exists(path() + "/.work"));
}

TEST_F(StitchedDemo, GivesTheDocumentedResultIsShownAndVerified)
{
    const Outcome outcome =
        runBlockcert({"stitch", path(), "--name", "both", "--bisect", "--json"}, {"SOURCE_DATE_EPOCH=1700000000"});
    ASSERT_EQ(outcome.status, 0) << outcome.err;
    const Json result = outcome.json();
    EXPECT_EQ(result.at("run"), path());
    EXPECT_EQ(result.at("path"), "stitch/both/certificate.json");
    EXPECT_EQ(result.at("kind"), "full-model");
    EXPECT_EQ(result.at("command"), "blockcert stitch " + path() + " --name both --bisect");
    ASSERT_EQ(result.at("per_layer_mae").size(), 30U);
    EXPECT_EQ(result.at("per_layer_mae")[2], 0.0); // nothing is replaced before block 3
    EXPECT_GT(result.at("per_layer_mae")[3], 0.0);
    EXPECT_LT(std::abs(result.at("perplexity").at("difference").get<double>()), 1e-3);
    EXPECT_EQ(result.at("next_token_agreement"), 1.0);
    EXPECT_EQ(result.at("semantic"), nullptr);
    EXPECT_GT(result.at("seconds"), 0.0);

    // The perplexity of the baseline is what `evaluate` gives.
    const Json evaluated = runBlockcert({"evaluate", "demo", "--prompts", "base", "--json"}).json();
    EXPECT_EQ(result.at("perplexity").at("baseline"), evaluated.at("perplexity"));

    const Json shown = runBlockcert({"show", path(), "--json"}).json();
    ASSERT_EQ(shown.at("stitches").size(), 1U);
    Json row = result;
    for (const char* key : {"run", "already", "seconds", "written", "notes"})
        row.erase(key);
    EXPECT_EQ(shown.at("stitches")[0], row);
    EXPECT_THAT(runBlockcert({"show", path()}).out, HasSubstr("Stitched models"));

    // The recorded numbers of its tokens are those that stitch gave when it measured them.
    const Json recorded = runBlockcert({"show", path(), "--json", "--tokens"}).json().at("stitches")[0].at("tokens");
    const Json measured = runBlockcert({"stitch", path(), "--measure-only", "--tokens", "--json"}).json().at("tokens");
    EXPECT_EQ(recorded, measured);

    const Outcome text = runBlockcert({"stitch", path(), "--name", "both", "--bisect"});
    EXPECT_EQ(text.status, 0) << text.err;
    EXPECT_THAT(text.out, HasSubstr("was already in the run"));
    EXPECT_THAT(text.out, HasSubstr("Residual streams"));

    // Without losses the blocks themselves are not certified, so neither is what is made of them.
    const Outcome verified = runBlockcert({"verify", path(), "--json"});
    EXPECT_EQ(verified.status, 6) << verified.out;
    EXPECT_EQ(verified.json().at("scope").at("stitches")[0].at("blocks"), Json({3, 7}));
    const Outcome alone = runBlockcert({"verify", path() + "/stitch/both/certificate.json", "--level", "2"});
    EXPECT_EQ(alone.status, 6) << alone.out;
    EXPECT_THAT(alone.out, HasSubstr("stitched model both"));
}

TEST_F(StitchedDemo, RefusesInOneSentence)
{
    EXPECT_EQ(runBlockcert({"stitch", path(), "--blocks", "4"}).status, 2);
    EXPECT_EQ(runBlockcert({"stitch", path(), "--name", "a/b"}).status, 2);
    EXPECT_EQ(runBlockcert({"stitch", path(), "--model", "/no/such", "--blocks", "3"}).status, 3);
    const Outcome other = runBlockcert({"stitch", path(), "--surrogate-model", "demo"});
    EXPECT_EQ(other.status, 2);
    EXPECT_THAT(other.err,
                HasSubstr("--surrogate-model demo: the run's surrogates are not those of another checkpoint"));
    const Outcome edit = runBlockcert({"stitch", path(), "--edit", "soft"});
    EXPECT_EQ(edit.status, 2);
    EXPECT_THAT(edit.err, HasSubstr("--edit soft: the run has no such edit; it has none"));
    EXPECT_EQ(runBlockcert({"generate", "demo", "--surrogate-edit", "soft"}).status, 2); // of no run
    const Outcome tokens = runBlockcert({"stitch", path(), "--tokens"});
    EXPECT_EQ(tokens.status, 2);
    EXPECT_THAT(tokens.err, HasSubstr("add --json"));
    const Outcome empty = runBlockcert({"stitch", path(), "--blocks", ""});
    EXPECT_EQ(empty.status, 2);
    EXPECT_THAT(empty.err, HasSubstr("stitch: --blocks is empty"));
    EXPECT_EQ(runBlockcert({"stitch", "/no/such"}).status, 3);
    EXPECT_EQ(runBlockcert({"stitch"}).status, 2);
}
