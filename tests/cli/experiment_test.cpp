// The experiments on tiny models, from the command line to the files: every number recomputed by NumPy, every run
// verified, the same bytes on repetition, and nothing lost when they are stopped.

#include "tests/cli/program_runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <sstream>
#include <thread>

using namespace blockcert;
using namespace blockcert::tests;
using namespace std::chrono_literals;
using testing::HasSubstr;

namespace fs = std::filesystem;

namespace {

std::string environmentText(const char* name)
{
    const char* value = std::getenv(name); // NOLINT(concurrency-mt-unsafe)
    return value == nullptr ? "." : value;
}

std::string model(const std::string& name)
{
    return environmentText("BLOCKCERT_TEST_DATA") + "/models/" + name;
}

int python(const std::string& arguments)
{
    return std::system(("/usr/bin/python3 " + arguments).c_str()); // NOLINT(concurrency-mt-unsafe)
}

const std::vector<std::string> oneTime = {"SOURCE_DATE_EPOCH=1700000000"};

std::vector<std::string> command(const std::string& kind, const std::string& modelName, const fs::path& out,
                                 const std::vector<std::string>& more = {})
{
    std::vector<std::string> words = {"experiment", kind, model(modelName), "-o", out.string(), "--json"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
}

// Everything but what a run's own tests look after.
std::map<std::string, std::string> filesOf(const fs::path& folder)
{
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder))
        if (entry.is_regular_file())
            files[fs::relative(entry.path(), folder).string()] = readFile(entry.path());
    return files;
}

void expectSound(const fs::path& out)
{
    const std::string source = environmentText("BLOCKCERT_SOURCE");
    EXPECT_EQ(python("'" + source + "/tests/cli/check_experiment.py' '" + out.string() + "'"), 0);
    const Json result = parseStrictJson(readFile(out / "result.json"), "result.json");
    for (const Json& figure : result.at("figures"))
        EXPECT_EQ(python("'" + source + "/tests/figure/check_svg.py' '" +
                         (out / figure.at("file").get<std::string>()).string() + "'"),
                  0);
    for (const Json& run : result.at("runs")) {
        const Json verdict =
            runBlockcert({"verify", (out / run.at("path").get<std::string>()).string(), "--json"}).json();
        EXPECT_THAT(verdict.at("verdict").get<std::string>(), testing::AnyOf("verified", "weaker_than_policy"))
            << run.at("name") << ": " << verdict.at("sentence");
    }
}

struct Case {
    std::string kind;
    std::string model;
    std::vector<std::string> options;
};

std::string caseName(const testing::TestParamInfo<Case>& test)
{
    std::string name = test.param.kind + "_" + test.param.model;
    std::ranges::replace(name, '-', '_');
    return name;
}

class Experiment : public testing::TestWithParam<Case> {};

TEST_P(Experiment, RecomputesFromItsRunsAndVerifies)
{
    const Case& one = GetParam();
    TemporaryFolder folder;
    const fs::path out = folder / "experiment";
    const Outcome outcome = runBlockcert(command(one.kind, one.model, out, one.options), oneTime);
    ASSERT_EQ(outcome.status, 0) << outcome.err;
    const Json result = outcome.json();
    EXPECT_EQ(result.at("experiment"), one.kind);
    EXPECT_FALSE(result.at("headline").get<std::string>().empty());
    EXPECT_FALSE(result.at("paper").at("difference").empty());
    expectSound(out);
    for (const char* file : {"README.md", "commands.txt", "SHA256SUMS", "table.csv", "figure.svg"})
        EXPECT_TRUE(fs::exists(out / file)) << file;
    EXPECT_EQ(python("-c \"import subprocess; subprocess.run(['sha256sum', '-c', '--quiet', 'SHA256SUMS'], check=True, "
                     "cwd='" +
                     out.string() + "')\""),
              0);
}

