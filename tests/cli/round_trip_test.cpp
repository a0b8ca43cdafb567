// The whole road on the demo model: certify, show, verify, interrupt, resume, and what a flipped byte does.

#include "tests/cli/program_runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <fstream>
#include <functional>
#include <sstream>
#include <thread>

using namespace blockcert;
using namespace blockcert::tests;
using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

namespace {

// One run of block 3 for all tests that only look at it.
class FinishedRun : public testing::Test {
protected:
    static void SetUpTestSuite()
    {
        s_folder = new TemporaryFolder;
        s_outcome =
            new Outcome(runBlockcert({"certify", "demo", "--blocks", "3", "--prompts", "base", "-o", path(), "--json"},
                                     {"SOURCE_DATE_EPOCH=1700000000"}));
    }

    static void TearDownTestSuite()
    {
        delete s_outcome;
        delete s_folder;
    }

    static std::string path() { return (*s_folder / "run").string(); }

    static const Outcome& outcome() { return *s_outcome; }

private:
    static TemporaryFolder* s_folder;
    static Outcome* s_outcome;
};

TemporaryFolder* FinishedRun::s_folder = nullptr;
Outcome* FinishedRun::s_outcome = nullptr;

const std::vector<std::string> twoBlocks = {"certify",   "demo", "--blocks", "2,7",
                                            "--prompts", "base", "--loss",   "none"};

std::vector<std::string> with(std::vector<std::string> arguments, std::initializer_list<std::string> more)
{
    arguments.insert(arguments.end(), more);
    return arguments;
}

bool waitFor(const std::function<bool()>& condition)
{
    for (int i = 0; i < 6000 && !condition(); ++i)
        std::this_thread::sleep_for(10ms);
    return condition();
}

std::string artifactsOf(const std::filesystem::path& run)
{
    std::string bytes;
    for (const char* block : {"block_02", "block_07"})
        for (const char* file : {"ir.h5", "probes.h5"})
            bytes += readFile(run / block / file) + "|";
    return bytes;
}

}

TEST_F(FinishedRun, GivesTheDocumentedResult)
{
    ASSERT_EQ(outcome().status, 0) << outcome().err;
    const Json result = outcome().json();
    EXPECT_EQ(result.at("run"), path());
    EXPECT_EQ(result.at("complete"), true);
    ASSERT_EQ(result.at("blocks").size(), 1U);
    const Json& row = result.at("blocks")[0];
    EXPECT_EQ(row.at("block"), 3);
    EXPECT_EQ(row.at("certified"), true);
    // An exact copy of an fp32 baseline, replayed in double: rounding alone.
    EXPECT_GT(row.at("epsilon"), 0.0);
    EXPECT_LT(row.at("relative").at("epsilon"), 1e-5);
    EXPECT_EQ(row.at("path_coverage"), 1.0);
    EXPECT_GT(result.at("seconds"), 0.0);
    EXPECT_EQ(result.at("command"), "blockcert certify demo --blocks 3 --prompts base -o " + path());
}

TEST_F(FinishedRun, IsShownWithTheSameNumbers)
{
    const Json shown = runBlockcert({"show", path(), "--json"}).json();
    const Json result = outcome().json();
    for (const char* key : {"block", "certified", "epsilon", "mae", "activation_coverage", "path_coverage",
                            "loss_coverage", "quantiles", "worst"})
        EXPECT_EQ(shown.at("blocks")[0].at(key), result.at("blocks")[0].at(key)) << key;
    EXPECT_EQ(shown.at("manifest").at("created"), "2023-11-14T22:13:20Z");
    const Outcome text = runBlockcert({"show", path()});
    EXPECT_EQ(text.status, 0);
    EXPECT_THAT(text.out, HasSubstr("1 of 1 block certified"));
    EXPECT_THAT(text.out, HasSubstr("blockcert verify " + path()));
}

