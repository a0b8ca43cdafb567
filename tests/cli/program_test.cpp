// The command line as a user meets it: words, exit codes, JSON, and what it says about bad input.

#include "tests/cli/program_runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>

using namespace blockcert;
using namespace blockcert::tests;
using testing::HasSubstr;
using testing::Not;

namespace {

// One line that ends a sentence, and nothing else.
void expectOneSentence(const std::string& text)
{
    EXPECT_EQ(std::ranges::count(text, '\n'), 1) << text;
    EXPECT_THAT(text, HasSubstr("blockcert: "));
}

}

TEST(Program, PrintsHelpAndVersion)
{
    const Outcome help = runBlockcert({"--help"});
    EXPECT_EQ(help.status, 0);
    EXPECT_THAT(help.out, HasSubstr("Verbs:"));
    EXPECT_EQ(runBlockcert({}).out, help.out);
    EXPECT_EQ(runBlockcert({"verify", "--help"}).out, runBlockcert({"help", "verify"}).out);
    const Outcome version = runBlockcert({"--version"});
    EXPECT_EQ(version.status, 0);
    EXPECT_THAT(version.out, testing::StartsWith("blockcert "));
    EXPECT_THAT(version.out, HasSubstr("LibTorch"));
    const Json asJson = runBlockcert({"--version", "--json"}).json();
    EXPECT_EQ(asJson.at("name"), "blockcert");
    EXPECT_THAT(version.out, HasSubstr(asJson.at("version").get<std::string>()));
    EXPECT_THAT(version.out, HasSubstr(asJson.at("build").get<std::string>()));
    EXPECT_EQ(Json::parse(runBlockcert({"--version", "--jsonl"}).out), asJson);
}

TEST(Program, AnswersUsageErrorsWithCodeTwoAndOneSentence)
{
    for (const std::vector<std::string>& arguments :
         std::vector<std::vector<std::string>>{{"paint"},
                                               {"open"},
                                               {"open", "demo", "--colour"},
                                               {"verify", "run", "--level", "9"},
                                               {"tokenize", "demo"},
                                               {"tokenize", "demo", "--text", "a", "--prompts", "base"},
                                               {"doctor", "--reference", "x"},
                                               {"open", "demo", "--quiet", "--verbose"},
                                               {"verify", "run", "--threads", "1000000"},
                                               {"help", "verify", "open"},
                                               {"show", "r\xe9sum\xe9"},
                                               {"diff", "one"},
                                               {"certify", "demo", "--prompts", "base", "-o", "x"}}) {
        const Outcome outcome = runBlockcert(arguments);
        EXPECT_EQ(outcome.status, 2) << arguments[0];
        EXPECT_EQ(outcome.out, "");
        expectOneSentence(outcome.err);
    }
}

TEST(Program, AnswersMissingInputWithCodeThree)
{
    const std::vector<std::vector<std::string>> commands = {{"open", "/no/such/model"},
                                                            {"open", "no-org/no-model"},
                                                            {"show", "/no/such/run"},
                                                            {"verify", "/no/such/run"},
                                                            {"diff", "/no/such/run", "/no/such/other"},
                                                            {"tokenize", "demo", "--prompts", "/no/such/prompts.txt"},
                                                            {"verify", "/no/such/run", "--policy", "/no/policy"}};
    for (const auto& arguments : commands) {
        const Outcome outcome = runBlockcert(arguments);
        EXPECT_EQ(outcome.status, 3) << arguments[0] << " " << arguments[1];
        expectOneSentence(outcome.err);
    }
}

TEST(Program, TakesIdsForAModelWithoutATokenizer)
{
    const TemporaryFolder folder;
    writeFile(folder / "ids.jsonl", R"({"id": "a", "token_ids": [1, 2, 3]})");
    const std::string model = std::string(std::getenv("BLOCKCERT_TEST_DATA")) + "/models/llama-sharded";
    const std::string ids = (folder / "ids.jsonl").string();
    const Json listing = runBlockcert({"tokenize", model, "--prompts", ids, "--json"}).json();
    EXPECT_EQ(listing.at("prompts")[0].at("token_ids"), Json({1, 2, 3}));
    EXPECT_EQ(listing.at("prompts")[0].at("pieces"), Json({"", "", ""}));
    EXPECT_THAT(runBlockcert({"tokenize", model, "--prompts", ids}).out, HasSubstr("a  3 tokens\n  1  2  3\n"));
    const Outcome refused = runBlockcert({"tokenize", model, "--text", "a"});
    EXPECT_EQ(refused.status, 3);
    EXPECT_THAT(refused.err, HasSubstr("token_ids"));
}

