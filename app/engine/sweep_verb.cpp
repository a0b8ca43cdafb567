#include "app/command_line/shell_word.h"
#include "app/engine/edit_request.h"
#include "app/engine/recorded_verb.h"
#include "app/engine/verbs.h"
#include "app/terminal/edit_report.h"
#include "app/terminal/text_style.h"

namespace blockcert::engine {

namespace {

using command_line::ParsedCommand;
using terminal::Tone;

std::string render(const Json& result, const ParsedCommand&, const terminal::Page& page)
{
    return terminal::renderSweep(result, page) + "\n" + page.style.paint(Tone::Quiet, "written to ") +
           terminal::visible(result.at("out").get<std::string>()) + "\n";
}

}

terminal::Verb sweepVerb(const pipeline::Host& host)
{
    return {"sweep",
            [&host](const ParsedCommand& command, const RunContext& context) {
                const Json request = command.parameters();
                return recordedVerb(host, command, request, sweepOptions(request), pipeline::sweep, context);
            },
            render, "result",
            [](const ParsedCommand& command) {
                return "Finished rows are kept; continue with --resume -o " +
                       command_line::shellWord(command.text("out")) + ".";
            }};
}

}