TEST_F(FinishedRun, NamesTheTokensOfTheTopFive)
{
    const Json shown = runBlockcert({"show", path(), "--json", "--tokens"}).json();
    ASSERT_EQ(shown.at("cells").size(), 4U);
    const Json& top = shown.at("cells")[0].at("top_base")[0];
    ASSERT_EQ(top.size(), 5U);
    EXPECT_FALSE(top[0][1].get<std::string>().empty());
    EXPECT_GE(top[0][2], top[4][2]);
}

TEST_F(FinishedRun, IsVerifiedAtLevelThree)
{
    const Outcome outcome = runBlockcert({"verify", path(), "--json", "-o", path() + ".verdict.json"});
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    const Json verdict = outcome.json();
    EXPECT_EQ(verdict.at("verdict"), "verified");
    EXPECT_EQ(verdict.at("level"), 3);
    EXPECT_EQ(verdict.at("scope").at("layers"), 30);
    EXPECT_EQ(parseStrictJson(readFile(path() + ".verdict.json"), "verdict.json"), verdict);
    const Outcome text = runBlockcert({"verify", path()});
    EXPECT_THAT(text.out, testing::StartsWith("✓ Verified at level 3"));
    EXPECT_THAT(text.out, HasSubstr("issuer says"));
    EXPECT_THAT(text.out, HasSubstr("sha256sum -c SHA256SUMS"));
}

TEST_F(FinishedRun, EndsItsStreamWithTheVerdict)
{
    const auto lines = runBlockcert({"verify", path(), "--jsonl"}).jsonLines();
    ASSERT_GE(lines.size(), 2U);
    for (std::size_t i = 0; i + 1 < lines.size(); ++i)
        EXPECT_TRUE(lines[i].contains("progress")) << i;
    EXPECT_EQ(lines.back().at("verdict").at("verdict"), "verified");
}

TEST_F(FinishedRun, IsNeverCalledVerifiedAtLevelZero)
{
    const Outcome outcome = runBlockcert({"verify", "--level", "0", path(), "--json"});
    EXPECT_EQ(outcome.status, 5);
    EXPECT_EQ(outcome.json().at("verdict"), "not_checked");
}

TEST_F(FinishedRun, IsRefusedAsAnotherModelsRun)
{
    const Outcome outcome =
        runBlockcert({"verify", path(), "--level", "1", "--expect-model", std::string(64, '0'), "--json"});
    EXPECT_EQ(outcome.status, 1);
    EXPECT_EQ(outcome.json().at("verdict"), "failed");
}

TEST_F(FinishedRun, IsJudgedByThePolicyGiven)
{
    writeFile(path() + ".policy.json", R"({"schema": "blockcert.policy/1", "tau_act": 0, "alpha_act": 1})");
    const Outcome outcome = runBlockcert({"verify", path(), "--policy", path() + ".policy.json", "--json"});
    EXPECT_EQ(outcome.status, 6);
    EXPECT_EQ(outcome.json().at("verdict"), "weaker_than_policy");
}

TEST_F(FinishedRun, IsNotWhereItsVerdictMayBeWritten)
{
    const std::string before = readFile(path() + "/run.json");
    for (const std::string& out : {path() + "/run.json", path() + "/verdict.json", path()}) {
        const Outcome outcome = runBlockcert({"verify", path(), "-o", out});
        EXPECT_EQ(outcome.status, 2) << out;
        EXPECT_THAT(outcome.err, HasSubstr("choose a place outside it")) << out;
    }
    EXPECT_EQ(readFile(path() + "/run.json"), before);
    EXPECT_FALSE(std::filesystem::exists(path() + "/verdict.json"));
    const Outcome nowhere = runBlockcert({"verify", path(), "-o", path() + ".no/such/verdict.json"});
    EXPECT_EQ(nowhere.status, 7);
    EXPECT_THAT(nowhere.err, HasSubstr("No such file or directory"));
    EXPECT_EQ(nowhere.out, ""); // said before anything is recomputed
}