TEST(Program, SaysThatATextHasNoTokens)
{
    const Outcome outcome = runBlockcert({"tokenize", "demo", "--text", ""});
    EXPECT_EQ(outcome.status, 3);
    EXPECT_THAT(outcome.err, HasSubstr("The text encodes to no token"));
}

TEST(Program, SaysErrorsAsJsonToo)
{
    const Outcome missing = runBlockcert({"open", "/no/such/model", "--json"});
    EXPECT_EQ(missing.status, 3);
    const Json error = missing.json().at("error");
    EXPECT_EQ(error.at("exit_code"), 3);
    EXPECT_EQ(error.at("kind"), "file");
    EXPECT_THAT(error.at("message").get<std::string>(), HasSubstr("/no/such/model"));
    expectOneSentence(missing.err);
    EXPECT_EQ(runBlockcert({"open", "--json"}).json().at("error").at("kind"), "usage");
    EXPECT_EQ(runBlockcert({"open", "demo", "--json", "--jsonl"}).json().at("error").at("exit_code"), 2);
    EXPECT_EQ(runBlockcert({"open", "r\xe9sum\xe9", "--json"}).json().at("error").at("exit_code"), 2);
    const auto lines = runBlockcert({"open", "/no/such/model", "--jsonl"}).jsonLines();
    ASSERT_EQ(lines.size(), 1U);
    EXPECT_TRUE(lines[0].contains("error"));
}

TEST(Program, NamesTheFileAndThePlaceOfDamage)
{
    const TemporaryFolder folder;
    const std::string whole = readFile(std::getenv("BLOCKCERT_DEMO_MODEL")).substr(0, 5000);
    writeFile(folder / "short.gguf", whole);
    const Outcome outcome = runBlockcert({"open", (folder / "short.gguf").string()});
    EXPECT_EQ(outcome.status, 3);
    EXPECT_THAT(outcome.err, HasSubstr("short.gguf"));
    EXPECT_THAT(outcome.err, testing::ContainsRegex("[0-9]"));
}

TEST(Program, RefusesPickleFilesAsUnsupported)
{
    const TemporaryFolder folder;
    writeFile(folder / "pytorch_model.bin", "PK");
    const Outcome outcome = runBlockcert({"open", (folder / "pytorch_model.bin").string()});
    EXPECT_EQ(outcome.status, 4);
    EXPECT_THAT(outcome.err, HasSubstr("pickle"));
}

TEST(Program, OpensTheDemoModelWithItsTrueShape)
{
    const Json card = runBlockcert({"open", "demo", "--json"}).json();
    // config.json of HuggingFaceTB/SmolLM2-135M-Instruct.
    EXPECT_EQ(card.at("architecture"), "llama");
    EXPECT_EQ(card.at("container"), "gguf");
    EXPECT_EQ(card.at("layers"), 30);
    EXPECT_EQ(card.at("d_model"), 576);
    EXPECT_EQ(card.at("heads"), 9);
    EXPECT_EQ(card.at("kv_heads"), 3);
    EXPECT_EQ(card.at("head_dim"), 64);
    EXPECT_EQ(card.at("d_ff"), 1536);
    EXPECT_EQ(card.at("vocab"), 49152);
    EXPECT_EQ(card.at("context"), 8192);
    EXPECT_EQ(card.at("tied_embeddings"), true);
    EXPECT_EQ(card.at("parameters"), 134515008);
    EXPECT_EQ(card.at("tensors").size(), 272U);
    EXPECT_EQ(card.at("files")[0].at("sha256"), nullptr);
    EXPECT_EQ(card.at("memory").at("fp32_bytes"), 134515008 * 4LL);
    const auto used =
        std::ranges::count_if(card.at("tensors"), [](const Json& tensor) { return !tensor.at("role").is_null(); });
    EXPECT_EQ(used, 272) << "a tensor is not used";
}

