#include "app/cli/verbs.h"
#include "app/terminal/number_words.h"
#include "app/terminal/surroundings.h"
#include "app/terminal/text_style.h"
#include "engine/base/atomic_file.h"
#include "engine/base/error.h"
#include "engine/exchange/export_csv.h"
#include "engine/exchange/export_npz.h"
#include "engine/exchange/new_folder.h"
#include "engine/failures/failures.h"
#include "engine/protocol/run_listing.h"

#include <filesystem>

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
    return {{"run", run.string()}, {"files", std::move(files)}, {"problems", listing.at("problems")}};
}

terminal::VerbResult run(const ParsedCommand& command, const RunContext& context)
{
    if (command.text("KIND") == "csv") {
        if (command.has("model"))
            throw UsageError("export csv reads no model; leave out --model.");
        return {exportCsv(command, context), 0};
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
