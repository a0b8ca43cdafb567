// What every verb of `blockcert` is called with: the one description behind parsing, help, manual and completion.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace blockcert::command_line {

enum class ValueKind : std::uint8_t { Flag, Text, Integer, Number, Choice, File, Folder, Model, Prompts };

struct OptionDescription {
    std::string name;      // "--dtype"; without dashes a positional argument such as "MODEL"
    std::string shortName; // "-o", or empty
    ValueKind kind = ValueKind::Text;
    std::string value;                // what help calls the value: "FILE"; empty for flags and choices
    std::vector<std::string> choices; // of ValueKind::Choice, and suggestions for the other kinds
    std::string fallback;             // the default, as text; empty: none
    std::string help;                 // one sentence without its full stop
    bool required = false;
    bool isSigned = false;   // of ValueKind::Number: any finite one, instead of one from 0 on
    bool repeatable = false; // then ParsedCommand keeps all values
    std::int64_t least = 0;  // of ValueKind::Integer, both included
    std::int64_t most = std::numeric_limits<std::int64_t>::max();

    [[nodiscard]] bool isPositional() const { return name.front() != '-'; }

    // "max_tokens" for "--max-tokens": the name in JSON parameters and in ParsedCommand.
    [[nodiscard]] std::string key() const;
};

enum class Program : std::uint8_t { CommandLine, Engine };

struct VerbDescription {
    std::string name;
    std::string summary;           // one line
    std::vector<std::string> text; // paragraphs for `help VERB` and the manual
    Program program = Program::CommandLine;
    std::vector<OptionDescription> arguments;
    std::vector<std::string> examples; // whole command lines
    bool internal = false;             // left out of help and completion
};

// All verbs in the order of help; those of the engine are executed by `blockcert-engine`.
[[nodiscard]] const std::vector<VerbDescription>& verbs();

// Null if there is none of this name.
[[nodiscard]] const VerbDescription* findVerb(std::string_view name);

struct ExitCodeDescription {
    int code;
    std::string_view meaning;
};

// docs/run-directory.md, "Exit codes".
[[nodiscard]] const std::vector<ExitCodeDescription>& exitCodes();

struct VariableDescription {
    std::string_view name;
    std::string_view meaning;
};

// The environment variables that the programs read.
[[nodiscard]] const std::vector<VariableDescription>& environmentVariables();

}
