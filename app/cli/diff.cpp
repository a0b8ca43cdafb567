#include "app/cli/verbs.h"
#include "app/terminal/number_words.h"
#include "app/terminal/report_parts.h"
#include "app/terminal/text_table.h"
#include "engine/base/ranges_text.h"
#include "engine/protocol/run_diff.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

namespace blockcert::cli {

namespace {

using command_line::ParsedCommand;
using terminal::Align;
using terminal::Cell;
using terminal::Narrow;
using terminal::orDash;
using terminal::Page;
using terminal::TextTable;
using terminal::threeDigits;
using terminal::Tone;

constexpr std::size_t shownCells = 10;

// Every digit of a number; a text as it is.
std::string exact(const Json& value)
{
    if (value.is_null())
        return "–";
    if (value.is_boolean())
        return value.get<bool>() ? "yes" : "no";
    return terminal::visible(value.is_string() ? value.get<std::string>() : value.dump());
}

// "+ 2.1e-5", "− 2.1e-5"
std::string signedNumber(const Json& delta)
{
    if (delta.is_null())
        return "–";
    const double value = delta;
    return value == 0 ? "0" : (value > 0 ? "+" : "−") + threeDigits(std::abs(value));
}

std::string nameOf(const std::string& code)
{
    static const std::map<std::string, std::string> names = {{"epsilon", "ε"},
                                                             {"mae", "mean error"},
                                                             {"relative.epsilon", "relative ε"},
                                                             {"relative.mean", "mean relative error"},
                                                             {"relative.coverage", "relative coverage"},
                                                             {"activation_coverage", "activation coverage"},
                                                             {"path_coverage", "path coverage"},
                                                             {"loss_coverage", "loss coverage"},
                                                             {"max_loss_difference", "largest loss difference"},
                                                             {"block_missing", "block missing"},
                                                             {"block_added", "block added"},
                                                             {"prompt_missing", "prompt missing"},
                                                             {"prompt_added", "prompt added"},
                                                             {"stitch_missing", "stitched model missing"},
                                                             {"stitch_added", "stitched model added"}};
    if (const auto found = names.find(code); found != names.end())
        return found->second;
    std::string text = code;
    std::ranges::replace(text, '_', ' ');
    return text;
}

// What changed under one name, in one line: where, and the two numbers of the place where it changed most.
struct Group {
    std::vector<int> blocks;
    std::vector<std::string> places; // prompts and stitched models
    const Json* largest = nullptr;

    void add(const Json& change)
    {
        if (!change.at("block").is_null())
            blocks.push_back(change.at("block"));
        else if (!change.at("prompt").is_null())
            places.push_back("prompt " + terminal::visible(change.at("prompt").get<std::string>()));
        else if (!change.at("stitch").is_null())
            places.push_back(terminal::visible(change.at("stitch").get<std::string>()));
        const auto size = [](const Json& one) {
            return one.at("delta").is_null() ? 0.0 : std::abs(one.at("delta").get<double>());
        };
        if (largest == nullptr || size(change) > size(*largest))
            largest = &change;
    }

