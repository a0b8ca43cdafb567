#include "engine/failures/failures.h"

#include "app/cli/verbs.h"
#include "app/terminal/number_words.h"
#include "app/terminal/report_parts.h"
#include "app/terminal/surroundings.h"
#include "app/terminal/text_table.h"
#include "engine/base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <thread>

namespace blockcert::cli {

namespace {

using command_line::ParsedCommand;
using terminal::Align;
using terminal::Cell;
using terminal::orDash;
using terminal::Page;
using terminal::TextTable;
using terminal::threeDigits;
using terminal::Tone;

constexpr std::size_t shownFailures = 20;

// The median over heads, of norms that may not be known.
std::string normText(const Json& norms)
{
    return norms.is_null() ? "–" : threeDigits(norms.at("median"));
}

std::string contrastText(const Json& block, const std::string& quantity)
{
    for (const Json& contrast : block.at("contrasts"))
        if (contrast.at("quantity") == quantity)
            return contrast.at("ratio").is_null() ? "–" : "× " + threeDigits(contrast.at("ratio"));
    return "–";
}

std::string blockTable(const Json& anatomy, const Page& page)
{
    const bool relative = anatomy.at("measure") == "relative-l2";
    TextTable table({{"block", Align::Right},
                     {"not covered", Align::Right},
                     {relative ? "relative ε" : "ε", Align::Right},
                     {"÷ median", Align::Right},
                     {"massive", Align::Right},
                     {"half of error", Align::Right},
                     {"key norm", Align::Right},
                     {"value norm", Align::Right},
                     {"margin", Align::Right},
                     {"residual", Align::Right}});
    for (const Json& block : anatomy.at("blocks")) {
        const bool stands = anatomy.at("outstanding") == block.at("block");
        const auto uncovered = block.at("uncovered").get<std::int64_t>();
        table.add({Cell(block.at("block").dump(), stands ? Tone::Warning : Tone::Plain),
                   Cell(std::to_string(uncovered) + " of " + block.at("tokens").dump(),
                        uncovered > 0 ? Tone::Warning : Tone::Plain),
                   orDash(block.at(relative ? "relative_epsilon" : "epsilon"), threeDigits),
                   orDash(block.at("epsilon_ratio")), block.at("massive").dump(),
                   terminal::counted(block.at("tokens_of_half_the_error"), "token"), contrastText(block, "key_norm"),
                   contrastText(block, "value_norm"), contrastText(block, "margin"),
                   contrastText(block, "output_norm")});
    }
    return table.render(page.style, 2, page.tableWidth) +
           terminal::wrap(
               "  × compares medians: the tokens that are not covered, or the 20 largest errors where all or "
               "none are, against the others of the block.",
               page.width, 2) +
           "\n";
}

std::string failureTable(const Json& anatomy, const Page& page)
{
    std::vector<const Json*> rows;
    for (const Json& row : anatomy.at("failures"))
        rows.push_back(&row);
    const bool relative = anatomy.at("measure") == "relative-l2";
    const auto order = [&](const Json* row) {
        const Json& error = row->at(relative ? "relative" : "error");
        return std::pair(!row->at("covered").get<bool>(),
                         error.is_null() ? std::numeric_limits<double>::infinity() : error.get<double>());
    };
    std::ranges::stable_sort(rows, std::ranges::greater(), order);
    const std::size_t all = rows.size();
    rows.resize(std::min(all, shownFailures));
    std::vector<terminal::Column> columns = {{"block", Align::Right}, {""}};
    if (relative)
        columns.push_back({"relative", Align::Right});
    columns.insert(columns.end(), {{"error", Align::Right},
                                   {"attention", Align::Right},
                                   {"MLP", Align::Right},
                                   {"residual", Align::Right},
                                   {"key", Align::Right},
                                   {"value", Align::Right},
                                   {"margin", Align::Right},
                                   {"before", Align::Right},
                                   {"after", Align::Right},
                                   {"token"}});
    TextTable table(columns);
    for (const Json* entry : rows) {
        const Json& row = *entry;
        std::string before = "–";
        std::string after = "–";
        for (const Json& other : row.at("neighbours"))
            (other.at("block") < row.at("block") ? before : after) =
                orDash(other.at(relative ? "relative" : "error"), threeDigits);
        const std::string piece = row.at("piece");
        const bool covered = row.at("covered");
        std::vector<Cell> cells = {row.at("block").dump(), covered ? Cell("") : Cell("✗", Tone::Warning)};
        if (relative)
            cells.emplace_back(orDash(row.at("relative"), threeDigits));
        cells.insert(cells.end(),
                     {threeDigits(row.at("error")), orDash(row.at("error_attn")), orDash(row.at("error_mlp")),
                      Cell(threeDigits(row.at("output_norm")) + (row.at("massive").get<bool>() ? " !" : ""),
                           row.at("massive").get<bool>() ? Tone::Accent : Tone::Plain),
                      normText(row.at("key_norm")), normText(row.at("value_norm")),
                      row.at("margin").is_null() ? "–" : threeDigits(row.at("margin").at("median")), before, after,
                      (piece.empty() ? "" : "“" + terminal::visiblePiece(piece, 16) + "” ") +
                          terminal::visible(row.at("prompt_id").get<std::string>()) + ":" + row.at("token").dump()});
        table.add(std::move(cells));
    }
    return table.render(page.style, 2, page.tableWidth) +
           terminal::wrap(fmt::format("  The {} of {}, as piece, prompt and position. ✗ is not covered, ! a massive "
                                      "activation; before and after are the same token's {}errors in the "
                                      "neighbouring blocks of the run.",
                                      terminal::counted(static_cast<std::int64_t>(rows.size()), "worst row"), all,
                                      relative ? "relative " : ""),
                          page.width, 2) +
           "\n";
}

std::string render(const Json& anatomy, const ParsedCommand&, const Page& page)
{
    std::int64_t uncovered = 0;
    std::int64_t tokens = 0;
    for (const Json& block : anatomy.at("blocks")) {
        uncovered += block.at("uncovered").get<std::int64_t>();
        tokens += block.at("tokens").get<std::int64_t>();
    }
    const bool relative = anatomy.at("measure") == "relative-l2";
    std::string text =
        fmt::format("{} of {} in {} are not covered ({} ≤ {}).\n\n", uncovered, terminal::counted(tokens, "token"),
                    terminal::counted(static_cast<std::int64_t>(anatomy.at("blocks").size()), "block"),
                    relative ? "relative error" : "error", terminal::plainNumber(anatomy.at("threshold")));
    text += blockTable(anatomy, page);
    text += "\n" + page.style.paint(Tone::Strong, "The worst tokens") + "\n" + failureTable(anatomy, page);
    text += terminal::titledBullets(anatomy.at("notes"), "What stands out", Tone::Strong, page);
    if (const Json& cut = anatomy.at("truncation"); !cut.is_null())
        text += terminal::titledBullets(Json::array({cut}), "What should be known", Tone::Strong, page);
    text += terminal::titledBullets(anatomy.at("problems"), "Problems", Tone::Bad, page);
    const Json& files = anatomy.at("files");
    return text + "\n" + page.style.paint(Tone::Quiet, "written   ") +
           terminal::visible(files.at("json").get<std::string>()) + "\n          " +
           terminal::visible(files.at("csv").get<std::string>()) + "\n";
}

terminal::VerbResult find(const ParsedCommand& command, const RunContext& context)
{
    for (const char* key : {"block", "above", "tests"})
        if (command.has(key))
            throw UsageError("--" + std::string(key) + " goes with --minimise PROMPT.");
    const std::filesystem::path run = command.text("RUN");
    const std::filesystem::path out =
        command.has("out") ? std::filesystem::path(command.text("out")) : failures::folderBeside(run, "failures");
    failures::requireOutside(run, out);
    failures::FailuresOptions options;
    options.locations = terminal::modelLocations();
    if (command.has("model"))
        options.model = artifact::resolveModel(command.text("model"), options.locations);
    options.childProgram = terminal::thisProgram();
    options.threads =
        static_cast<int>(command.integer("threads").value_or(std::max(1U, std::thread::hardware_concurrency())));
    if (options.threads < 1)
        throw UsageError("The number of threads must be at least 1.");
    Json anatomy = failures::findFailures(run, options, context);
    failures::writeFailures(anatomy, out);
    anatomy["files"] = {{"json", (out / "failures.json").string()}, {"csv", (out / "failures.csv").string()}};
    return {std::move(anatomy), 0};
}

}

terminal::Verb failuresVerb()
{
    return {"failures", find, render, "result", {}};
}

}