TEST_P(Experiment, GivesTheSameBytesAgain)
{
    const Case& one = GetParam();
    if (one.kind == "timing")
        return; // its seconds are what it measures
    TemporaryFolder folder;
    const fs::path out = folder / "experiment";
    ASSERT_EQ(runBlockcert(command(one.kind, one.model, out, one.options), oneTime).status, 0);
    const auto first = filesOf(out);
    fs::remove_all(out);
    ASSERT_EQ(runBlockcert(command(one.kind, one.model, out, one.options), oneTime).status, 0);
    EXPECT_EQ(filesOf(out), first);
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, Experiment,
    testing::Values(Case{"blocks", "llama-gqa", {}}, Case{"blocks", "gpt2", {"--prompts", "base", "--loss", "none"}},
                    Case{"thresholds", "llama-gqa", {"--prompts", "base"}},
                    Case{"prompt-size", "llama-gqa", {"--dtype", "bf16", "--dtypes", "fp32"}},
                    Case{"prompt-shift", "gpt2", {}},
                    Case{"low-rank", "llama-gqa", {"--ranks", "4,12", "--blocks", "0,2", "--prompts", "base"}},
                    Case{"ablations", "llama-gqa", {"--blocks", "0,1", "--prompts", "base", "--noise", "0.1"}},
                    Case{"ablations", "gpt2", {"--blocks", "1", "--prompts", "base"}},
                    Case{"semantic", "llama-gqa", {}}, Case{"timing", "llama-gqa", {"--repeats", "2"}}),
    caseName);

// A policy that certifies by the relative error is what headlines, columns and figures follow; the script recomputes
// the numbers under that measure.
TEST(ExperimentPolicies, DecideWhichMeasureIsReported)
{
    TemporaryFolder folder;
    const fs::path policy = folder / "policy.json";
    writeFile(policy, R"({"schema":"blockcert.policy/1","error":"relative-l2","tau_rel":0.003,"alpha_loss":0})");
    for (const char* kind : {"blocks", "ablations", "prompt-shift", "thresholds", "prompt-size"}) {
        const fs::path out = folder / kind;
        std::vector<std::string> more = {"--policy", policy.string(), "--dtype", "bf16", "--blocks", "0,1"};
        if (std::string(kind) == "thresholds" || std::string(kind) == "prompt-size")
            more.insert(more.end(), {"--dtypes", "fp32"});
        const Outcome outcome = runBlockcert(command(kind, "llama-gqa", out, more), oneTime);
        ASSERT_EQ(outcome.status, 0) << outcome.err;
        expectSound(out);
        const std::string headline = outcome.json().at("headline");
        EXPECT_THAT(headline, HasSubstr("relative")) << kind;
        EXPECT_THAT(headline, testing::Not(HasSubstr("activation coverage"))) << kind;
        const std::string svg = readFile(out / "figure.svg");
        EXPECT_THAT(svg, HasSubstr("elative")) << kind;
        EXPECT_THAT(svg, HasSubstr(">rel</tspan>")) << kind << ": the threshold is τ_rel";
        EXPECT_THAT(svg, testing::Not(HasSubstr("ctivation coverage"))) << kind;
        EXPECT_THAT(readFile(out / "README.md"), HasSubstr("certifies by the relative error")) << kind;
    }
    // The claim of the table beside the verdict: a block counts as certified exactly where this coverage suffices.
    const Json result = parseStrictJson(readFile(folder / "blocks" / "result.json"), "result.json");
    for (const Json& row : result.at("tables")[0].at("rows"))
        EXPECT_EQ(row.at("certified").get<bool>(), row.at("relative_coverage").get<double>() >= 0.94);
}

// Of one prompt there is one column, one point a curve, and nothing that a caption could call a fall.
TEST(ExperimentPrompts, MayBeOne)
{
    TemporaryFolder folder;
    const fs::path one = folder / "one.jsonl";
    writeFile(one, R"({"id":"one","text":"abcabc de","label":"a"})");
    for (const char* kind : {"prompt-size", "thresholds", "semantic"}) {
        const fs::path out = folder / kind;
        const Outcome outcome = runBlockcert(command(kind, "llama-gqa", out, {"--prompts", one.string()}), oneTime);
        ASSERT_EQ(outcome.status, 0) << outcome.err;
        expectSound(out);
    }
    ASSERT_EQ(
        runBlockcert(command("prompt-shift", "llama-gqa", folder / "shift", {"--shift-prompts", one.string()})).status,
        0);
    expectSound(folder / "shift");
}

