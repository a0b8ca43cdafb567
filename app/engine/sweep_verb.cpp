#include "app/command_line/equivalent_command.h"
#include "app/command_line/shell_word.h"
#include "app/engine/edit_request.h"
#include "app/engine/verbs.h"
#include "app/terminal/edit_report.h"
#include "app/terminal/surroundings.h"
#include "app/terminal/text_style.h"

namespace blockcert::engine {

namespace {

using command_line::ParsedCommand;
using terminal::Tone;

terminal::VerbResult sweep(const pipeline::Host& host, const ParsedCommand& command, const RunContext& context)
{
    const double begin = terminal::steadySeconds();
    const Json request = command.parameters();
    pipeline::SweepOptions options = sweepOptions(request);
    options.created = terminal::creationTime();
    options.commandLine = command_line::equivalentCommand(*command.verb, request);
    pipeline::ModelCache cache(host);
    Json result = pipeline::sweep(options, cache, context);
    result["seconds"] = terminal::steadySeconds() - begin;
    return {std::move(result), 0};
}

std::string render(const Json& result, const ParsedCommand&, const terminal::Page& page)
{
    return terminal::renderSweep(result, page) + "\n" + page.style.paint(Tone::Quiet, "written to ") +
           terminal::visible(result.at("out").get<std::string>()) + "\n";
}

}

terminal::Verb sweepVerb(const pipeline::Host& host)
{
    return {"sweep",
            [&host](const ParsedCommand& command, const RunContext& context) { return sweep(host, command, context); },
            render, "result",
            [](const ParsedCommand& command) {
                return "Finished rows are kept; continue with --resume -o " +
                       command_line::shellWord(command.text("out")) + ".";
            }};
}

}