TEST(Program, HashesTheDemoModelOnRequestAndStreamsProgress)
{
    const auto lines = runBlockcert({"open", "demo", "--hash", "--jsonl"}).jsonLines();
    ASSERT_GE(lines.size(), 2U);
    EXPECT_EQ(lines.front().at("progress").at("stage"), "hash");
    EXPECT_EQ(lines.back().at("result").at("files")[0].at("sha256").get<std::string>().size(), 64U);
}

TEST(Program, TokenizesAsTheModelDoes)
{
    // Ids of transformers' tokenizer for this model.
    const Json listing = runBlockcert({"tokenize", "demo", "--text", "The capital of France is", "--json"}).json();
    EXPECT_EQ(listing.at("token_ids"), Json({504, 3575, 282, 4649, 314}));
    EXPECT_EQ(listing.at("pieces"), Json({"The", " capital", " of", " France", " is"}));
    EXPECT_EQ(listing.at("prompts").size(), 1U);
}

TEST(Program, ListsBundledPromptsWithAsManyPiecesAsIds)
{
    for (const auto& [name, count] : std::vector<std::pair<std::string, std::size_t>>{
             {"base", 4}, {"stress", 10}, {"semantic", 30}, {"refusal", 24}}) {
        const Json listing = runBlockcert({"tokenize", "demo", "--prompts", name, "--json"}).json();
        EXPECT_EQ(listing.at("bundled"), true);
        EXPECT_EQ(listing.at("prompts").size(), count) << name;
        for (const Json& prompt : listing.at("prompts")) {
            EXPECT_EQ(prompt.at("token_ids").size(), prompt.at("pieces").size());
            EXPECT_EQ(prompt.at("token_ids").size(), prompt.at("special").size());
        }
    }
}

TEST(Program, ReportsPromptsThatLoseTheirEnd)
{
    const Json listing =
        runBlockcert({"tokenize", "demo", "--text", "one two three four", "--max-tokens", "2", "--json"}).json();
    EXPECT_EQ(listing.at("token_ids").size(), 2U);
    EXPECT_GT(listing.at("prompts")[0].at("truncated"), 0);
    EXPECT_THAT(runBlockcert({"tokenize", "demo", "--text", "one two three four", "--max-tokens", "2"}).out,
                HasSubstr("cut off"));
}

TEST(Program, UsesColoursOnlyOnATerminal)
{
    EXPECT_THAT(runBlockcert({"open", "demo"}).out, Not(HasSubstr("\x1b[")));
    EXPECT_THAT(runOnTerminal({"open", "demo"}).out, HasSubstr("\x1b["));
    EXPECT_THAT(runOnTerminal({"open", "demo"}, {"NO_COLOR=1"}).out, Not(HasSubstr("\x1b[1m")));
    EXPECT_THAT(runOnTerminal({"open", "demo"}, {"TERM=dumb"}).out, Not(HasSubstr("\x1b[1m")));
}

TEST(Program, DrawsAProgressBarOnlyOnATerminal)
{
    EXPECT_THAT(runOnTerminal({"open", "demo", "--hash"}).out, HasSubstr("\r\x1b[K"));
    const Outcome piped = runBlockcert({"open", "demo", "--hash"});
    EXPECT_THAT(piped.err, HasSubstr("hash: 98.4 MB in "));
    EXPECT_EQ(std::ranges::count(piped.err, '\n'), 1);
    EXPECT_EQ(runBlockcert({"open", "demo", "--hash", "--quiet"}).err, "");
}

TEST(Program, NeverPrintsControlCharactersOfAFile)
{
    const TemporaryFolder folder;
    writeFile(folder / "evil\x1b[2J.jsonl", "{\"id\": \"a\"}\n");
    const Outcome outcome = runBlockcert({"tokenize", "demo", "--prompts", (folder / "evil\x1b[2J.jsonl").string()});
    EXPECT_NE(outcome.status, 0);
    EXPECT_THAT(outcome.err, Not(HasSubstr("\x1b[2J")));
}