    [[nodiscard]] std::string where() const
    {
        constexpr std::size_t few = 4;
        std::string text = blocksText(blocks, "-");
        for (std::size_t i = 0; i < std::min(few, places.size()); ++i)
            text += (text.empty() ? "" : ", ") + places[i];
        return places.size() > few ? text + fmt::format(" and {} more", places.size() - few) : text;
    }
};

std::string changeTable(const Json& diff, const char* kind, const std::string& title, Tone tone, const Page& page)
{
    std::vector<std::pair<std::string, Group>> groups; // in the order of their first change
    for (const Json& change : diff.at("changes")) {
        if (change.at("kind") != kind)
            continue;
        // A block's number and a stitched model's of the same name are two things.
        const std::string name = (change.at("stitch").is_null() ? "" : "stitched: ") + nameOf(change.at("code"));
        auto found = std::ranges::find(groups, name, &std::pair<std::string, Group>::first);
        if (found == groups.end())
            found = groups.insert(groups.end(), {name, {}});
        found->second.add(change);
    }
    TextTable table({{"what"},
                     {"A", Align::Right},
                     {"B", Align::Right},
                     {"B − A", Align::Right},
                     {"where", Align::Left, Narrow::Wrap}});
    for (const auto& [name, group] : groups) {
        const Json& change = *group.largest;
        const bool isList = change.at("a").is_array() || change.at("b").is_array(); // digests, lists of blocks
        std::string where = group.where();
        if (group.blocks.size() > 1 && !change.at("delta").is_null())
            where += ", most at " + change.at("block").dump();
        table.add({name, isList ? "" : exact(change.at("a")), isList ? "" : exact(change.at("b")),
                   change.at("delta").is_null() ? "" : signedNumber(change.at("delta")), where});
    }
    return table.isEmpty() ? ""
                           : "\n" + page.style.paint(tone, title) + "\n" + table.render(page.style, 2, page.tableWidth);
}

std::string blockTable(const Json& diff, const Page& page)
{
    TextTable table({{"block", Align::Right},
                     {"certified"},
                     {"ε of A", Align::Right},
                     {"ε of B", Align::Right},
                     {"B − A", Align::Right},
                     {"covered A", Align::Right},
                     {"covered B", Align::Right},
                     {"loss kept A", Align::Right},
                     {"loss kept B", Align::Right}});
    const auto share = [](const Json& value) { return value.is_null() ? std::string("–") : terminal::percent(value); };
    for (const Json& block : diff.at("blocks")) {
        const Json& common = block.at("on_common_prompts");
        const Json& metrics = common.is_null() ? block.at("metrics") : common;
        const auto at = [&](const char* name, const char* side) { return metrics.at(name).at(side); };
        const Json& certified = block.at("certified");
        const bool lost = certified.at("a") == true && certified.at("b") != true;
        table.add(
            {block.at("block").dump(),
             Cell(exact(certified.at("a")) + " → " + exact(certified.at("b")), lost ? Tone::Warning : Tone::Plain),
             orDash(at("epsilon", "a")), orDash(at("epsilon", "b")), signedNumber(at("epsilon", "delta")),
             share(at("activation_coverage", "a")), share(at("activation_coverage", "b")),
             share(at("loss_coverage", "a")), share(at("loss_coverage", "b"))});
    }
    return table.isEmpty() ? "" : "\n" + table.render(page.style, 2, page.tableWidth);
}

// Where a prompt's largest error has grown the most.
std::string cellTable(const Json& diff, const Page& page)
{
    std::vector<const Json*> cells;
    for (const Json& cell : diff.at("cells"))
        if (cell.at("metrics").at("epsilon").at("delta") > 0)
            cells.push_back(&cell);
    std::ranges::stable_sort(cells, std::ranges::greater(), [](const Json* cell) {
        return cell->at("metrics").at("epsilon").at("delta").get<double>();
    });
    const std::size_t all = cells.size();
    cells.resize(std::min(all, shownCells));
    if (cells.empty())
        return "";
    TextTable table({{"block", Align::Right},
                     {"ε of A", Align::Right},
                     {"ε of B", Align::Right},
                     {"B − A", Align::Right},
                     {"prompt", Align::Left, Narrow::Cut}});
    for (const Json* cell : cells) {
        const Json& epsilon = cell->at("metrics").at("epsilon");
        table.add({cell->at("block").dump(), threeDigits(epsilon.at("a")), threeDigits(epsilon.at("b")),
                   signedNumber(epsilon.at("delta")), terminal::visible(cell->at("id").get<std::string>())});
    }
    const std::string title = fmt::format("Where errors grew most ({} of {})", cells.size(),
                                          terminal::counted(static_cast<std::int64_t>(all), "block × prompt"));
    return "\n" + page.style.paint(Tone::Strong, title) + "\n" + table.render(page.style, 2, page.tableWidth);
}

std::string sideLine(const Json& side, const char* name)
{
    return fmt::format("{}  {}: {} of {}, {}, {}{}\n", name, terminal::visible(side.at("run").get<std::string>()),
                       terminal::counted(side.at("blocks"), "block"),
                       terminal::visible(side.at("model").get<std::string>()),
                       terminal::counted(side.at("prompts"), "prompt"), side.at("certified").dump() + " certified",
                       side.at("complete").get<bool>() ? "" : ", unfinished");
}

std::string verdictOf(const Json& diff)
{
    if (diff.at("result") == "equal")
        return "The two runs claim the same.";
    const auto counted = [&](const char* kind) { return terminal::counted(diff.at(kind), "point"); };
    if (diff.at("result") == "weaker")
        return fmt::format("B claims less than A in {} and more in {}.", counted("weaker"), counted("stronger"));
    return fmt::format("B claims no less than A: more in {}, something else in {}.", counted("stronger"),
                       counted("other"));
}

std::string render(const Json& diff, const ParsedCommand&, const Page& page)
{
    const Json& prompts = diff.at("prompts");
    std::string text = sideLine(diff.at("a"), "A") + sideLine(diff.at("b"), "B");
    text += page.style.paint(diff.at("result") == "weaker" ? Tone::Warning : Tone::Good, verdictOf(diff)) + "\n";
    const bool apart = prompts.at("common") == 0;
    if (apart)
        text += terminal::wrap("The runs have no prompt in common: their numbers are about other tokens and are not "
                               "compared.",
                               page.width, 0) +
                "\n";
    else if (!prompts.at("only_a").empty() || !prompts.at("only_b").empty())
        text += terminal::wrap(fmt::format("{} in both, {} in A alone, {} in B alone: blocks are compared on those in "
                                           "both.",
                                           terminal::counted(prompts.at("common").get<std::int64_t>(), "prompt"),
                                           prompts.at("only_a").size(), prompts.at("only_b").size()),
                               page.width, 0) +
                "\n";
    if (!apart)
        text += blockTable(diff, page);
    text += changeTable(diff, "weaker", "Weaker in B", Tone::Warning, page);
    text += changeTable(diff, "stronger", "Stronger in B", Tone::Good, page);
    text += changeTable(diff, "other", "Otherwise different", Tone::Strong, page);
    text += cellTable(diff, page);
    for (const char* side : {"a", "b"})
        for (const Json& problem : diff.at(side).at("problems"))
            text += "\n" + page.style.paint(Tone::Bad, std::string("Problem of ") + (*side == 'a' ? "A" : "B")) + "  " +
                    terminal::wrap(terminal::visible(problem.get<std::string>()), page.width, 2) + "\n";
    return text;
}

terminal::VerbResult diff(const ParsedCommand& command, const RunContext&)
{
    protocol::DiffOptions options;
    options.tolerance = command.parameters().value("tolerance", 0.0);
    Json result = protocol::diffRuns(command.text("A"), command.text("B"), options);
    const int exitCode = result.at("result") == "weaker" ? 1 : 0;
    return {std::move(result), exitCode};
}

}

terminal::Verb diffVerb()
{
    return {"diff", diff, render, "result", {}};
}

}
