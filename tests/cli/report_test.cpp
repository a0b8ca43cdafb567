// `blockcert report` as a user meets it: one page about runs, honest about what was recomputed.

#include "engine/base/sha256.h"
#include "tests/certificate/tiny_run.h"
#include "tests/cli/program_runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

using namespace blockcert;
using namespace blockcert::tests;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
namespace tiny = blockcert::certificate::tiny;

namespace {

namespace fs = std::filesystem;

const std::vector<std::string> fixedTime = {"SOURCE_DATE_EPOCH=1700000000"};

class ReportedRuns : public testing::Test {
protected:
    std::string run(const std::string& name, const tiny::Options& options = {})
    {
        tiny::write(tiny::make(options), m_folder / name);
        return (m_folder / name).string();
    }

    std::string page(std::vector<std::string> arguments, int status = 0)
    {
        arguments.insert(arguments.begin(), "report");
        arguments.insert(arguments.end(), {"-o", (m_folder / "page.html").string(), "--json"});
        const Outcome outcome = runBlockcert(arguments, fixedTime);
        EXPECT_EQ(outcome.status, status) << outcome.out << outcome.err;
        if (outcome.status != status)
            return "";
        m_result = outcome.json();
        return readFile(m_folder / "page.html");
    }

    TemporaryFolder m_folder;
    Json m_result;
};

void flipByte(const fs::path& path)
{
    std::string bytes = readFile(path);
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
    writeFile(path, bytes);
}

}

TEST_F(ReportedRuns, AreClaimedUnlessTheVeryCallVerifiesThem)
{
    const std::string path = run("a.blockcert");
    const std::string claimed = page({path});
    EXPECT_THAT(claimed, HasSubstr("claimed, not verified here"));
    EXPECT_THAT(claimed, HasSubstr("claims to be certified"));
    EXPECT_THAT(claimed, Not(HasSubstr("class=\"statement verified\"")));
    EXPECT_TRUE(m_result.at("runs")[0].at("verdict").is_null());
    const std::string verified = page({path, "--verify", "3"});
    EXPECT_THAT(verified, HasSubstr("class=\"statement verified\""));
    EXPECT_THAT(verified, HasSubstr("Verified at level 3"));
    EXPECT_THAT(verified, Not(HasSubstr("claims to be certified")));
    EXPECT_EQ(m_result.at("runs")[0].at("level"), 3);
    EXPECT_EQ(m_result.at("sha256"), sha256Of(verified));
}

TEST_F(ReportedRuns, SetLossesThatNobodyRecomputedApartFromWhatWasVerified)
{
    const std::string verified = page({run("a.blockcert"), "--verify", "3"});
    EXPECT_THAT(verified, HasSubstr("yes, losses claimed"));
    EXPECT_THAT(verified, HasSubstr("Losses claimed: errors were recomputed"));
    EXPECT_THAT(page({run("b.blockcert")}), Not(HasSubstr("losses claimed"))) << "there everything is";
}

TEST_F(ReportedRuns, AreStillClaimedWhereOnlyDigestsWereCompared)
{
    const std::string html = page({run("a.blockcert"), "--verify", "1"});
    EXPECT_THAT(html, HasSubstr("claimed, not verified here"));
    EXPECT_THAT(html, HasSubstr("claims to be certified"));
    EXPECT_THAT(html, Not(HasSubstr("class=\"statement verified\"")));
    EXPECT_EQ(m_result.at("runs")[0].at("level"), 1);
}

TEST_F(ReportedRuns, HoldDigestsFiguresAndCommands)
{
    const std::string path = run("a b.blockcert");
    const std::string html = page({path});
    EXPECT_THAT(html, HasSubstr(sha256Of(readFile(fs::path(path) / "SHA256SUMS"))));
    EXPECT_THAT(html, HasSubstr(sha256Of(readFile(fs::path(path) / "block_00/certificate.json"))));
    EXPECT_THAT(html, HasSubstr("Error and coverage by block"));
    EXPECT_THAT(html, HasSubstr("Largest error by prompt and block"));
    EXPECT_THAT(html, HasSubstr("blockcert verify &#39;a b.blockcert&#39;"));
    EXPECT_THAT(html, HasSubstr("2023-11-14T22:13:20Z"));
}

TEST_F(ReportedRuns, GiveTheSameBytesAgain)
{
    const std::string path = run("a.blockcert");
    EXPECT_EQ(page({path, "--verify", "3"}), page({path, "--verify", "3"}));
    EXPECT_EQ(page({path, "--verify", "2", "--seed", "7"}), page({path, "--verify", "2", "--seed", "7"}));
}

TEST_F(ReportedRuns, WithAFailedVerdictAreWrittenAndExitAsVerifyDoes)
{
    const std::string path = run("a.blockcert");
    flipByte(fs::path(path) / "block_01/probes.h5");
    const std::string html = page({path, "--verify", "1"}, 1);
    EXPECT_THAT(html, HasSubstr("class=\"statement failed\""));
    EXPECT_THAT(html, HasSubstr("What did not hold"));
    EXPECT_THAT(html, HasSubstr("claims to be certified"));
}

TEST_F(ReportedRuns, ShowHostilePromptsAsText)
{
    tiny::Options options;
    options.texts = {"<script>alert(1)</script>", "the \"quick\" & <b>brown</b> fox"};
    const std::string html = page({run("a.blockcert", options), "--verify", "3"});
    EXPECT_THAT(html, AllOf(Not(HasSubstr("<script")), Not(HasSubstr("<b>brown"))));
    EXPECT_THAT(html, HasSubstr("&lt;script&gt;alert(1)&lt;/script&gt;"));
}

TEST_F(ReportedRuns, LeavePromptsOutWhenAsked)
{
    tiny::Options options;
    options.texts = {"confidential words", "another secret"};
    const std::string path = run("a.blockcert", options);
    EXPECT_THAT(page({path}), HasSubstr("confidential words"));
    flipByte(fs::path(path) / "block_01/probes.h5");
    for (const std::string level : {"1", "3"}) {
        const std::string html = page({path, "--redact-prompts", "--verify", level}, 1);
        for (const char* word : {"confidential", "secret", "“"})
            EXPECT_THAT(html, Not(HasSubstr(word))) << level;
        EXPECT_THAT(html, HasSubstr("redacted"));
        EXPECT_THAT(html, HasSubstr("prompt 1, token"));
    }
}

TEST_F(ReportedRuns, StandSideBySide)
{
    tiny::Options broken;
    broken.ablation.kind = Ablation::Kind::ZeroValues;
    const std::string html = page({run("a.blockcert"), run("b.blockcert", broken)});
    EXPECT_THAT(html, HasSubstr("Overview"));
    EXPECT_THAT(html, HasSubstr("2 runs"));
    EXPECT_THAT(html, HasSubstr("is not certified: activation coverage"));
    EXPECT_EQ(m_result.at("runs").size(), 2U);
}

TEST_F(ReportedRuns, AreNeverWrittenInto)
{
    const std::string path = run("a.blockcert");
    const Outcome outcome = runBlockcert({"report", path, "-o", path + "/page.html"});
    EXPECT_EQ(outcome.status, 2);
    EXPECT_FALSE(fs::exists(path + "/page.html"));
    EXPECT_EQ(runBlockcert({"report", path, "-o", path + ".html", "--model", "demo"}).status, 2);
    EXPECT_EQ(runBlockcert({"report", "-o", path + ".html"}).status, 2);
    EXPECT_EQ(runBlockcert({"report", path + "-not", "-o", path + ".html"}).status, 3);
}
