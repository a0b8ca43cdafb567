#include "app/cli/verbs.h"
#include "app/terminal/number_words.h"
#include "app/terminal/surroundings.h"
#include "app/terminal/text_style.h"
#include "engine/base/atomic_file.h"
#include "engine/base/error.h"
#include "engine/base/ranges_text.h"
#include "engine/exchange/export_csv.h"
#include "engine/exchange/export_npz.h"
#include "engine/exchange/new_folder.h"
#include "engine/failures/failures.h"
#include "engine/protocol/run_listing.h"

#include <cstdint>
#include <filesystem>
#include <iostream>
#include <set>
#include <vector>

namespace blockcert::cli {

namespace {

namespace fs = std::filesystem;
using command_line::ParsedCommand;

Json exportNpz(const ParsedCommand& command, const RunContext& context)
{
    exchange::ExportNpzOptions options;
    options.locations = terminal::modelLocations();
    if (command.has("model"))
        options.model = artifact::resolveModel(command.text("model"), options.locations);
    options.childProgram = terminal::thisProgram();
    options.out = command.text("out");
    return exchange::exportNpz(command.text("RUN"), options, context);
}

// Which blocks stand in the tables of a run that is not finished.
std::string unfinishedSentence(const fs::path& run, const Json& listing)
{
    if (listing.at("manifest").at("state").at("complete").get<bool>())
        return "The run " + run.string() +
               " has no SHA256SUMS any more, which was written last: nothing says that these are its numbers.";
    const auto listed = [](const std::set<std::int32_t>& blocks) {
        return rangesText(std::vector<std::int32_t>(blocks.begin(), blocks.end()));
    };
    const Json& asked = listing.at("manifest").at("request").at("blocks");
    std::set<std::int32_t> finished;
    std::set<std::int32_t> begun;
    for (const Json& row : listing.at("blocks"))
        finished.insert(row.at("block").get<std::int32_t>());
    for (const Json& cell : listing.at("cells"))
        if (const auto block = cell.at("block").get<std::int32_t>(); !finished.contains(block))
            begun.insert(block);
    return "The run " + run.string() + " is unfinished: of its " + std::to_string(asked.size()) +
           (asked.size() == 1 ? " block " : " blocks ") +
           (finished.empty() ? "none is finished" : "these are finished: " + listed(finished)) +
           (begun.empty() ? "" : "; tokens.csv also has what is there of " + listed(begun)) +
           ". Continue it with the command that began it and --resume, and export again.";
}

// A folder gets both tables; a file whose name ends in .csv gets the one asked for.
Json exportCsv(const ParsedCommand& command, const RunContext& context)
{
    const fs::path run = command.text("RUN");
    const fs::path out = command.text("out");
    failures::requireOutside(run, out);
    if (!out.extension().empty() && out.extension() != ".csv" && !fs::is_directory(out))
        throw UsageError("--out " + out.string() +
                         " is neither a file that ends in .csv nor a folder that is there; give one "
                         "of them, or a name without an ending for a new folder.");
    protocol::ShowOptions show;
    show.tokens = true;
    show.childProgram = terminal::thisProgram();
    show.locations = terminal::modelLocations();
    const Json listing = protocol::showRun(run, show, context);
    if (listing.at("damaged").get<bool>())
        throw FormatError("Nothing was exported from " + run.string() + ": " +
                          listing.at("problems").back().get<std::string>());
    Json files = Json::array();
    const auto write = [&](const fs::path& path, const std::string& content, const char* table) {
        writeFileAtomically(path, content);
        files.push_back({{"path", path.string()}, {"table", table}});
    };
    const bool single = out.extension() == ".csv";
    const std::string table = command.text("table");
    if (single) {
        const bool tokens = table != "blocks";
        write(out, tokens ? exchange::tokensToCsv(listing) : exchange::blocksToCsv(listing),
              tokens ? "tokens" : "blocks");
    } else {
        exchange::NewFolder folder(out);
        if (table.empty() || table == "tokens")
            write(out / "tokens.csv", exchange::tokensToCsv(listing), "tokens");
        if (table.empty() || table == "blocks")
            write(out / "blocks.csv", exchange::blocksToCsv(listing), "blocks");
        folder.keep();
    }
    Json notes = Json::array();
    if (!listing.at("complete").get<bool>())
        notes.push_back(unfinishedSentence(run, listing));
    return {{"run", run.string()},
            {"complete", listing.at("complete")},
            {"files", std::move(files)},
            {"notes", std::move(notes)},
            {"problems", listing.at("problems")}};
}

terminal::VerbResult run(const ParsedCommand& command, const RunContext& context)
{
    for (const char* option : {"edit", "dtype"})
        if (command.has(option))
            throw UsageError("--" + std::string(option) + " goes with export model; leave it out.");
    if (command.text("KIND") == "csv") {
        if (command.has("model"))
            throw UsageError("export csv reads no model; leave out --model.");
        Json result = exportCsv(command, context);
        if (!command.has("json") && !command.has("jsonl")) // they hold it
            for (const Json& note : result.at("notes"))
                std::cerr << terminal::visible(note.get<std::string>()) << std::endl;
        return {std::move(result), 0};
    }
    if (command.has("table"))
        throw UsageError("--table goes with export csv.");
    return {exportNpz(command, context), 0};
}

std::string render(const Json& result, const ParsedCommand&, const terminal::Page& page)
{
    std::string text;
    for (const Json& file : result.at("files")) {
        text += terminal::visible(file.at("path").get<std::string>());
        if (file.contains("arrays"))
            text += "  " + page.style.paint(terminal::Tone::Quiet, terminal::counted(file.at("arrays"), "array"));
        text += "\n";
    }
    for (const Json& problem : result.value("problems", Json::array()))
        text += page.style.paint(terminal::Tone::Bad, "• " + terminal::visible(problem.get<std::string>())) + "\n";
    return text;
}

}

terminal::Verb exportVerb()
{
    return {"export", run, render, "result", {}};
}

}
