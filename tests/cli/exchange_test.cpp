// Imports, anatomies and exports as a user meets them: the whole road without LibTorch, on a trace of transformers.

#include "tests/cli/program_runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

using namespace blockcert;
using namespace blockcert::tests;
using testing::HasSubstr;

namespace {

namespace fs = std::filesystem;

std::string data(const std::string& path)
{
    return (fs::path(std::getenv("BLOCKCERT_TEST_DATA")) / path).string();
}

class ImportedRun : public testing::Test {
protected:
    void SetUp() override
    {
        const Outcome outcome = runBlockcert({"import", "trace", data("traces/llama-gqa.safetensors"), "--model",
                                              data("models/llama-gqa"), "-o", path(), "--json"});
        ASSERT_EQ(outcome.status, 0) << outcome.err;
        m_result = outcome.json();
    }

    [[nodiscard]] std::string path() const { return (m_folder / "mine.blockcert").string(); }

    TemporaryFolder m_folder;
    Json m_result;
};

}

TEST_F(ImportedRun, IsShownAndVerifiedLikeAnyOther)
{
    EXPECT_EQ(m_result.at("blocks").size(), 3U);
    EXPECT_EQ(m_result.at("complete"), true);
    const Outcome shown = runBlockcert({"show", path()});
    EXPECT_EQ(shown.status, 0);
    EXPECT_THAT(shown.out, HasSubstr("fp32 baseline of transformers 5.24.0"));
    EXPECT_THAT(shown.out, HasSubstr("recorded no losses"));
    EXPECT_THAT(shown.out, HasSubstr("blocks 0–2: no loss coverage")) << "one line for one reason";
    const Outcome verified = runBlockcert({"verify", path(), "--level", "4", "--json"});
    EXPECT_EQ(verified.status, 6) << verified.out;
    EXPECT_EQ(verified.json().at("verdict"), "weaker_than_policy");
    const std::string command = m_result.at("command");
    EXPECT_THAT(command, testing::StartsWith("blockcert import trace "));
    EXPECT_THAT(command, HasSubstr("--model"));
}

TEST_F(ImportedRun, HasAnAnatomyBesideIt)
{
    const Outcome outcome = runBlockcert({"failures", path(), "--json"});
    ASSERT_EQ(outcome.status, 0) << outcome.err;
    const Json anatomy = outcome.json();
    EXPECT_EQ(anatomy.at("blocks").size(), 3U);
    EXPECT_EQ(anatomy.at("files").at("json"), (m_folder / "mine.failures/failures.json").string());
    Json written = parseStrictJson(readFile(m_folder / "mine.failures/failures.json"), "failures.json");
    written["files"] = anatomy.at("files");
    EXPECT_EQ(written, anatomy);
    EXPECT_EQ(runBlockcert({"verify", path(), "--level", "1"}).status, 6) << "the run is as it was";

    const Outcome text = runBlockcert({"failures", path(), "-o", (m_folder / "elsewhere").string()});
    EXPECT_EQ(text.status, 0);
    EXPECT_THAT(text.out, HasSubstr("The worst tokens"));
    EXPECT_THAT(text.out, HasSubstr("failures.csv"));
    EXPECT_TRUE(fs::exists(m_folder / "elsewhere/failures.csv"));
    for (const std::vector<std::string>& wrong : std::vector<std::vector<std::string>>{
             {"failures", path(), "-o", path() + "/inside"}, {"failures", path(), "--tests", "3"}}) {
        const Outcome refused = runBlockcert(wrong);
        EXPECT_EQ(refused.status, 2);
        EXPECT_EQ(std::ranges::count(refused.err, '\n'), 1) << refused.err;
    }
}

TEST_F(ImportedRun, IsExportedForOtherTools)
{
    const Outcome both = runBlockcert({"export", "csv", path(), "-o", (m_folder / "tables").string(), "--json"});
    EXPECT_EQ(both.status, 0) << both.err;
    EXPECT_EQ(both.json().at("files").size(), 2U);
    EXPECT_THAT(readFile(m_folder / "tables/blocks.csv"), testing::StartsWith("block,certified,"));
    const std::string one = (m_folder / "one.csv").string();
    EXPECT_EQ(runBlockcert({"export", "csv", path(), "-o", one}).status, 0);
    EXPECT_EQ(readFile(one), readFile(m_folder / "tables/tokens.csv"));
    EXPECT_EQ(runBlockcert({"export", "csv", path(), "-o", one, "--table", "blocks"}).status, 0);
    EXPECT_EQ(readFile(one), readFile(m_folder / "tables/blocks.csv"));

    const Outcome arrays = runBlockcert({"export", "npz", path(), "-o", (m_folder / "arrays").string()});
    EXPECT_EQ(arrays.status, 0) << arrays.err;
    EXPECT_TRUE(fs::exists(m_folder / "arrays/block_02.npz"));
    EXPECT_EQ(runBlockcert({"export", "npz", path(), "-o", path()}).status, 2);
    // Files of two runs are never mixed, and no folder gets the name of a text file.
    const std::string before = readFile(m_folder / "arrays/block_02.npz");
    for (const std::vector<std::string>& wrong :
         std::vector<std::vector<std::string>>{{"export", "npz", path(), "-o", (m_folder / "arrays").string()},
                                               {"export", "csv", path(), "-o", (m_folder / "tables").string()},
                                               {"export", "npz", path(), "-o", one},
                                               {"export", "csv", path(), "-o", (m_folder / "table.txt").string()}}) {
        const Outcome refused = runBlockcert(wrong);
        EXPECT_EQ(refused.status, 2) << wrong[4];
        EXPECT_EQ(std::ranges::count(refused.err, '\n'), 1) << refused.err;
    }
    EXPECT_EQ(readFile(m_folder / "arrays/block_02.npz"), before);
    EXPECT_FALSE(fs::exists(m_folder / "table.txt"));
    EXPECT_EQ(runBlockcert({"export", "npz", path(), "-o", one, "--table", "blocks"}).status, 2);
    EXPECT_EQ(runBlockcert({"export", "csv", (m_folder / "nowhere").string(), "-o", one}).status, 3);
}

TEST(Import, RefusesInOneSentence)
{
    const TemporaryFolder folder;
    const std::string run = (folder / "run").string();
    const auto refused = [&](const std::vector<std::string>& arguments, int status) {
        std::vector<std::string> quietly = arguments;
        quietly.push_back("--quiet");
        const Outcome outcome = runBlockcert(quietly);
        EXPECT_EQ(outcome.status, status) << outcome.err;
        EXPECT_EQ(std::ranges::count(outcome.err, '\n'), 1) << outcome.err;
        EXPECT_FALSE(fs::exists(fs::path(run) / "SHA256SUMS"));
    };
    const std::string model = data("models/llama-gqa");
    refused({"import", "trace", data("traces/nothing.safetensors"), "--model", model, "-o", run}, 3);
    refused({"import", "trace", data("models/gpt2/model.safetensors"), "--model", model, "-o", run}, 3);
    refused({"import", "trace", data("traces/llama-gqa.safetensors"), "--model", model, "-o", run, "--blocks", "7"}, 2);
    refused({"import", "trace", data("traces/llama-gqa.safetensors"), "--model", model, "-o", run, "--alpha-act", "2"},
            2);
    refused({"import", "picture", data("traces/llama-gqa.safetensors"), "--model", model, "-o", run}, 2);
    refused({"import", "trace", data("traces/llama-gqa.safetensors"), "-o", run}, 2);
}
