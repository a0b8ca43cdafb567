#include "app/command_line/equivalent_command.h"
#include "app/command_line/help_text.h"
#include "app/command_line/parsed_command.h"
#include "app/command_line/shell_word.h"
#include "engine/base/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

using namespace blockcert;
using namespace blockcert::command_line;
using testing::HasSubstr;

namespace {

ParsedCommand parse(const std::vector<std::string>& arguments)
{
    return parseCommandLine(arguments);
}

std::string problemOf(const std::vector<std::string>& arguments)
{
    try {
        (void)parse(arguments);
    } catch (const UsageError& error) {
        return error.what();
    }
    return "";
}

const std::vector<std::string> minimal = {"certify", "demo", "--blocks", "0", "--prompts", "base", "-o", "run"};

std::vector<std::string> certifyWith(std::initializer_list<std::string> more)
{
    std::vector<std::string> arguments = minimal;
    arguments.insert(arguments.end(), more);
    return arguments;
}

}

TEST(CommandLine, ReadsPositionalsOptionsFlagsAndShortNames)
{
    const ParsedCommand command =
        parse({"certify", "demo", "--blocks=0,5", "--prompts", "base", "-o", "my run", "--resume"});
    EXPECT_EQ(command.verb->name, "certify");
    EXPECT_EQ(command.text("MODEL"), "demo");
    EXPECT_EQ(command.text("blocks"), "0,5");
    EXPECT_EQ(command.text("out"), "my run");
    EXPECT_TRUE(command.has("resume"));
    EXPECT_FALSE(command.has("dry_run"));
}

TEST(CommandLine, TakesPositionalsAfterOptionsToo)
{
    EXPECT_EQ(parse({"verify", "--level", "0", "run"}).text("RUN"), "run");
    EXPECT_EQ(parse({"verify", "--quiet", "run"}).text("RUN"), "run");
    EXPECT_EQ(parse({"verify", "--expect-model", "a", "run"}).texts("expect_model"), std::vector<std::string>{"a"});
}

TEST(CommandLine, FillsInTheDocumentedDefaults)
{
    const ParsedCommand command = parse(minimal);
    EXPECT_EQ(command.text("dtype"), "fp32");
    EXPECT_EQ(command.text("loss"), "exact");
    EXPECT_EQ(command.integer("max_tokens"), 256);
    EXPECT_EQ(parse({"verify", "run"}).text("level"), "3");
    EXPECT_EQ(parse({"generate", "demo", "--prompts", "base"}).integer("max_new"), 64);
}

TEST(CommandLine, GivesParametersInTheProtocolsForm)
{
    EXPECT_EQ(
        parse(certifyWith({"--tau-act", "1e-3", "--seed", "7", "--embed-weights", "--json", "--quiet"})).parameters(),
        Json({{"model", "demo"},
              {"blocks", "0"},
              {"prompts", "base"},
              {"out", "run"},
              {"tau_act", 1e-3},
              {"seed", 7},
              {"embed_weights", true}}));
}

TEST(CommandLine, RefusesValuesThatDoNotFit)
{
    EXPECT_THAT(problemOf(certifyWith({"--dtype", "int4"})), HasSubstr("none of fp32, bf16, fp16"));
    EXPECT_THAT(problemOf(certifyWith({"--seed", "x"})), HasSubstr("no whole number"));
    EXPECT_THAT(problemOf(certifyWith({"--seed", "-1"})), HasSubstr("--seed"));
    EXPECT_THAT(problemOf(certifyWith({"--tau-act", "nan"})), HasSubstr("no number"));
    EXPECT_THAT(problemOf(certifyWith({"--tau-act", "0.1x"})), HasSubstr("no number"));
    EXPECT_THAT(problemOf({"verify", "run", "--level", "5"}), HasSubstr("none of 0, 1, 2, 3, 4"));
}

TEST(CommandLine, NamesWhatIsMissing)
{
    EXPECT_THAT(problemOf({"open"}), HasSubstr("open needs MODEL"));
    EXPECT_THAT(problemOf({"certify", "demo", "--prompts", "base", "-o", "run"}), HasSubstr("--blocks"));
    EXPECT_THAT(problemOf(certifyWith({"--seed"})), HasSubstr("--seed"));
}

TEST(CommandLine, SuggestsTheNearestVerbAndOption)
{
    EXPECT_THAT(problemOf({"verfy", "run"}), HasSubstr("did you mean verify?"));
    EXPECT_THAT(problemOf(certifyWith({"--block", "1"})), HasSubstr("did you mean --blocks?"));
    EXPECT_THAT(problemOf({"paint"}), HasSubstr("this version has open"));
    EXPECT_THAT(problemOf({"--quiet", "open"}), HasSubstr("verb comes first"));
    EXPECT_THAT(problemOf({"version"}), HasSubstr("did you mean --version?"));
}

