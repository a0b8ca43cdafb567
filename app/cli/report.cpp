#include "app/cli/report/run_sections.h"
#include "app/cli/verbs.h"
#include "app/cli/verify_options.h"
#include "app/terminal/number_words.h"
#include "app/terminal/run_report.h"
#include "app/terminal/surroundings.h"
#include "app/terminal/text_style.h"
#include "engine/base/atomic_file.h"
#include "engine/base/error.h"
#include "engine/base/sha256.h"
#include "engine/certificate/verify.h"
#include "engine/failures/failures.h"
#include "engine/protocol/run_listing.h"
#include "engine/report/html.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>
#include <vector>

namespace blockcert::cli {

namespace {

namespace fs = std::filesystem;
using command_line::ParsedCommand;

// What `verify` says of a run that it could open; the verdict of a run that changed meanwhile is about another one.
Json verdictOf(const std::string& run, const Json& listing, const ParsedCommand& command, const RunContext& context)
{
    certificate::VerifyOptions options;
    options.level = static_cast<int>(*command.integer("verify"));
    setSurroundings(options, command);
    Json verdict = certificate::verdictToJson(certificate::verify(run, options, context));
    if (verdict.at("digest") != listing.at("digest"))
        throw FileError(run + " changed while the report was made; make it again.");
    return verdict;
}

ReportedRun readRun(const std::string& run, const ParsedCommand& command, const RunContext& context)
{
    protocol::ShowOptions show;
    show.tokens = true;
    show.childProgram = terminal::thisProgram();
    show.locations = terminal::modelLocations();
    ReportedRun reported;
    reported.redactPrompts = command.has("redact_prompts");
    reported.listing = protocol::showRun(run, show, context);
    if (command.has("verify"))
        reported.verdict = verdictOf(run, reported.listing, command, context);
    return reported;
}

report::Document documentOf(const std::vector<ReportedRun>& runs)
{
    report::Document document;
    const ReportedRun& first = runs.front();
    if (runs.size() == 1) {
        document.title = "Blocks of " + first.model();
        document.scope = terminal::scopeLine(first.manifest());
    } else {
        document.title = terminal::counted(static_cast<std::int64_t>(runs.size()), "run");
        document.scope = "Block certificates, run by run. Each is about its own prompts and says nothing of others.";
        document.sections.push_back({"Overview", 1, {runTable(runs)}});
    }
    document.created = terminal::creationTime();
    document.tool = terminal::versionLine();
    for (const ReportedRun& run : runs)
        for (report::Section& section : runSections(run))
            document.sections.push_back(std::move(section));
    return document;
}

terminal::VerbResult report(const ParsedCommand& command, const RunContext& context)
{
    const fs::path out = command.text("out");
    if (!command.has("verify"))
        for (const char* key : {"model", "seed"})
            if (command.has(key))
                throw UsageError(fmt::format("--{} goes with --verify LEVEL.", key));
    std::vector<ReportedRun> runs;
    Json rows = Json::array();
    int exitCode = 0;
    for (const std::string& run : command.texts("RUN")) {
        failures::requireOutside(run, out);
        runs.push_back(readRun(run, command, context));
        const std::optional<Json>& verdict = runs.back().verdict;
        rows.push_back({{"run", run},
                        {"digest", runs.back().listing.at("digest")},
                        {"verdict", verdict ? verdict->at("verdict") : Json()},
                        {"level", verdict ? verdict->at("level") : Json()},
                        {"problems", runs.back().listing.at("problems")}});
        const int code = verdict ? verdict->at("exit_code").get<int>() : 0;
        if (exitCode == 0 || code == 1)
            exitCode = code;
    }
    const std::string html = report::writeHtml(documentOf(runs));
    context.step();
    writeFileAtomically(out, html);
    return {{{"out", out.string()}, {"bytes", html.size()}, {"sha256", sha256Of(html)}, {"runs", std::move(rows)}},
            exitCode};
}

std::string render(const Json& result, const ParsedCommand&, const terminal::Page& page)
{
    std::string text = terminal::visible(result.at("out").get<std::string>()) + "  " +
                       page.style.paint(terminal::Tone::Quiet, terminal::bytes(result.at("bytes").get<double>())) +
                       "\n";
    for (const Json& run : result.at("runs")) {
        const std::string name = terminal::visible(run.at("run").get<std::string>());
        std::string state = "claimed, not verified here; add --verify 3";
        if (!run.at("verdict").is_null()) {
            state = run.at("verdict");
            std::ranges::replace(state, '_', ' ');
            state += fmt::format(" at level {}", run.at("level").get<int>());
        }
        text += page.style.paint(terminal::Tone::Quiet, "  " + name + ": " + state) + "\n";
        for (const Json& problem : run.at("problems"))
            text +=
                page.style.paint(terminal::Tone::Bad, "  • " + terminal::visible(problem.get<std::string>())) + "\n";
    }
    return text;
}

}

terminal::Verb reportVerb()
{
    return {"report", report, render, "result", {}};
}

}
