// The command line: light verbs are done here, heavy ones by blockcert-engine.

#include "app/cli/engine_process.h"
#include "app/cli/verbs.h"
#include "app/command_line/help_text.h"
#include "app/command_line/parsed_command.h"
#include "app/terminal/program.h"
#include "app/terminal/surroundings.h"
#include "engine/artifact/tensor_archive.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace blockcert;
using command_line::ParsedCommand;
using command_line::Program;

int runLightVerb(const ParsedCommand& command)
{
    const std::string& name = command.verb->name;
    if (name == "completion") {
        terminal::print(command_line::completionScript(command.text("SHELL")));
        return 0;
    }
    if (name == "man") {
        terminal::print(command_line::manualPage(terminal::toolVersion()));
        return 0;
    }
    for (const terminal::Verb& verb :
         {cli::openVerb(), cli::tokenizeVerb(), cli::showVerb(), cli::verifyVerb(), cli::doctorVerb(), cli::diffVerb(),
          cli::failuresVerb(), cli::importVerb(), cli::exportVerb(), cli::reportVerb()})
        if (verb.name == name)
            return terminal::runVerb(verb, command);
    return static_cast<int>(ExitCode::Usage);
}

}

int main(int argc, char** argv)
{
    // The archive reader's child: nothing may come before it, it starts once for every archive.
    if (argc == 2 && std::string_view(argv[1]) == "--archive-reader")
        return artifact::runArchiveReaderChild();

    const std::vector<std::string> arguments(argv + 1, argv + argc);
    try {
        terminal::prepareProgram();
        const ParsedCommand command = command_line::parseCommandLine(arguments);
        if (terminal::printedWish(command))
            return 0;
        // To drop tokens from a prompt, the model has to run again.
        const bool minimises = command.verb->name == "failures" && command.has("minimise");
        // Whether an edited checkpoint is what was measured, only running it can tell.
        const bool exportsModel = command.verb->name == "export" && command.text("KIND") == "model";
        if (command.verb->program == Program::Engine || minimises || exportsModel)
            cli::becomeEngine(arguments);
        return runLightVerb(command);
    } catch (...) {
        return terminal::reportFault(std::current_exception(), command_line::asksForJson(arguments),
                                     std::ranges::find(arguments, "--jsonl") != arguments.end());
    }
}