TEST(CommandLine, RefusesArgumentsTwiceAndTooMany)
{
    EXPECT_EQ(problemOf(certifyWith({"--seed", "1", "--seed", "2"})), "--seed is given 2 times; give it once.");
    EXPECT_THAT(problemOf(certifyWith({"--seed"})), HasSubstr("--seed needs a value"));
    EXPECT_THAT(problemOf(certifyWith({"--seed="})), HasSubstr("--seed= has no value"));
    EXPECT_EQ(parse({"tokenize", "demo", "--text", ""}).texts("text"), std::vector<std::string>{""});
    EXPECT_THAT(problemOf({"open", "demo", "demo"}), HasSubstr("too many"));
    EXPECT_EQ(parse({"verify", "run", "--expect-model", "a", "--expect-model", "b"}).texts("expect_model"),
              (std::vector<std::string>{"a", "b"}));
}

TEST(CommandLine, RefusesOptionsThatContradictEachOther)
{
    EXPECT_THAT(problemOf({"open", "demo", "--json", "--jsonl"}), HasSubstr("--json and --jsonl"));
    EXPECT_THAT(problemOf({"open", "demo", "--quiet", "--verbose"}), HasSubstr("--quiet and --verbose"));
    EXPECT_EQ(problemOf({"open", "demo", "--json", "--quiet"}), "");
}

// What scales and what is added may turn the sign; a tolerance may not.
TEST(CommandLine, TakesAnyFiniteNumberAsAStrength)
{
    for (const auto& [option, key] :
         {std::pair{"--scale-mlp", "scale_mlp"}, std::pair{"--scale-attn", "scale_attn"},
          std::pair{"--add-direction", "add_direction"}, std::pair{"--scale-direction", "scale_direction"},
          std::pair{"--strength", "strength"}}) {
        EXPECT_EQ(parse({"edit", "demo", option, "-0.5", "-o", "run"}).parameters().at(key), -0.5);
        EXPECT_THAT(problemOf({"edit", "demo", option, "inf", "-o", "run"}), HasSubstr("no finite number"));
    }
    EXPECT_EQ(parse({"sweep", "demo", "--blocks", "1", "--alphas", "-1:1:0.5", "-o", "s"}).parameters().at("alphas"),
              "-1:1:0.5");
    EXPECT_THAT(problemOf(certifyWith({"--tau-act", "-1"})), HasSubstr("no number from 0 on"));
}

TEST(CommandLine, RefusesWholeNumbersOutsideTheirRange)
{
    EXPECT_THAT(problemOf({"verify", "run", "--threads", "0"}), HasSubstr("from 1 to 1024"));
    EXPECT_THAT(problemOf({"verify", "run", "--threads", "1025"}), HasSubstr("from 1 to 1024"));
    EXPECT_EQ(problemOf({"verify", "run", "--threads", "1024"}), "");
    EXPECT_THAT(problemOf({"verify", "run", "--cells", "0"}), HasSubstr("from 1 on"));
    EXPECT_THAT(problemOf(certifyWith({"--max-tokens", "0"})), HasSubstr("from 1 to 1048576"));
    EXPECT_THAT(problemOf({"generate", "demo", "--prompts", "base", "--max-new", "0"}), HasSubstr("--max-new"));
    EXPECT_EQ(problemOf(certifyWith({"--seed", "0"})), "");
}

TEST(CommandLine, RefusesArgumentsInAnotherEncoding)
{
    EXPECT_THAT(problemOf({"show", "r\xe9sum\xe9"}), HasSubstr("UTF-8"));
    EXPECT_THAT(problemOf({"tokenize", "demo", "--text", "\xff"}), HasSubstr("write a text in UTF-8"));
    EXPECT_EQ(problemOf({"show", "r\xc3\xa9sum\xc3\xa9"}), "");
}

TEST(CommandLine, HearsWishesForHelpAndVersion)
{
    EXPECT_EQ(parse({}).wish, ParsedCommand::Wish::Help);
    EXPECT_EQ(parse({"--version"}).wish, ParsedCommand::Wish::Version);
    EXPECT_EQ(parse({"open", "--help"}).wish, ParsedCommand::Wish::Help);
    EXPECT_EQ(parse({"help", "verify"}).verb->name, "verify");
    EXPECT_EQ(parse({"--help", "verify"}).verb->name, "verify");
    for (const char* word : {"help", "--help", "-h"})
        EXPECT_EQ(parse({"help", word}).verb, nullptr) << word;
    EXPECT_THAT(problemOf({"help", "verify", "open"}), HasSubstr("\"open\" is one argument too many"));
    EXPECT_THAT(problemOf({"--version", "now"}), HasSubstr("\"now\" is one argument too many"));
    EXPECT_TRUE(parse({"--version", "--json"}).has("json"));
    EXPECT_THAT(problemOf({"--version", "--json", "--json"}), HasSubstr("one argument too many"));
    EXPECT_THAT(problemOf({"help", "paint"}), HasSubstr("no verb"));
}