TEST(ExperimentPrompts, ThatWereCutAreSaidSo)
{
    TemporaryFolder folder;
    const fs::path out = folder / "experiment";
    const Outcome outcome = runBlockcert(
        {"experiment", "blocks", model("llama-gqa"), "-o", out.string(), "--prompts", "base", "--max-tokens", "5"});
    ASSERT_EQ(outcome.status, 0) << outcome.err;
    const std::string sentence = "4 prompts were longer than 5 tokens and lost ";
    for (const std::string& text : {outcome.out, readFile(out / "README.md"), readFile(out / "result.json")}) {
        EXPECT_THAT(text, HasSubstr("base (4 prompts, 4 of them cut, 20 tokens)"));
        EXPECT_THAT(text, HasSubstr("Of base, " + sentence));
    }
    EXPECT_THAT(readFile(out / "figure.svg"), HasSubstr("4 of them cut"));
    const std::string run = (out / "runs" / "exact.blockcert").string();
    const Outcome stitched = runBlockcert({"stitch", run});
    EXPECT_THAT(stitched.out, HasSubstr(sentence)) << stitched.err;
    EXPECT_THAT(runBlockcert({"stitch", run, "--json"}).json().at("notes")[0].get<std::string>(), HasSubstr(sentence));
    const Outcome failures = runBlockcert({"failures", run, "-o", (folder / "told").string()});
    EXPECT_THAT(failures.out, HasSubstr(sentence)) << failures.err;
    EXPECT_THAT(readFile(folder / "told/failures.csv"), HasSubstr("prompt_truncated"));
    const Outcome dry = runBlockcert({"experiment", "blocks", model("llama-gqa"), "-o", (folder / "dry").string(),
                                      "--prompts", "base", "--max-tokens", "5", "--dry-run"});
    EXPECT_THAT(dry.out, HasSubstr(sentence)) << dry.err;
}

// A table that goes into a file or a pipe has every column and every cell whole.
TEST(PipedTables, AreWhole)
{
    TemporaryFolder folder;
    const std::string id = "a-prompt-whose-name-is-longer-than-any-column-of-a-terminal-would-have-room-for-in-a-table";
    const fs::path prompts = folder / "prompts.jsonl";
    writeFile(prompts, "{\"id\":\"" + id + "\",\"text\":\"abcabc de\"}\n");
    const fs::path out = folder / "experiment";
    const Outcome outcome =
        runBlockcert({"experiment", "blocks", model("llama-gqa"), "-o", out.string(), "--prompts", prompts.string()});
    ASSERT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_THAT(outcome.out, testing::Not(HasSubstr("further column")));
    const std::string run = (out / "runs" / "exact.blockcert").string();
    EXPECT_THAT(runBlockcert({"failures", run, "-o", (folder / "told").string()}).out, HasSubstr(id + ":7"));
    EXPECT_THAT(runBlockcert({"stitch", run}).out, HasSubstr(id + " "));
    EXPECT_THAT(runOnTerminal({"failures", run, "-o", (folder / "told").string()}).out,
                testing::Not(HasSubstr(id + ":7")));
}

TEST(ExperimentFolders, AreNotOverwrittenAndNotMixed)
{
    TemporaryFolder folder;
    const fs::path out = folder / "experiment";
    ASSERT_EQ(runBlockcert(command("blocks", "llama-gqa", out, {"--prompts", "base"})).status, 0);
    const auto before = filesOf(out);

    const Outcome again = runBlockcert(command("blocks", "llama-gqa", out, {"--prompts", "base"}));
    EXPECT_EQ(again.status, 2);
    EXPECT_THAT(again.err, HasSubstr("--resume"));
    const Outcome other = runBlockcert(command("blocks", "llama-gqa", out, {"--prompts", "stress", "--resume"}));
    EXPECT_EQ(other.status, 2);
    EXPECT_THAT(other.err, HasSubstr("holds another experiment"));
    EXPECT_THAT(other.err, HasSubstr("stress"));
    EXPECT_EQ(filesOf(out), before);

    writeFile(folder / "file", "not a folder");
    const Outcome file = runBlockcert(command("blocks", "llama-gqa", folder / "file", {"--prompts", "base"}));
    EXPECT_EQ(file.status, 2);
    EXPECT_THAT(file.err, HasSubstr("is a file"));
    EXPECT_THAT(file.err, testing::Not(HasSubstr("not empty")));
    fs::create_directory(folder / "full");
    writeFile(folder / "full" / "x", "x");
    const Outcome full = runBlockcert(command("blocks", "llama-gqa", folder / "full", {"--resume"}));
    EXPECT_EQ(full.status, 2);
    EXPECT_THAT(full.err, HasSubstr("holds no experiment"));
}

