// What the options of several verbs are made of, and the options that several verbs share, each described once.
#pragma once

#include "app/command_line/verb_description.h"

#include <cstdint>
#include <string>
#include <vector>

namespace blockcert::command_line {

using Arguments = std::vector<OptionDescription>;

// What an option is made of.
[[nodiscard]] OptionDescription flag(std::string name, std::string help);
[[nodiscard]] OptionDescription valued(std::string name, ValueKind kind, std::string value, std::string fallback,
                                       std::string help);
[[nodiscard]] OptionDescription choice(std::string name, std::vector<std::string> choices, std::string fallback,
                                       std::string help);
[[nodiscard]] OptionDescription required(OptionDescription option);
[[nodiscard]] OptionDescription repeatable(OptionDescription option);
[[nodiscard]] OptionDescription shortened(std::string shortName, OptionDescription option);
[[nodiscard]] OptionDescription within(std::int64_t least, std::int64_t most, OptionDescription option);
[[nodiscard]] Arguments operator+(Arguments left, const Arguments& right);

// Options that several verbs share. The words differ where a verb means something of its own by them.
[[nodiscard]] OptionDescription model();
[[nodiscard]] OptionDescription prompts(bool needed);
[[nodiscard]] OptionDescription threads();
[[nodiscard]] OptionDescription maxTokens();
[[nodiscard]] OptionDescription run(ValueKind kind, std::string help);
[[nodiscard]] OptionDescription kind(std::vector<std::string> choices, std::string help);
[[nodiscard]] OptionDescription promptsToComplete();
[[nodiscard]] OptionDescription out(ValueKind kind, std::string value, std::string help);
[[nodiscard]] OptionDescription otherModel(std::string name, std::string help);
[[nodiscard]] OptionDescription blocks();
[[nodiscard]] OptionDescription nameInRun();
[[nodiscard]] OptionDescription device();
[[nodiscard]] OptionDescription maxNew(std::string help);
[[nodiscard]] OptionDescription replayDtype(std::string help);
[[nodiscard]] OptionDescription embedWeights();
[[nodiscard]] OptionDescription dryRun();
[[nodiscard]] OptionDescription policyFile();
[[nodiscard]] OptionDescription tauAct();
[[nodiscard]] OptionDescription tauLoss();
[[nodiscard]] OptionDescription tauRel();
[[nodiscard]] OptionDescription alphaAct();
[[nodiscard]] OptionDescription alphaLoss();
[[nodiscard]] OptionDescription errorMeasure();

}