TEST_F(FinishedRun, FailsWithTheReasonWhenAByteIsFlipped)
{
    const std::filesystem::path copy = path() + ".flipped";
    std::filesystem::copy(path(), copy, std::filesystem::copy_options::recursive);
    const auto probes = copy / "block_03/probes.h5";
    std::fstream file(probes, std::ios::in | std::ios::out | std::ios::binary);
    const auto middle = static_cast<std::streamoff>(std::filesystem::file_size(probes) / 2);
    file.seekg(middle);
    const char byte = static_cast<char>(file.get() ^ 0x10);
    file.seekp(middle);
    file.put(byte);
    file.close();
    const Outcome outcome = runBlockcert({"verify", copy.string()});
    EXPECT_EQ(outcome.status, 1);
    EXPECT_THAT(outcome.out, testing::StartsWith("✗ Failed"));
    EXPECT_THAT(outcome.out, HasSubstr("block_03/probes.h5"));
}

TEST_F(FinishedRun, FitsANarrowTerminal)
{
    for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
             {"show", path()}, {"show", path(), "--tokens"}, {"verify", path(), "--quiet"}}) {
        const Outcome outcome = runOnTerminal(arguments, {"NO_COLOR=1"}, 80);
        EXPECT_EQ(outcome.status, 0);
        std::istringstream lines(outcome.out);
        for (std::string line; std::getline(lines, line);) {
            const bool isCommand = line.find(path()) != std::string::npos; // left whole, so that it can be copied
            const auto columns = std::ranges::count_if(line, [](char c) { return (c & 0xC0) != 0x80 && c != '\r'; });
            EXPECT_TRUE(isCommand || columns <= 80) << columns << ": " << line;
        }
        EXPECT_THAT(outcome.out, HasSubstr(arguments[0] == "show" ? ", token " : "Quantiles"));
    }
}

TEST_F(FinishedRun, IsShownWholeWhereThereIsNoTerminal)
{
    const Outcome outcome = runBlockcert({"show", path()});
    const Json worst = FinishedRun::outcome().json().at("blocks")[0].at("worst");
    EXPECT_THAT(outcome.out, HasSubstr(", token " + worst.at("token").dump() + "\n"));
    EXPECT_THAT(outcome.out, Not(HasSubstr("…")));
}

TEST_F(FinishedRun, IsNamedInCommandsThatAShellReads)
{
    const std::string odd = path() + "'s \n\x1b[31mcopy";
    std::filesystem::copy(path(), odd, std::filesystem::copy_options::recursive);
    for (const std::vector<std::string>& arguments :
         std::vector<std::vector<std::string>>{{"show", odd}, {"verify", odd, "--level", "1", "--quiet"}}) {
        const std::string out = runBlockcert(arguments).out;
        EXPECT_THAT(out, Not(HasSubstr("\x1b")));
        const std::size_t at = out.find("blockcert verify $'");
        ASSERT_NE(at, std::string::npos) << out;
        const std::string command = out.substr(at, out.find('\n', at) - at);
        const Outcome repeated = runShell(command + " --quiet --json");
        EXPECT_EQ(repeated.json().at("run"), odd) << command;
    }
}

TEST_F(FinishedRun, HasAnAnatomyAndAShorterPromptThatFails)
{
    const std::string out = path() + ".anatomy";
    const Json anatomy = runBlockcert({"failures", path(), "-o", out, "--json"}).json();
    ASSERT_FALSE(anatomy.at("failures").empty());
    const double largest = anatomy.at("blocks")[0].at("epsilon");
    for (const Json& row : anatomy.at("failures"))
        EXPECT_TRUE(row.at("key_norm").is_object()) << "the weights are the demo model's";
    const Json& worst = anatomy.at("blocks")[0].at("worst");
    const Outcome outcome = runBlockcert({"failures", path(), "-o", out, "--minimise", worst.at("prompt").dump(),
                                          "--above", Json(largest / 2).dump(), "--tests", "40", "--json"});
    ASSERT_EQ(outcome.status, 0) << outcome.err;
    const Json shorter = outcome.json();
    EXPECT_LT(shorter.at("after").at("tokens"), shorter.at("before").at("tokens"));
    EXPECT_GT(shorter.at("after").at("error"), largest / 2);
    EXPECT_EQ(readFile(out + "/minimised.jsonl"), shorter.at("line").get<std::string>() + "\n");
}