// "blockcert …" of commands.txt that begin with these words, as a script.
std::string commandsIn(const fs::path& folder, const std::string& begin)
{
    std::istringstream lines(readFile(folder / "commands.txt"));
    std::string script = "set -e; cd '" + folder.string() + "'\n";
    for (std::string line; std::getline(lines, line);)
        if (line.starts_with(begin))
            script += line + " --quiet > /dev/null\n";
    return script;
}

TEST(ExperimentFolders, CarryCommandsThatWorkWhereverTheyAreMoved)
{
    TemporaryFolder folder;
    ASSERT_EQ(runBlockcert(command("prompt-shift", "llama-gqa", folder / "made", {"--blocks", "1"})).status, 0);
    const fs::path moved = folder / "elsewhere/moved";
    fs::create_directories(moved.parent_path());
    fs::rename(folder / "made", moved);
    for (const char* begin : {"blockcert verify ", "blockcert experiment "}) {
        const std::string script = commandsIn(moved, begin);
        EXPECT_THAT(script, HasSubstr(begin));
        const Outcome outcome = runShell(script);
        EXPECT_EQ(outcome.status, 0) << script << outcome.err;
    }
    EXPECT_EQ(readFile(moved / "table.csv"), readFile(folder / "elsewhere/repeated/table.csv"));
    // The whole file in one go, as somebody would run it.
    fs::remove_all(folder / "elsewhere/repeated");
    const Outcome outcome = runShell("cd '" + moved.string() + "' && sh -e commands.txt > /dev/null 2>&1");
    EXPECT_EQ(outcome.status, 0) << readFile(moved / "commands.txt");
    EXPECT_TRUE(fs::exists(folder / "elsewhere/repeated/table.csv"));
    EXPECT_TRUE(fs::exists(folder / "elsewhere/repeated-runs/to.blockcert/SHA256SUMS"));
}

// Begun with relative names, as one types them: what repeats it must not depend on where that was.
TEST(ExperimentFolders, CarryCommandsThatNameFilesWhereTheyLie)
{
    TemporaryFolder folder;
    fs::create_directories(folder / "work/deep");
    writeFile(folder / "work/mine.jsonl", R"({"id":"p","text":"abcabc de"})");
    const std::string begin = "set -e; cd '" + (folder / "work").string() + "'; ln -s '" + model("llama-gqa") +
                              "' model; blockcert experiment prompt-shift model --prompts mine.jsonl --shift-prompts "
                              "./mine.jsonl --blocks 1 -o deep/made --quiet > /dev/null";
    // Both sides are one set: the shift is none, and nobody minds.
    const Outcome made = runShell(begin);
    ASSERT_EQ(made.status, 0) << made.err;
    const std::string commands = readFile(folder / "work/deep/made/commands.txt");
    EXPECT_THAT(commands, HasSubstr(" " + (folder / "work/model").string()));
    EXPECT_THAT(commands, HasSubstr(" --prompts " + (folder / "work/mine.jsonl").string()));
    EXPECT_THAT(commands, HasSubstr(" --shift-prompts " + (folder / "work/mine.jsonl").string()));
    const Outcome repeated = runShell("cd '" + (folder / "work/deep/made").string() + "' && sh -e commands.txt");
    EXPECT_EQ(repeated.status, 0) << repeated.err;
}

