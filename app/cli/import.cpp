#include "app/cli/verbs.h"
#include "app/command_line/equivalent_command.h"
#include "app/terminal/number_words.h"
#include "app/terminal/run_report.h"
#include "app/terminal/surroundings.h"
#include "engine/base/error.h"
#include "engine/certificate/policy_file.h"
#include "engine/exchange/import_run.h"
#include "engine/protocol/run_listing.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <system_error>
#include <thread>

namespace blockcert::cli {

namespace {

using command_line::ParsedCommand;

int threadsOf(const ParsedCommand& command)
{
    const auto threads = command.integer("threads").value_or(std::max(1U, std::thread::hardware_concurrency()));
    if (threads < 1 || threads > 1024)
        throw UsageError("The number of threads must be from 1 to 1024, not " + std::to_string(threads) + ".");
    return static_cast<int>(threads);
}

std::string optionOf(std::string key)
{
    std::ranges::replace(key, '_', '-');
    return key;
}

// A policy file, over which single thresholds win.
Policy policyOf(const ParsedCommand& command, const Policy& defaults)
{
    Policy policy =
        command.has("policy") ? certificate::readPolicyFile(command.text("policy"), defaults).policy : defaults;
    const Json given = command.parameters();
    const auto take = [&](const char* key, double& into, double most) {
        if (!given.contains(key))
            return;
        into = given.at(key).get<double>();
        if (!(into >= 0 && into <= most))
            throw UsageError("--" + optionOf(key) + " must be from 0 to " + terminal::plainNumber(most) + ".");
    };
    take("tau_act", policy.tauAct, 1e300);
    take("tau_rel", policy.tauRel, 1e300);
    take("alpha_act", policy.alphaAct, 1);
    if (given.contains("error"))
        policy.measure = given.at("error") == "l2" ? ErrorMeasure::L2 : ErrorMeasure::RelativeL2;
    return policy;
}

Environment environmentOf(int threads)
{
    Environment environment;
    environment.device = "cpu";
    environment.processor = terminal::processorName();
    environment.isa = "plain loops";
    environment.libtorch = "none";
    environment.blas = "none";
    environment.threads = threads;
    environment.tiling = "reference interpreter";
    environment.attention = "of the imported runtime";
    environment.batchInvariant = true; // every prompt is replayed alone
    environment.operatingSystem = terminal::systemName();
    return environment;
}

Json importRun(const ParsedCommand& command, const RunContext& context)
{
    exchange::ImportOptions options;
    options.file = command.text("FILE");
    options.model = command.text("model");
    options.blocks = command.text("blocks");
    options.out = command.text("out");
    options.resume = command.has("resume");
    options.embedWeights = command.has("embed_weights");
    options.policy = [&](const Policy& defaults) { return policyOf(command, defaults); };
    options.threads = threadsOf(command);
    options.locations = terminal::modelLocations();
    options.childProgram = terminal::thisProgram();
    options.created = terminal::creationTime();
    options.commandLine = command_line::equivalentCommand(*command.verb, command.parameters());
    options.toolVersion = terminal::toolVersion();
    options.toolBuild = terminal::toolBuild();
    options.environment = environmentOf(options.threads);
    return command.text("KIND") == "npz" ? exchange::importNpz(options, context)
                                         : exchange::importTrace(options, context);
}

terminal::VerbResult run(const ParsedCommand& command, const RunContext& context)
{
    const double begin = terminal::steadySeconds();
    Json result = importRun(command, context);
    result["seconds"] = terminal::steadySeconds() - begin;
    return {std::move(result), 0};
}

std::string render(const Json& result, const ParsedCommand& command, const terminal::Page& page)
{
    protocol::ShowOptions options;
    options.childProgram = terminal::thisProgram();
    const Json listing = protocol::showRun(command.text("out"), options, RunContext());
    return renderRun(listing, page) + page.style.paint(terminal::Tone::Quiet, "took      ") +
           terminal::duration(result.at("seconds")) + "\n";
}

std::string adviceAfterInterrupt(const ParsedCommand& command)
{
    std::error_code error;
    if (!std::filesystem::exists(std::filesystem::path(command.text("out")) / "run.json", error))
        return "Nothing was written yet.";
    return "What is finished is kept; continue with:\n  " +
           command_line::equivalentCommand(*command.verb, command.parameters()) + " --resume";
}

}

terminal::Verb importVerb()
{
    return {"import", run, render, "result", adviceAfterInterrupt};
}

}
