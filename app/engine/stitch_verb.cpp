#include "app/command_line/equivalent_command.h"
#include "app/command_line/shell_word.h"
#include "app/engine/request_options.h"
#include "app/engine/verbs.h"
#include "app/terminal/stitch_report.h"
#include "app/terminal/surroundings.h"
#include "app/terminal/text_style.h"

namespace blockcert::engine {

namespace {

using command_line::ParsedCommand;
using terminal::Tone;

// What is recorded does not depend on what is printed.
Json withoutTokens(Json request)
{
    request.erase("tokens");
    return request;
}

terminal::VerbResult stitch(const pipeline::Host& host, const ParsedCommand& command, const RunContext& context)
{
    const double begin = terminal::steadySeconds();
    const Json request = command.parameters();
    pipeline::StitchOptions options = stitchOptions(request);
    options.created = terminal::creationTime();
    options.commandLine = command_line::equivalentCommand(*command.verb, withoutTokens(request));
    pipeline::ModelCache cache(host);
    Json result = pipeline::stitch(options, cache, context);
    result["seconds"] = terminal::steadySeconds() - begin;
    return {std::move(result), 0};
}

std::string render(const Json& result, const ParsedCommand&, const terminal::Page& page)
{
    const std::string run = command_line::shellWord(result.at("run").get<std::string>());
    std::string text = terminal::renderStitch(result, page) + "\n";
    if (!result.at("written").get<bool>())
        return text + "Measured only: the run is as it was.\n";
    if (result.at("already").get<bool>())
        text += "This stitched model was already in the run; nothing was done.\n";
    text +=
        page.style.paint(Tone::Quiet, "written to ") + terminal::visible(result.at("path").get<std::string>()) + "\n";
    return text + page.style.paint(Tone::Quiet, "check it   ") + "blockcert verify " + terminal::visible(run) + "\n";
}

}

terminal::Verb stitchVerb(const pipeline::Host& host)
{
    return {"stitch",
            [&host](const ParsedCommand& command, const RunContext& context) { return stitch(host, command, context); },
            render, "result", [](const ParsedCommand&) { return "The run is as it was; nothing was added."; }};
}

}