TEST(ExperimentFolders, AResumedOneHasTheSameBytes)
{
    TemporaryFolder folder;
    const fs::path out = folder / "experiment";
    const auto words = command("prompt-shift", "llama-gqa", out);
    ASSERT_EQ(runBlockcert(words, oneTime).status, 0);
    const auto whole = filesOf(out);
    // As a kill leaves it: no results yet, the second run torn before it wrote its run.json.
    for (const char* file : {"SHA256SUMS", "README.md", "result.json", "table.csv", "figure.svg"})
        fs::remove(out / file);
    fs::remove_all(out / "runs" / "to.blockcert");
    fs::create_directories(out / "runs" / "to.blockcert" / ".work");
    const auto untouched = fs::last_write_time(out / "runs" / "from.blockcert" / "SHA256SUMS");
    auto resumed = words;
    resumed.push_back("--resume");
    const Outcome outcome = runBlockcert(resumed, oneTime);
    ASSERT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_EQ(filesOf(out), whole);
    EXPECT_EQ(fs::last_write_time(out / "runs" / "from.blockcert" / "SHA256SUMS"), untouched);
}

TEST(ExperimentFolders, AKilledOneIsResumed)
{
    TemporaryFolder folder;
    const fs::path out = folder / "experiment";
    const auto words = command("timing", "llama-gqa", out, {"--repeats", "6", "--prompts", "base"});
    {
        Process process("blockcert", words);
        for (int i = 0; i < 3000 && !fs::exists(out / "runs" / "certify-2.timing.json"); ++i)
            std::this_thread::sleep_for(10ms);
        process.signal(SIGKILL);
        EXPECT_EQ(process.wait().status, 1000 + SIGKILL);
    }
    ASSERT_TRUE(fs::exists(out / "runs" / "certify-2.timing.json"));
    EXPECT_FALSE(fs::exists(out / "result.json"));
    const std::string kept = readFile(out / "runs" / "certify-2.timing.json");
    auto resumed = words;
    resumed.push_back("--resume");
    const Outcome outcome = runBlockcert(resumed);
    ASSERT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_EQ(readFile(out / "runs" / "certify-2.timing.json"), kept);
    expectSound(out);
}

// A limit on the size of files is a full disk that needs no rights: what is there is kept, and said.
TEST(FullDisks, AreSurvivedAndSayHowToContinue)
{
    TemporaryFolder folder;
    const fs::path out = folder / "experiment";
    const std::string command =
        "blockcert experiment blocks '" + model("llama-gqa") + "' --prompts base -o '" + out.string() + "' --quiet";
    const Outcome limited = runShell("ulimit -f 100; " + command); // 100 kB
    EXPECT_EQ(limited.status, 7) << limited.err;
    EXPECT_THAT(limited.err, HasSubstr("Cannot write "));
    EXPECT_THAT(limited.err, HasSubstr("What is finished is kept; continue with: blockcert experiment blocks "));
    EXPECT_THAT(limited.err, HasSubstr(" --resume"));
    const Outcome resumed = runShell(command + " --resume");
    ASSERT_EQ(resumed.status, 0) << resumed.err;
    expectSound(out);

    // A stitched model and an anatomy leave nothing that was not whole.
    const std::string run = (out / "runs" / "exact.blockcert").string();
    const auto before = filesOf(run);
    const Outcome stitched = runShell("ulimit -f 8; blockcert stitch '" + run + "' --quiet");
    EXPECT_EQ(stitched.status, 7) << stitched.err;
    EXPECT_THAT(stitched.err, HasSubstr("The run is as it was; nothing was added."));
    EXPECT_EQ(filesOf(run), before);
    EXPECT_FALSE(fs::exists(fs::path(run) / "stitch"));
    const fs::path told = folder / "told";
    EXPECT_EQ(runShell("ulimit -f 8; blockcert failures '" + run + "' -o '" + told.string() + "' --quiet").status, 7);
    EXPECT_FALSE(fs::exists(told));
    ASSERT_EQ(runShell("blockcert failures '" + run + "' -o '" + told.string() + "' --quiet").status, 0);
    const auto whole = filesOf(told);
    EXPECT_EQ(runShell("ulimit -f 8; blockcert failures '" + run + "' -o '" + told.string() + "' --quiet").status, 7);
    EXPECT_EQ(filesOf(told), whole);
}