TEST(Program, FindsModelsInTheLocalHubCache)
{
    const TemporaryFolder folder;
    const auto snapshot = folder / "hub/models--org--name/snapshots/abc";
    writeFile(folder / "hub/models--org--name/refs/main", "abc");
    writeFile(snapshot / "model.gguf", readFile(std::getenv("BLOCKCERT_DEMO_MODEL")));
    const std::string cache = "HF_HUB_CACHE=" + (folder / "hub").string();
    EXPECT_EQ(runBlockcert({"open", "org/name", "--json"}, {cache}).json().value("layers", 0), 30);
    EXPECT_EQ(runBlockcert({"open", "org/name@abc", "--json"}, {cache}).json().value("layers", 0), 30);
    EXPECT_EQ(runBlockcert({"open", "org/name@main", "--json"}, {"HF_HUB_CACHE", "HF_HOME=" + (folder / "").string()})
                  .json()
                  .value("layers", 0),
              30);
    EXPECT_EQ(runBlockcert({"open", "org/name@nope"}, {cache}).status, 3);
}

TEST(Program, SaysWhenItsOutputCannotBeWritten)
{
    // /dev/full: every write fails as on a full disk.
    for (const char* command : {"open demo --json", "open demo", "--help", "--version", "man", "completion bash"}) {
        const Outcome outcome = runShell("exec blockcert " + std::string(command) + " > /dev/full");
        EXPECT_EQ(outcome.status, 7) << command;
        expectOneSentence(outcome.err);
    }
}

TEST(Program, SaysThatAResultCannotBeWrittenWhereItWasAskedFor)
{
    for (const std::string command :
         {"certify demo --blocks 0 --prompts base --loss none -o /proc/x", "experiment timing demo -o /proc/x"}) {
        const Outcome outcome = runShell("exec blockcert " + command + " --quiet");
        EXPECT_EQ(outcome.status, 7) << command;
        EXPECT_THAT(outcome.err, HasSubstr("/proc/x"));
        expectOneSentence(outcome.err);
    }
}

TEST(Program, EndsQuietlyWhenItsReaderHasGone)
{
    for (const char* command : {"man", "help certify", "open demo --json"}) {
        const Outcome outcome = runShell("blockcert " + std::string(command) + " | true; exit ${PIPESTATUS[0]}");
        EXPECT_TRUE(outcome.status == 0 || outcome.status == 128 + SIGPIPE) << command << " " << outcome.status;
        EXPECT_EQ(outcome.err, "");
    }
}

TEST(Program, WritesCompletionThatEveryShellCanRead)
{
    for (const char* shell : {"bash", "zsh", "fish"}) {
        if (runShell("command -v " + std::string(shell)).status != 0)
            continue; // bash is always there
        const Outcome outcome = runShell("set -o pipefail; blockcert completion " + std::string(shell) +
                                         " > $$.tmp && " + shell + " -n $$.tmp; status=$?; rm -f $$.tmp; exit $status");
        EXPECT_EQ(outcome.status, 0) << shell << ": " << outcome.err;
    }
    EXPECT_EQ(runBlockcert({"completion", "tcsh"}).status, 2);
}

TEST(Program, CompletesVerbsOptionsAndValuesInBash)
{
    const auto completed = [](const std::string& words) {
        return runShell("source <(blockcert completion bash); COMP_WORDS=(" + words +
                        "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); compopt() { :; }; _blockcert; "
                        "printf '%s\\n' \"${COMPREPLY[@]}\"")
            .out;
    };
    EXPECT_EQ(completed("blockcert ver"), "verify\n");
    EXPECT_EQ(completed("blockcert verify --lev"), "--level\n");
    EXPECT_EQ(completed("blockcert verify --level ''"), "0\n1\n2\n3\n4\n");
    EXPECT_EQ(completed("blockcert certify demo --prompts st"), "stress\n");
}

TEST(Program, WritesAManualPageWithoutMistakes)
{
    EXPECT_THAT(runBlockcert({"man"}).out, testing::StartsWith(".TH BLOCKCERT 1"));
    if (runShell("command -v man && command -v groff").status != 0)
        GTEST_SKIP() << "man and groff are not installed";
    const Outcome outcome =
        runShell("blockcert man | LC_ALL=C.UTF-8 MANROFFSEQ= MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -");
    EXPECT_EQ(outcome.status, 0);
    EXPECT_EQ(outcome.err, "");
    EXPECT_THAT(outcome.out, HasSubstr("blockcert certify demo --blocks 0,15,29 --prompts base -o demo.blockcert\n"));
}

TEST(Program, EndsTheArchiveChildAtOnceWithoutAnArchive)
{
    const Outcome outcome = runBlockcert({"--archive-reader"});
    EXPECT_NE(outcome.status, 0);
    EXPECT_LT(outcome.status, 1000) << "it crashed";
}