TEST_F(FinishedRun, IsNotOverwrittenByAnother)
{
    const Outcome outcome = runBlockcert({"certify", "demo", "--blocks", "4", "--prompts", "base", "-o", path()});
    EXPECT_NE(outcome.status, 0);
    EXPECT_THAT(outcome.err, HasSubstr("--resume"));
}

// At its second token a massive activation half switches on, and lets rounding grow further than on the prompts that
// allowances were measured on: level 4 weighs that, and finds nothing wrong with an honest run.
TEST(Certify, IsVerifiedWhereTheModelCarriesRoundingFurther)
{
    const TemporaryFolder folder;
    std::ofstream(folder / "five.jsonl") << R"({"id": "five", "text": "Five plus five equals"})"
                                         << "\n";
    for (const char* dtype : {"fp16", "bf16"}) {
        const std::string run = (folder / dtype).string();
        ASSERT_EQ(runBlockcert({"certify", "demo", "--blocks", "11,29", "--prompts", (folder / "five.jsonl").string(),
                                "--dtype", dtype, "-o", run, "--quiet"})
                      .status,
                  0);
        const Outcome verified = runBlockcert({"verify", run, "--level", "4", "--json"});
        EXPECT_EQ(verified.status, 6) << verified.out; // the policy's ε is an fp32 baseline's
        const Json verdict = verified.json();
        std::string how;
        for (const Json& row : verdict.at("checks")) {
            EXPECT_NE(row.at("state"), "failed") << row.dump();
            if (row.at("id") == "model.states")
                how += row.at("how").get<std::string>();
        }
        EXPECT_THAT(how, testing::AnyOf(HasSubstr("times that at"), HasSubstr("not compared at"))) << dtype;
    }
}

TEST(Certify, StopsOnCtrlCSaysHowToResumeAndGivesTheSameBytesInTheEnd)
{
    const TemporaryFolder folder;
    const std::string whole = (folder / "whole").string();
    const std::string broken = (folder / "broken").string();
    ASSERT_EQ(runBlockcert(with(twoBlocks, {"-o", whole, "--quiet"})).status, 0);

    Process process("blockcert", with(twoBlocks, {"-o", broken, "--jsonl"}));
    // The first finished cell shows that there is something to resume.
    ASSERT_TRUE(
        waitFor([&] { return process.outputSoFar().find("\"cell\"") != std::string::npos || !process.isRunning(); }));
    process.signal(SIGINT);
    const Outcome stopped = process.wait();
    if (stopped.status == 0)
        GTEST_FAIL() << "the run was over before it could be stopped";
    EXPECT_EQ(stopped.status, 130) << stopped.err;
    EXPECT_THAT(stopped.err, HasSubstr("continue with:\n  blockcert certify demo --blocks 2,7"));
    EXPECT_THAT(stopped.err, HasSubstr("--resume"));
    EXPECT_EQ(stopped.jsonLines().back().at("error").at("exit_code"), 130);
    const Json unfinished = runBlockcert({"show", broken, "--json"}).json();
    EXPECT_EQ(unfinished.at("complete"), false);
    EXPECT_EQ(unfinished.at("resumable"), true);
    EXPECT_THAT(runBlockcert({"show", broken}).out, HasSubstr("Unfinished"));

    const Outcome refused = runBlockcert(with(twoBlocks, {"-o", broken, "--resume", "--dtype", "bf16"}));
    EXPECT_EQ(refused.status, 2);
    EXPECT_THAT(refused.err, HasSubstr("dtype"));

    const Outcome resumed = runBlockcert(with(twoBlocks, {"-o", broken, "--resume"}));
    EXPECT_EQ(resumed.status, 0) << resumed.err;
    EXPECT_EQ(artifactsOf(broken), artifactsOf(whole));

    std::filesystem::remove(std::filesystem::path(whole) / "SHA256SUMS");
    const std::string taken = runBlockcert({"show", whole}).out;
    EXPECT_THAT(taken, HasSubstr("SHA256SUMS, is missing")) << "its blocks were all measured";
    EXPECT_THAT(taken, Not(HasSubstr("Unfinished")));
}

