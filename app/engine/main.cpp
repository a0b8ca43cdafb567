// The engine: the verbs that need LibTorch, one at a time or as a server for the window.

#include "app/command_line/parsed_command.h"
#include "app/engine/serve.h"
#include "app/engine/verbs.h"
#include "app/terminal/program.h"
#include "app/terminal/surroundings.h"
#include "engine/base/error.h"
#include "engine/pipeline/pipeline.h"

#include <algorithm>
#include <string>
#include <vector>

namespace {

using namespace blockcert;
using command_line::ParsedCommand;

int runHeavyVerb(const ParsedCommand& command, const pipeline::Host& host)
{
    const std::string& name = command.verb->name;
    if (name == "serve")
        return engine::serve(host);
    for (const terminal::Verb& verb :
         {engine::certifyVerb(host), engine::stitchVerb(host), engine::editVerb(host), engine::sweepVerb(host),
          engine::exportEditVerb(host), engine::experimentVerb(host), engine::evaluateVerb(host),
          engine::generateVerb(host), engine::doctorVerb(host), engine::minimiseVerb(host)})
        if (verb.name == name)
            return terminal::runVerb(verb, command);
    throw UsageError("blockcert-engine has no verb " + name + "; that is a verb of blockcert.");
}

}

int main(int argc, char** argv)
{
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    try {
        terminal::prepareProgram();
        const ParsedCommand command = command_line::parseCommandLine(arguments);
        if (terminal::printedWish(command))
            return 0;
        pipeline::prepareProcess();
        const pipeline::Host host{terminal::modelLocations(), terminal::toolVersion(), terminal::toolBuild(),
                                  terminal::siblingProgram("blockcert")};
        return runHeavyVerb(command, host);
    } catch (...) {
        return terminal::reportFault(std::current_exception(), command_line::asksForJson(arguments),
                                     std::ranges::find(arguments, "--jsonl") != arguments.end());
    }
}