TEST(ExperimentRequests, AreRefusedInOneSentenceBeforeAnythingIsWritten)
{
    TemporaryFolder folder;
    const fs::path out = folder / "experiment";

    struct Bad {
        std::vector<std::string> words;
        std::string says;
    };

    const std::vector<Bad> all = {
        {command("blocks", "llama-gqa", out, {"--blocks", "3"}), "3"},
        {command("blocks", "no-such-model", out), "no-such-model"},
        {command("blocks", "llama-gqa", out, {"--prompts", "no-such-prompts"}), "no-such-prompts"},
        {command("blocks", "llama-gqa", out, {"--repeats", "2"}),
         "--repeats is not taken by the experiment blocks, only by timing; leave it out"},
        {command("low-rank", "llama-gqa", out, {"--seed", "3"}), "experiment: --seed is of the noise"},
        {command("timing", "llama-gqa", out, {"--loss", "none"}),
         "experiment: --loss is decided by the experiment timing"},
        {command("blocks", "llama-gqa", out, {"--dry-run", "--resume"}), "--resume changes nothing beside --dry-run"},
        {command("blocks", "llama-gqa", out, {"--dry-run", "--no-titles"}), "--no-titles changes nothing"},
        {command("blocks", "llama-gqa", out, {"--memory", "x"}), "blockcert: experiment: --memory is auto"},
        {command("low-rank", "llama-gqa", out, {"--ranks", "64,0"}), "0"},
        {command("low-rank", "llama-gqa", out, {"--ranks", "64,x"}), "x"},
        {command("low-rank", "llama-gqa", out, {"--ranks", "8,8"}), "twice"},
        {command("low-rank", "llama-gqa", out, {"--ranks", "4,100000"}), "blockcert: --ranks 100000: "},
        {command("ablations", "llama-gqa", out, {"--noise", "x"}), "blockcert: --noise x: the scale must be"},
        {command("thresholds", "llama-gqa", out, {"--dtypes", "fp32,fp8"}), "fp8"},
        {command("timing", "llama-gqa", out, {"--repeats", "0"}), "0"},
        {command("prompt-shift", "llama-gqa", out, {"--shift-prompts", "nowhere.jsonl"}), "nowhere.jsonl"},
        {command("semantic", "llama-gqa", out, {"--prompts", "base"}), "No prompt of base has a label"},
        {command("semantic", "llama-gqa", out, {"--prompts", "base", "--dry-run"}), "No prompt of base has a label"},
        {{"experiment", "everything", model("llama-gqa"), "-o", out.string()}, "everything"},
    };
    for (const Bad& bad : all) {
        const Outcome outcome = runBlockcert(bad.words);
        EXPECT_TRUE(outcome.status == 2 || outcome.status == 3) << outcome.status << " " << outcome.err;
        EXPECT_THAT(outcome.err, testing::Not(HasSubstr("the parameter"))) << "options are called as they are typed";
        EXPECT_THAT(outcome.err, HasSubstr(bad.says));
        EXPECT_FALSE(fs::exists(out)) << bad.says;
    }
}

TEST(ExperimentRequests, FiguresAreDrawnWithoutTitlesForAPaper)
{
    TemporaryFolder folder;
    const fs::path out = folder / "experiment";
    ASSERT_EQ(runBlockcert(command("blocks", "llama-gqa", out, {"--prompts", "base", "--loss", "none", "--no-titles"}))
                  .status,
              0);
    const std::string svg = readFile(out / "figure.svg");
    EXPECT_THAT(svg, HasSubstr("<title>Error and coverage by block</title>"));
    EXPECT_THAT(svg, testing::Not(HasSubstr("bold\">Error and coverage")));
    EXPECT_THAT(svg, testing::Not(HasSubstr(">loss</tspan>")))
        << "no losses were measured, so nothing is said of their limit";
}

TEST(ExperimentRequests, ADryRunStatesTheCostAndWritesNothing)
{
    TemporaryFolder folder;
    const fs::path out = folder / "experiment";
    const Outcome outcome = runBlockcert(command("thresholds", "llama-gqa", out, {"--dry-run"}));
    ASSERT_EQ(outcome.status, 0) << outcome.err;
    const Json estimate = outcome.json();
    EXPECT_EQ(estimate.at("runs"), 3);
    EXPECT_EQ(estimate.at("cells"), 3 * 3 * 10);
    EXPECT_GT(estimate.at("flops"), 0.0);
    EXPECT_FALSE(fs::exists(out));
}

}