TEST(CommandLine, HelpSaysWhichCertificatesAreVerified)
{
    for (const std::string& text : {helpText(parse({"help", "verify"}).verb, 400), manualPage("1.2.3")}) {
        EXPECT_THAT(text, HasSubstr("certificates of blocks, stitched models and edits"));
        EXPECT_THAT(text, HasSubstr("certificate.json of one block, stitched model or edit"));
    }
}

TEST(CommandLine, HelpManualAndCompletionNameEveryVerbAndOption)
{
    const std::string manual = manualPage("1.2.3");
    for (const VerbDescription& verb : verbs()) {
        if (verb.internal)
            continue;
        EXPECT_THAT(helpText(nullptr, 100), HasSubstr("  " + verb.name + " "));
        EXPECT_THAT(manual, HasSubstr(".SS blockcert " + verb.name));
        for (const OptionDescription& option : verb.arguments) {
            EXPECT_THAT(helpText(&verb, 100), HasSubstr(option.name));
            EXPECT_FALSE(option.help.empty()) << verb.name << " " << option.name;
            if (option.isPositional())
                continue;
            EXPECT_THAT(completionScript("bash"), HasSubstr(option.name));
            EXPECT_THAT(completionScript("zsh"), HasSubstr(option.name + "["));
            EXPECT_THAT(completionScript("fish"), HasSubstr("-l " + option.name.substr(2)));
        }
    }
    EXPECT_THROW((void)completionScript("tcsh"), UsageError);
}

TEST(CommandLine, HelpSaysWhatAFirstOrderEstimateIsNot)
{
    const std::string help = helpText(findVerb("certify"), 2000);
    EXPECT_THAT(help, HasSubstr("first-order: an estimate of the loss's change"));
    EXPECT_THAT(help, HasSubstr("no coverage, so that no block is certified"));
}

TEST(CommandLine, HelpKeepsToTheWidthOfTheTerminal)
{
    for (const VerbDescription& verb : verbs()) {
        const std::string text = helpText(&verb, 72);
        for (std::size_t at = 0; at < text.size();) {
            const std::size_t end = text.find('\n', at);
            const std::string line = text.substr(at, end - at);
            // Usage, examples and single long words are left whole, so that they can be copied.
            if (!line.starts_with("  blockcert") && !line.starts_with("Usage:")) {
                EXPECT_LE(line.size(), 76U) << line;
            }
            at = end + 1;
        }
    }
}

TEST(ShellWord, QuotesOnlyWhatTheShellWouldRead)
{
    EXPECT_EQ(shellWord("demo.blockcert/run_1"), "demo.blockcert/run_1");
    EXPECT_EQ(shellWord(""), "''");
    EXPECT_EQ(shellWord("my run"), "'my run'");
    EXPECT_EQ(shellWord("été"), "'été'");
    EXPECT_EQ(shellWord("it's"), "'it'\\''s'");
    EXPECT_EQ(shellWord("$(rm)"), "'$(rm)'");
    EXPECT_EQ(shellWord("a\nb\t'\\"), "$'a\\nb\\t\\'\\\\'");
    EXPECT_EQ(shellWord("\x1b[2J"), "$'\\x1b[2J'");
    EXPECT_EQ(shellWord("é\u202ex"), "$'é\\xe2\\x80\\xaex'"); // turns the direction of what follows
    EXPECT_EQ(shellWord("\xff"), "$'\\xff'");
}

TEST(ShellWord, IsReadBackByBash)
{
    const std::string name = "a b'c\"d\\e\nf\tg\x1b\u202e\xff$(x)`y`é!*?~#&;|<>";
    const std::string command = "[ " + shellWord(name) + " = \"$NAME\" ]";
    ::setenv("NAME", name.c_str(), 1);
    ::setenv("COMMAND", command.c_str(), 1);
    EXPECT_EQ(std::system("LC_ALL=C.UTF-8 bash -c \"$COMMAND\""), 0) << command;
}

TEST(EquivalentCommand, IsTheCommandThatAsksForTheSame)
{
    const std::vector<std::string> arguments =
        certifyWith({"--dtype", "bf16", "--embed-weights", "--tau-act", "0.5", "--resume"});
    const std::string command = equivalentCommand(*findVerb("certify"), parse(arguments).parameters());
    EXPECT_EQ(command,
              "blockcert certify demo --blocks 0 --prompts base -o run --embed-weights --tau-act 0.5 --dtype bf16");
}

TEST(EquivalentCommand, FlattensThePolicyAndNamesTypedPrompts)
{
    const Json request = {{"model", "my model"},
                          {"blocks", "all"},
                          {"content", "Hello."},
                          {"format", "txt"},
                          {"name", "mine"},
                          {"out", "it's"},
                          {"policy", {{"tau_act", 0.01}, {"error", "relative-l2"}}}};
    EXPECT_EQ(equivalentCommand(*findVerb("certify"), request),
              "blockcert certify 'my model' --blocks all --prompts mine.txt -o 'it'\\''s' --tau-act 0.01 --error "
              "relative-l2");
}