TEST(Certify, SaysHowToResumeEvenWhenEndedAtOnce)
{
    const TemporaryFolder folder;
    Process process("blockcert", with(twoBlocks, {"-o", (folder / "run").string(), "--jsonl"}));
    ASSERT_TRUE(
        waitFor([&] { return process.outputSoFar().find("\"cell\"") != std::string::npos || !process.isRunning(); }));
    process.signal(SIGINT);
    process.signal(SIGTERM); // another signal: two equal ones may arrive as one
    const Outcome stopped = process.wait();
    EXPECT_EQ(stopped.status, 130) << stopped.err;
    EXPECT_THAT(stopped.err, HasSubstr("continue with:\n  blockcert certify demo --blocks 2,7"));
    EXPECT_EQ(runBlockcert(with(twoBlocks, {"-o", (folder / "run").string(), "--resume"})).status, 0);
}

TEST(Certify, TreatsAFileThatMayNotGrowAsAFullDisk)
{
    const TemporaryFolder folder;
    const std::string run = (folder / "run").string();
    const std::string command = "blockcert certify demo --blocks 2 --prompts base --loss none --quiet -o " + run;
    const Outcome limited = runShell("ulimit -f 100; exec " + command); // 100 kB
    EXPECT_EQ(limited.status, 7) << limited.err;
    EXPECT_THAT(limited.err, HasSubstr(run));
    const Outcome resumed = runShell("exec " + command + " --resume");
    EXPECT_EQ(resumed.status, 0) << resumed.err;
}

TEST(Certify, DoesNotTakeAFileForItsFolder)
{
    const TemporaryFolder folder;
    writeFile(folder / "file", "mine");
    const Outcome outcome =
        runBlockcert({"certify", "demo", "--blocks", "0", "--prompts", "base", "-o", (folder / "file").string()});
    EXPECT_EQ(outcome.status, 2);
    EXPECT_THAT(outcome.err, HasSubstr("is a file"));
    EXPECT_EQ(readFile(folder / "file"), "mine");
}

TEST(Certify, SaysThatItsFolderIsGone)
{
    const Outcome outcome =
        runShell("d=$(mktemp -d); cd $d; rmdir $d; exec blockcert evaluate demo --prompts base --quiet");
    EXPECT_EQ(outcome.status, 3);
    EXPECT_THAT(outcome.err, HasSubstr("current folder"));
}

TEST(Certify, SaysAHonestNoAndFailsOnlyWhenAsked)
{
    const TemporaryFolder folder;
    const std::vector<std::string> impossible = {"certify",   "demo", "--blocks", "0",
                                                 "--prompts", "base", "--loss",   "none"};
    const Outcome no = runBlockcert(with(impossible, {"-o", (folder / "a").string()}));
    EXPECT_EQ(no.status, 0) << no.err;
    EXPECT_THAT(no.out, HasSubstr("Not certified, because"));
    EXPECT_THAT(no.out, HasSubstr("Loss coverage was not measured"));
    EXPECT_EQ(runBlockcert(with(impossible, {"-o", (folder / "b").string(), "--require-certified"})).status, 6);
    EXPECT_EQ(runBlockcert({"verify", (folder / "a").string()}).status, 6);
}

