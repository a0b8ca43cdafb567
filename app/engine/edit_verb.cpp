#include "app/engine/edit_request.h"
#include "app/engine/recorded_verb.h"
#include "app/engine/verbs.h"
#include "app/terminal/edit_report.h"
#include "app/terminal/report_parts.h"

namespace blockcert::engine {

namespace {

using command_line::ParsedCommand;

std::string render(const Json& result, const ParsedCommand&, const terminal::Page& page)
{
    std::string text = terminal::renderEdit(result, page) + "\n";
    if (result.at("already").get<bool>())
        text += "This edit was already in the run; nothing was done.\n";
    return text + terminal::addedToRun(result, page);
}

}

terminal::Verb editVerb(const pipeline::Host& host)
{
    return {"edit",
            [&host](const ParsedCommand& command, const RunContext& context) {
                const Json request = command.parameters();
                return recordedVerb(host, command, request, editOptions(request), pipeline::edit, context);
            },
            render, "result",
            [](const ParsedCommand&) {
                return "No edit was added; a run that was being made is continued by the same command.";
            }};
}

}
