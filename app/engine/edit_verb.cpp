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

terminal::VerbResult edit(const pipeline::Host& host, const ParsedCommand& command, const RunContext& context)
{
    const double begin = terminal::steadySeconds();
    const Json request = command.parameters();
    pipeline::EditOptions options = editOptions(request);
    options.created = terminal::creationTime();
    options.commandLine = command_line::equivalentCommand(*command.verb, request);
    pipeline::ModelCache cache(host);
    Json result = pipeline::edit(options, cache, context);
    result["seconds"] = terminal::steadySeconds() - begin;
    return {std::move(result), 0};
}

std::string render(const Json& result, const ParsedCommand&, const terminal::Page& page)
{
    const std::string run = command_line::shellWord(result.at("run").get<std::string>());
    std::string text = terminal::renderEdit(result, page) + "\n";
    if (result.at("already").get<bool>())
        text += "This edit was already in the run; nothing was done.\n";
    text +=
        page.style.paint(Tone::Quiet, "written to ") + terminal::visible(result.at("path").get<std::string>()) + "\n";
    return text + page.style.paint(Tone::Quiet, "check it   ") + "blockcert verify " + terminal::visible(run) + "\n";
}

}

terminal::Verb editVerb(const pipeline::Host& host)
{
    return {"edit",
            [&host](const ParsedCommand& command, const RunContext& context) { return edit(host, command, context); },
            render, "result",
            [](const ParsedCommand&) {
                return "No edit was added; a run that was being made is continued by the same command.";
            }};
}

}
