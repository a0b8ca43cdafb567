#include "app/cli/verbs.h"
#include "app/terminal/run_report.h"
#include "app/terminal/surroundings.h"
#include "app/terminal/weight_report.h"
#include "engine/protocol/run_listing.h"

namespace blockcert::cli {

namespace {

using command_line::ParsedCommand;

terminal::VerbResult show(const ParsedCommand& command, const RunContext& context)
{
    protocol::ShowOptions options;
    options.tokens = command.has("tokens");
    options.weights = command.has("weights");
    options.childProgram = terminal::thisProgram();
    options.locations = terminal::modelLocations();
    return {protocol::showRun(command.text("RUN"), options, context), 0};
}

}

terminal::Verb showVerb()
{
    return {"show",
            show,
            [](const Json& listing, const ParsedCommand& command, const terminal::Page& page) {
                return terminal::renderRun(listing, page) +
                       (command.has("weights") ? terminal::renderWeights(listing.at("weights"), page) : "");
            },
            "result",
            {}};
}

}
