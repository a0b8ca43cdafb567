// The examples in every verb's help, run as they stand there: what a reader pastes first must work.

#include "app/command_line/verb_description.h"
#include "tests/cli/program_runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

using namespace blockcert;
using namespace blockcert::tests;

namespace {

namespace fs = std::filesystem;

fs::path data(const std::string& path)
{
    return fs::path(std::getenv("BLOCKCERT_TEST_DATA")) / path;
}

// Minutes each; edit_test, round_trip_test and sweeps' own tests run the like with fewer tokens.
const std::vector<std::string> takesMinutes = {
    "blockcert edit demo --block 15 --scale-mlp 0.33 -o edit.blockcert",
    "blockcert edit demo --patch patch.json --condition few-shot -o few-shot.blockcert",
    "blockcert verify edit.blockcert",
    "blockcert sweep demo --blocks 15 --alphas 0:1:0.1 -o sweep",
    "blockcert sweep demo --blocks 0,15,29 --alphas 1,0.5,0 --conditions none,system,few-shot -o conditions",
    "blockcert generate demo --prompts base --surrogates demo.blockcert --surrogate-blocks 11",
    "blockcert-engine serve",
};

// The demo model's name stands for a tiny one, where the example works on any model.
const std::vector<std::string> onATinyModel = {
    "blockcert experiment blocks demo -o demo-blocks",
    "blockcert verify demo-blocks/runs/exact.blockcert",
};

// A verifier that finds a block short of its policy did its work (docs/guide.md): traces hold no losses.
bool isWell(const Outcome& outcome, const std::string& example)
{
    const bool judges = example.starts_with("blockcert verify") || example.find("--verify") != std::string::npos;
    return outcome.status == 0 || (judges && outcome.status == 6);
}

bool isIn(const std::vector<std::string>& list, const std::string& example)
{
    return std::ranges::find(list, example) != list.end();
}

class Examples : public testing::Test {
protected:
    // What the examples take for given: a model of one's own, its trace, and finished runs.
    void SetUp() override
    {
        writeFile(m_folder / "folder/made", "");
        ASSERT_EQ(at("blockcert certify demo --blocks 0,15,29 --prompts base -o finished.blockcert --quiet").status, 0);
        fs::create_directory_symlink(data("models/llama-gqa"), m_folder / "folder/my-model");
        fs::create_symlink(data("traces/llama-gqa.safetensors"), m_folder / "folder/recorded.safetensors");
    }

    [[nodiscard]] Outcome at(const std::string& script, const std::string& environment = {}) const
    {
        return runShell("cd '" + (m_folder / "folder").string() + "' && " + environment + script);
    }

    // One verb's examples follow each other in a folder as a reader would have it before them.
    void prepare(const std::string& verb) const
    {
        std::vector<std::string> given = {"demo.blockcert",  "low-rank.blockcert", "before.blockcert",
                                          "after.blockcert", "a.blockcert",        "b.blockcert"};
        std::string script = "rm -rf *.html *.json tokens.csv arrays demo.failures";
        for (const std::string& run : given)
            script += " " + run;
        for (const std::string& run : given)
            if (verb != "certify")
                script += " && cp -r finished.blockcert " + run;
        if (verb == "import")
            script += " && blockcert import trace recorded.safetensors --model ./my-model -o made.blockcert"
                      " && blockcert export npz made.blockcert -o arrays";
        if (verb == "stitch")
            script += " && rm -r demo.blockcert && blockcert certify demo --blocks 3-5 --prompts base --loss none "
                      "-o demo.blockcert";
        const Outcome outcome = at(script);
        ASSERT_EQ(outcome.status, 0) << outcome.err;
    }

    TemporaryFolder m_folder;
};

}

TEST_F(Examples, OfEveryVerbRunAsTheyAreWritten)
{
    const std::string tiny = "BLOCKCERT_DEMO_MODEL='" + data("models/llama-gqa").string() + "' ";
    int run = 0;
    for (const command_line::VerbDescription& verb : command_line::verbs()) {
        prepare(verb.name);
        for (const std::string& example : verb.examples) {
            if (isIn(takesMinutes, example))
                continue;
            const Outcome outcome = at(example, isIn(onATinyModel, example) ? tiny : "");
            EXPECT_TRUE(isWell(outcome, example)) << example << ": " << outcome.status << " " << outcome.err;
            ++run;
        }
    }
    EXPECT_GE(run, 25);
}

TEST(ExamplesOfTheGuide, NameTheSameFailures)
{
    const std::string guide = readFile(fs::path(std::getenv("BLOCKCERT_SOURCE")) / "docs/guide.md");
    for (const std::string& example : command_line::findVerb("failures")->examples)
        EXPECT_THAT(guide, testing::HasSubstr("\n" + example + "\n"));
}
