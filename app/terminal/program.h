// The frame around every verb: output as text or JSON, progress, Ctrl+C, and one sentence for every fault.
#pragma once

#include "app/command_line/parsed_command.h"
#include "app/terminal/text_style.h"
#include "engine/base/run_context.h"
#include "engine/base/strict_json.h"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace blockcert::terminal {

// What a verb gives back: the documented JSON, and the exit code that goes with it.
struct VerbResult {
    Json value;
    int exitCode = 0;
};

// What a person sees instead of the JSON.
struct Page {
    Style style;
    int width = 100;      // of sentences, which are wrapped
    int tableWidth = 100; // of tables, which are cut or folded; 0: as wide as they are, for files and pipes
};

struct Verb {
    std::string name;
    std::function<VerbResult(const command_line::ParsedCommand&, const RunContext&)> work;
    // Text for standard output.
    std::function<std::string(const Json&, const command_line::ParsedCommand&, const Page&)> render;
    // The key of the last --jsonl line.
    std::string finalKey = "result";
    // What to say after Ctrl+C, and where disk or memory gave out: such as how to resume; may be empty.
    std::function<std::string(const command_line::ParsedCommand&)> afterInterrupt;
};

// Runs one verb to its end; the exit code. Never throws.
[[nodiscard]] int runVerb(const Verb& verb, const command_line::ParsedCommand& command);

// Says a fault in the form that the arguments ask for; the exit code.
[[nodiscard]] int reportFault(const std::exception_ptr& thrown, bool asJson, bool onOneLine = false);

// Prints help or the version if that is what was wished; true if so. Throws FileError like print().
[[nodiscard]] bool printedWish(const command_line::ParsedCommand& command);

// Writes to standard output at once. Throws FileError if it is not taken.
void print(std::string_view text);

// The page that standard output is.
[[nodiscard]] Page pageOfOutput();

// What both programs do before anything else: a file that grows too large becomes an error of the write and not a
// signal. Throws FileError if the current folder is gone, which libraries do not survive.
void prepareProgram();

}
