#include "app/engine/recorded_verb.h"
#include "app/engine/request_options.h"
#include "app/engine/verbs.h"
#include "app/terminal/report_parts.h"
#include "app/terminal/stitch_report.h"
#include "engine/base/error.h"

namespace blockcert::engine {

namespace {

using command_line::ParsedCommand;

// What is recorded does not depend on what is printed.
Json withoutTokens(Json request)
{
    request.erase("tokens");
    return request;
}

std::string render(const Json& result, const ParsedCommand&, const terminal::Page& page)
{
    std::string text = terminal::renderStitch(result, page);
    text += terminal::titledBullets(result.at("notes"), "What should be known", terminal::Tone::Strong, page) + "\n";
    if (!result.at("written").get<bool>())
        return text + "Measured only: the run is as it was.\n";
    if (result.at("already").get<bool>())
        text += "This stitched model was already in the run; nothing was done.\n";
    return text + terminal::addedToRun(result, page);
}

}

terminal::Verb stitchVerb(const pipeline::Host& host)
{
    return {"stitch",
            [&host](const ParsedCommand& command, const RunContext& context) {
                const Json request = command.parameters();
                if (command.has("tokens") && !command.has("json") && !command.has("jsonl"))
                    throw UsageError(
                        "--tokens puts the numbers of every token into the JSON; add --json or --jsonl, or "
                        "leave it out.");
                return recordedVerb(host, command, withoutTokens(request), stitchOptions(request), pipeline::stitch,
                                    context);
            },
            render, "result", [](const ParsedCommand&) { return "The run is as it was; nothing was added."; }};
}

}
