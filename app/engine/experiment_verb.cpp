#include "app/engine/experiment_request.h"
#include "app/engine/policy_request.h"
#include "app/engine/verbs.h"
#include "app/terminal/number_words.h"
#include "app/terminal/report_parts.h"
#include "app/terminal/surroundings.h"
#include "app/terminal/text_table.h"
#include "engine/pipeline/experiment/table.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

namespace blockcert::engine {

namespace {

using command_line::ParsedCommand;
using terminal::Page;
using terminal::TextTable;
using terminal::Tone;

// Longer tables are left to their CSV.
constexpr std::size_t mostRows = 40;

std::string renderEstimate(const Json& estimate, const Page& page)
{
    return "This would make " + terminal::counted(estimate.at("runs"), "run") + " of " +
           terminal::counted(estimate.at("cells"), "cell") + " in all, with about " +
           terminal::bytes(estimate.at("memory_bytes")) + " of memory, " + terminal::bytes(estimate.at("disk_bytes")) +
           " of disk and " + terminal::threeDigits(estimate.at("flops").get<double>() / 1e12) +
           " TFLOP of arithmetic. Nothing was done.\n" +
           terminal::titledBullets(estimate.at("notes"), "What should be known before", Tone::Strong, page);
}

std::string cellText(const Json& row, const Json& column)
{
    return terminal::visible(
        pipeline::withMarkedBlanks(pipeline::shortText(row.at(column.at("key").get<std::string>()))));
}

// The first columns whose text, two blanks apart and behind a margin of two, is at most so wide; at least one, and all
// of them where the width is 0: a file or a pipe.
std::size_t columnsThatFit(const Json& table, int width)
{
    if (width == 0)
        return table.at("columns").size();
    std::size_t count = 0;
    int used = 0;
    for (const Json& column : table.at("columns")) {
        int widest = terminal::displayWidth(column.at("title").get<std::string>());
        for (const Json& row : table.at("rows"))
            widest = std::max(widest, terminal::displayWidth(cellText(row, column)));
        used += widest + 2;
        if (count > 0 && used > width)
            break;
        ++count;
    }
    return count;
}

std::string renderTable(const Json& table, const std::string& file, const Page& page)
{
    const Json& rows = table.at("rows");
    std::string text = "\n" + page.style.paint(Tone::Strong, table.at("title").get<std::string>()) + "\n";
    if (rows.size() > mostRows)
        return text + "  " + terminal::counted(static_cast<std::int64_t>(rows.size()), "row") + " in " + file + "\n";
    const std::size_t shownColumns = columnsThatFit(table, page.tableWidth);
    std::vector<terminal::Column> columns;
    for (std::size_t c = 0; c < shownColumns; ++c) {
        const Json& column = table.at("columns")[c];
        const bool words = std::ranges::any_of(
            rows, [&](const Json& row) { return row.at(column.at("key").get<std::string>()).is_string(); });
        columns.push_back(
            {column.at("title").get<std::string>(), words ? terminal::Align::Left : terminal::Align::Right});
    }
    TextTable shown(columns);
    for (const Json& row : rows) {
        std::vector<terminal::Cell> cells;
        for (std::size_t c = 0; c < shownColumns; ++c)
            cells.emplace_back(cellText(row, table.at("columns")[c]));
        shown.add(std::move(cells));
    }
    text += shown.render(page.style, 2, page.tableWidth);
    if (const std::size_t left = table.at("columns").size() - shownColumns; left > 0)
        text += "  and " + terminal::counted(static_cast<std::int64_t>(left), "further column") + " in " +
                terminal::visible(file) + "\n";
    return text;
}

std::string render(const Json& result, const ParsedCommand& command, const Page& page)
{
    if (command.has("dry_run"))
        return renderEstimate(result, page);
    const std::string out = result.at("out");
    std::string text = page.style.paint(Tone::Strong, result.at("title").get<std::string>()) + "\n" +
                       terminal::visible(result.at("scope").get<std::string>()) + "\n" +
                       terminal::wrap(terminal::visible(result.at("headline").get<std::string>()), page.width, 0) +
                       "\n";
    for (const Json& table : result.at("tables"))
        text += renderTable(table, out + "/" + table.at("name").get<std::string>() + ".csv", page);
    text += terminal::titledBullets(result.at("notes"), "How to read it", Tone::Strong, page);
    text += terminal::titledBullets(result.at("paper").at("difference"), "How this differs from the paper",
                                    Tone::Strong, page);
    text += "\n" + page.style.paint(Tone::Quiet, "written   ") + terminal::visible(out) + ": README.md, result.json, " +
            terminal::counted(static_cast<std::int64_t>(result.at("tables").size()), "table") + ", " +
            terminal::counted(static_cast<std::int64_t>(result.at("figures").size()), "figure") + "\n";
    text += page.style.paint(Tone::Quiet, "check it  ") +
            terminal::visible(result.at("runs")[0].at("verify").get<std::string>()) +
            (result.at("runs").size() > 1 ? " (all commands: commands.txt)" : "") + "\n";
    return text + page.style.paint(Tone::Quiet, "took      ") + terminal::duration(result.at("seconds")) + "\n";
}

std::string adviceAfterInterrupt(const ParsedCommand& command)
{
    std::error_code error;
    if (!std::filesystem::exists(std::filesystem::path(command.text("out")) / "request.json", error))
        return "Nothing was written yet.";
    return "What is finished is kept; continue with:\n  " + experimentCommand(withPolicy(command)) + " --resume";
}

}

terminal::Verb experimentVerb(const pipeline::Host& host)
{
    return {"experiment",
            [&host](const ParsedCommand& command, const RunContext& context) -> terminal::VerbResult {
                const double begin = terminal::steadySeconds();
                pipeline::ModelCache cache(host);
                Json result = runExperiment(withPolicy(command), cache, context);
                result["seconds"] = terminal::steadySeconds() - begin;
                return {std::move(result), 0};
            },
            render, "result", adviceAfterInterrupt};
}

}
