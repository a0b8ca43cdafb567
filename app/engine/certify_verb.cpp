#include "app/command_line/equivalent_command.h"
#include "app/engine/policy_request.h"
#include "app/engine/request_options.h"
#include "app/engine/verbs.h"
#include "app/terminal/number_words.h"
#include "app/terminal/report_parts.h"
#include "app/terminal/run_report.h"
#include "app/terminal/surroundings.h"
#include "engine/base/error.h"
#include "engine/protocol/run_listing.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace blockcert::engine {

namespace {

using command_line::ParsedCommand;

Json requestOf(const ParsedCommand& command)
{
    Json request = withPolicy(command);
    request.erase("require_certified");
    return request;
}

std::string commandOf(const ParsedCommand& command)
{
    return command_line::equivalentCommand(*command.verb, requestOf(command));
}

int exitCodeOf(const Json& result, const ParsedCommand& command)
{
    if (result.contains("findings") && !result.at("findings").empty())
        return static_cast<int>(ExitCode::CheckFailed); // a block without a certificate
    const bool all = !result.contains("blocks") || std::ranges::all_of(result.at("blocks"), [](const Json& row) {
        return row.at("certified").get<bool>();
    });
    return static_cast<int>(!all && command.has("require_certified") ? ExitCode::PolicyNotMet : ExitCode::Ok);
}

terminal::VerbResult certify(const pipeline::Host& host, const ParsedCommand& command, const RunContext& context)
{
    const double begin = terminal::steadySeconds();
    pipeline::CertifyOptions options = certifyOptions(requestOf(command));
    options.created = terminal::creationTime();
    options.commandLine = commandOf(command);
    pipeline::ModelCache cache(host);
    Json result =
        options.dryRun ? pipeline::estimate(options, cache, context) : pipeline::certify(options, cache, context);
    result["seconds"] = terminal::steadySeconds() - begin;
    const int exitCode = exitCodeOf(result, command);
    return {std::move(result), exitCode};
}

std::string renderEstimate(const Json& estimate, const terminal::Page& page)
{
    std::string text = "This would replay " + terminal::counted(estimate.at("cells"), "cell") + " (" +
                       terminal::counted(estimate.at("tokens"), "token") + "), with about " +
                       terminal::bytes(estimate.at("memory_bytes")) + " of memory, " +
                       terminal::bytes(estimate.at("disk_bytes")) + " of disk and " +
                       terminal::threeDigits(estimate.at("flops").get<double>() / 1e12) +
                       " TFLOP of arithmetic. Nothing was done.\n";
    return text +
           terminal::titledBullets(estimate.at("notes"), "What should be known before", terminal::Tone::Strong, page);
}

std::string render(const Json& result, const ParsedCommand& command, const terminal::Page& page)
{
    if (command.has("dry_run"))
        return renderEstimate(result, page);
    protocol::ShowOptions options;
    options.childProgram = terminal::siblingProgram("blockcert");
    const Json listing = protocol::showRun(command.text("out"), options, RunContext());
    return renderRun(listing, page) +
           terminal::titledBullets(result.at("notes"), "What this run no longer holds", terminal::Tone::Warning, page) +
           page.style.paint(terminal::Tone::Quiet, "took      ") + terminal::duration(result.at("seconds")) + "\n";
}

std::string adviceAfterInterrupt(const ParsedCommand& command)
{
    std::error_code error;
    if (!std::filesystem::exists(std::filesystem::path(command.text("out")) / "run.json", error))
        return "Nothing was written yet.";
    return "What is finished is kept; continue with:\n  " + commandOf(command) + " --resume";
}

}

terminal::Verb certifyVerb(const pipeline::Host& host)
{
    return {
        "certify",
        [&host](const ParsedCommand& command, const RunContext& context) { return certify(host, command, context); },
        render, "result", adviceAfterInterrupt};
}

}
