#include "app/cli/verbs.h"
#include "app/terminal/run_report.h"
#include "app/terminal/surroundings.h"
#include "app/terminal/weight_report.h"
#include "engine/base/error.h"
#include "engine/protocol/experiment_listing.h"
#include "engine/protocol/run_listing.h"

#include <string>

namespace blockcert::cli {

namespace {

using command_line::ParsedCommand;
using terminal::Page;
using terminal::Tone;

terminal::VerbResult show(const ParsedCommand& command, const RunContext& context)
{
    if (protocol::isExperiment(command.text("RUN"))) {
        for (const char* option : {"tokens", "weights"})
            if (command.has(option))
                throw UsageError("--" + std::string(option) +
                                 " is of runs; those of an experiment lie in its folder runs.");
        return {protocol::showExperiment(command.text("RUN")), 0};
    }
    protocol::ShowOptions options;
    options.tokens = command.has("tokens");
    options.weights = command.has("weights");
    options.childProgram = terminal::thisProgram();
    options.locations = terminal::modelLocations();
    Json listing = protocol::showRun(command.text("RUN"), options, context);
    const bool damaged = listing.at("damaged");
    return {std::move(listing), damaged ? static_cast<int>(ExitCode::InputUnreadable) : 0};
}

// The headline; the tables are in README.md and the CSV files, made to be read.
std::string renderExperiment(const Json& listing, const Page& page)
{
    const std::string out = terminal::visible(listing.at("out").get<std::string>());
    std::string text;
    if (const Json& result = listing.at("result"); !result.is_null()) {
        for (const char* key : {"title", "scope", "headline"})
            text += terminal::wrap(terminal::visible(result.at(key).get<std::string>()), page.width, 0) + "\n";
        text += "\n" + page.style.paint(Tone::Quiet, "read       ") + out + "/README.md\n" +
                page.style.paint(Tone::Quiet, "check it   ") + out + "/commands.txt\n";
    }
    if (!listing.at("complete").get<bool>())
        text += page.style.paint(Tone::Warning, "Unfinished.") +
                " Continue it with the command that began it and --resume.\n";
    for (const Json& problem : listing.at("problems"))
        text += page.style.paint(Tone::Bad, "Problem  ") +
                terminal::wrap(terminal::visible(problem.get<std::string>()), page.width, 2) + "\n";
    return text;
}

}

terminal::Verb showVerb()
{
    return {"show",
            show,
            [](const Json& listing, const ParsedCommand& command, const Page& page) {
                if (!listing.contains("manifest"))
                    return renderExperiment(listing, page);
                return terminal::renderRun(listing, page) +
                       (command.has("weights") ? terminal::renderWeights(listing, page) : "");
            },
            "result",
            {}};
}

}