TEST(Certify, EstimatesWithoutWriting)
{
    const TemporaryFolder folder;
    const std::string path = (folder / "run").string();
    const Outcome outcome =
        runBlockcert({"certify", "demo", "--blocks", "all", "--prompts", "base", "-o", path, "--dry-run", "--json"});
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_EQ(outcome.json().at("cells"), 120);
    EXPECT_GT(outcome.json().at("memory_bytes"), 0);
    EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(Certify, RefusesWhatThisVersionDoesNotDo)
{
    const TemporaryFolder folder;
    const std::vector<std::string> plain = {"certify",   "demo", "--blocks", "0",
                                            "--prompts", "base", "-o",       (folder / "run").string()};
    EXPECT_EQ(runBlockcert(with(plain, {"--surrogate", "low-rank:0"})).status, 2);
    EXPECT_EQ(runBlockcert(with(plain, {"--ablate", "everything"})).status, 2);
    EXPECT_EQ(runBlockcert(with(plain, {"--alpha-act", "2"})).status, 2);
    EXPECT_EQ(runBlockcert({"certify", "demo", "--blocks", "30", "--prompts", "base", "-o", (folder / "run").string()})
                  .status,
              2);
    EXPECT_FALSE(std::filesystem::exists(folder / "run"));
}

TEST(Certify, SaysThatABf16BaselineNeedsTheRelativeMeasure)
{
    const TemporaryFolder folder;
    const Outcome outcome = runBlockcert({"certify", "demo", "--blocks", "10", "--prompts", "base", "--loss", "none",
                                          "--dtype", "bf16", "-o", (folder / "run").string()});
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_THAT(outcome.out, HasSubstr("The baseline ran in bf16"));
    EXPECT_THAT(outcome.out, HasSubstr("--error relative-l2"));
}

TEST(Evaluate, GivesALossForEveryTokenButTheFirst)
{
    const Json result = runBlockcert({"evaluate", "demo", "--prompts", "base", "--json"}).json();
    ASSERT_EQ(result.at("prompts").size(), 4U);
    for (const Json& prompt : result.at("prompts")) {
        EXPECT_EQ(prompt.at("nll").size(), prompt.at("token_ids").size());
        EXPECT_EQ(prompt.at("nll")[0], nullptr);
    }
    EXPECT_NEAR(std::log(result.at("perplexity").get<double>()), result.at("mean_nll").get<double>(), 1e-9);
    EXPECT_THAT(runBlockcert({"evaluate", "demo", "--prompts", "base"}).out, HasSubstr("perplexity"));
}

TEST(Evaluate, SaysThatASingleTokenHasNoLoss)
{
    const TemporaryFolder folder;
    writeFile(folder / "p.jsonl", "{\"id\": \"a\", \"token_ids\": [504]}\n");
    const std::string prompts = (folder / "p.jsonl").string();
    const Outcome text = runBlockcert({"evaluate", "demo", "--prompts", prompts});
    EXPECT_EQ(text.status, 0) << text.err;
    EXPECT_THAT(text.out, HasSubstr("No loss"));
    const Json json = runBlockcert({"evaluate", "demo", "--prompts", prompts, "--json"}).json();
    EXPECT_EQ(json.at("mean_nll"), nullptr);
}

TEST(Generate, AnswersAsTheModelDoes)
{
    const TemporaryFolder folder;
    writeFile(folder / "p.jsonl",
              R"({"id": "q", "messages": [{"role": "user", "content": "What is the capital of France?"}]})"
              "\n");
    const Json result = runBlockcert({"generate", "demo", "--prompts", (folder / "p.jsonl").string(), "--json"}).json();
    // The greedy answer of another implementation on this file.
    EXPECT_EQ(result.at("prompts")[0].at("text"), "The capital of France is Paris.");
    EXPECT_EQ(result.at("prompts")[0].at("stopped"), "eos");
}

TEST(Doctor, IsInterruptedAsAWhole)
{
    // Once the engine is there, the process group gets the signal, as with Ctrl+C; the engine has a group of its own.
    const Outcome outcome = runShell("cd $(mktemp -d); setsid blockcert doctor --json > out 2> err & doctor=$!; "
                                     "for i in {1..1000}; do read -r engine < /proc/$doctor/task/$doctor/children; "
                                     "[ -n \"$engine\" ] && break; sleep 0.01; done; kill -TERM -- -$doctor; "
                                     "wait $doctor; status=$?; cat out; cat err >&2; rm -rf $PWD; exit $status");
    EXPECT_EQ(outcome.status, 130) << outcome.out;
    EXPECT_EQ(outcome.json().at("error").at("kind"), "interrupted");
    EXPECT_EQ(outcome.err, "Stopping; Ctrl+C once more ends at once.\nInterrupted.\n");
}

TEST(Doctor, FindsThisInstallationWell)
{
    const Outcome outcome = runBlockcert({"doctor", "--json"});
    const Json report = outcome.json();
    EXPECT_EQ(outcome.status, 0) << report.dump(2);
    EXPECT_EQ(report.at("ok"), true);
    EXPECT_FALSE(report.at("engine").is_null());
}

// The tiny model with another rope_theta in its configuration.
TEST(OtherCheckpoints, AreToldApartBeforeAnythingIsComputed)
{
    namespace fs = std::filesystem;
    const TemporaryFolder folder;
    const fs::path model = fs::path(std::getenv("BLOCKCERT_TEST_DATA")) / "models/llama-gqa";
    const fs::path other = folder / "other";
    fs::copy(model, other, fs::copy_options::recursive);
    Json config = parseStrictJson(readFile(other / "config.json"), "config.json");
    config["rope_theta"] = 77777.0;
    writeFile(other / "config.json", config.dump());
    const std::vector<std::string> words = {"certify",     model.string(),
                                            "--blocks",    "0",
                                            "--prompts",   "base",
                                            "--loss",      "none",
                                            "--surrogate", "checkpoint:" + other.string(),
                                            "-o",          (folder / "run").string()};
    const Outcome tried = runBlockcert(with(words, {"--dry-run"}));
    EXPECT_EQ(tried.status, 0) << tried.err;
    EXPECT_THAT(tried.out, HasSubstr("is another one: rope_theta is"));

    bool told = false;
    for (const Json& line : runBlockcert(with(words, {"--jsonl"})).jsonLines()) {
        if (!line.contains("progress"))
            continue;
        const Json& progress = line.at("progress");
        told = told || progress.value("detail", Json::object()).contains("notes");
        EXPECT_TRUE(told || progress.at("stage") == "open") << line.dump();
    }
    EXPECT_TRUE(told);
}

TEST(CutPrompts, AreCalledSoByEveryTable)
{
    const Outcome losses = runBlockcert({"evaluate", "demo", "--prompts", "base", "--max-tokens", "8", "--quiet"});
    EXPECT_THAT(losses.out, HasSubstr("8, ")) << losses.err;
    EXPECT_THAT(losses.out, HasSubstr("cut off at the end"));
    const Outcome text =
        runBlockcert({"generate", "demo", "--prompts", "base", "--max-tokens", "8", "--max-new", "2", "--quiet"});
    EXPECT_THAT(text.out, HasSubstr("cut off at the end of the prompt")) << text.err;
    const Outcome whole = runBlockcert({"evaluate", "demo", "--prompts", "base", "--quiet"});
    EXPECT_THAT(whole.out, Not(HasSubstr("cut off")));
}

TEST(BrokenTokenizers, EndEveryCommandWithTheCodeOfWhatIsWrong)
{
    namespace fs = std::filesystem;
    const TemporaryFolder folder;
    const fs::path model = folder / "model";
    fs::copy(fs::path(std::getenv("BLOCKCERT_TEST_DATA")) / "models/llama-gqa", model, fs::copy_options::recursive);
    const auto codes = [&](const std::string& tokenizer) {
        writeFile(model / "tokenizer.json", tokenizer);
        const Outcome listed = runBlockcert({"tokenize", model.string(), "--text", "a"});
        const Outcome certified = runBlockcert({"certify", model.string(), "--blocks", "0", "--prompts", "base", "-o",
                                                (folder / "run").string(), "--quiet"});
        EXPECT_THAT(certified.err, HasSubstr("cannot be encoded")) << certified.err;
        return std::vector<int>{listed.status, certified.status};
    };
    EXPECT_EQ(codes("{"), (std::vector<int>{3, 3})) << "malformed";
    EXPECT_EQ(codes(R"({"model": {"type": "Unigram"}})"), (std::vector<int>{4, 4})) << "not implemented";
}
