#include "app/terminal/stitch_report.h"

#include "app/terminal/number_words.h"
#include "app/terminal/report_parts.h"
#include "app/terminal/run_report.h"
#include "app/terminal/text_table.h"
#include "engine/base/ranges_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace blockcert::terminal {

namespace {

constexpr std::size_t mostLayers = 12;
constexpr std::size_t mostRows = 20;

// The sign always: a difference.
std::string signedDigits(double value)
{
    return (value < 0 ? "−" : "+") + threeDigits(std::abs(value));
}

std::string placeText(const Json& place)
{
    const std::string piece = place.at("piece");
    return (piece.empty() ? "" : "“" + visiblePiece(piece, 24) + "” ") +
           fmt::format("prompt {}, token {}", place.at("prompt").get<int>(), place.at("token").get<int>());
}

std::string proportionText(const Json& proportion)
{
    return fmt::format("{} of {} ({}; 95 %: {} to {})", proportion.at("covered").get<std::int64_t>(),
                       proportion.at("total").get<std::int64_t>(), percent(proportion.at("value")),
                       percent(proportion.at("low")), percent(proportion.at("high")));
}

// All layers of a small model; of a large one evenly spread ones, the first, the worst and the last among them.
std::vector<std::size_t> layersShown(const Json& row)
{
    const std::size_t count = row.at("layers").size();
    std::vector<std::size_t> shown;
    const std::size_t step = count <= mostLayers ? 1 : (count + mostLayers - 1) / mostLayers;
    for (std::size_t layer = 0; layer < count; layer += step)
        shown.push_back(layer);
    for (const std::size_t layer : {row.at("max_residual").at("layer").get<std::size_t>(), count - 1})
        if (std::ranges::find(shown, layer) == shown.end())
            shown.push_back(layer);
    std::ranges::sort(shown);
    return shown;
}

std::string layerTable(const Json& row, const Page& page)
{
    const Json& layers = row.at("layers");
    TextTable table({{"after block", Align::Right},
                     {"MAE (l2)", Align::Right},
                     {"largest", Align::Right},
                     {"mean a coordinate", Align::Right},
                     {"largest at"}});
    for (const std::size_t layer : layersShown(row)) {
        const Json& values = layers[layer];
        table.add({std::to_string(layer), threeDigits(values.at("mae")), threeDigits(values.at("largest")),
                   threeDigits(values.at("coordinate_mae")), placeText(values.at("worst"))});
    }
    return table.render(page.style, 2, page.tableWidth);
}

std::string promptTable(const Json& row, const Page& page)
{
    TextTable table({{"prompt"},
                     {"tokens", Align::Right},
                     {"perplexity", Align::Right},
                     {"change", Align::Right},
                     {"loss kept", Align::Right},
                     {"mean KL", Align::Right},
                     {"same token", Align::Right},
                     {"differs at"}});
    const Json& prompts = row.at("prompts");
    const std::size_t count = std::min(prompts.size(), mostRows);
    for (std::size_t p = 0; p < count; ++p) {
        const Json& prompt = prompts[p];
        const Json& perplexity = prompt.at("perplexity");
        const Json& first = prompt.at("first_divergence");
        std::string differs;
        if (!first.at("token").is_null())
            differs = "token " + std::to_string(first.at("token").get<int>());
        if (!first.at("layer").is_null())
            differs += (differs.empty() ? "layer " : ", layer ") + std::to_string(first.at("layer").get<int>());
        table.add({visible(prompt.at("id").get<std::string>()), std::to_string(prompt.at("tokens").get<int>()),
                   perplexity.is_null() ? "–" : threeDigits(perplexity.at("baseline")),
                   perplexity.is_null() ? "–" : signedDigits(perplexity.at("difference")),
                   orDash(prompt.at("loss_coverage"), percent), threeDigits(prompt.at("mean_kl")),
                   percent(prompt.at("next_token_agreement")), differs.empty() ? "–" : differs});
    }
    std::string text = table.render(page.style, 2, page.tableWidth);
    if (count < prompts.size())
        text += "  … and " + std::to_string(prompts.size() - count) + " more (--json lists all)\n";
    return text;
}

std::string bisectText(const Json& row, const Page& page)
{
    if (row.at("bisect").is_null())
        return "";
    std::string text = "\n" + page.style.paint(Tone::Strong, "Which blocks it comes from") + "\n";
    if (row.at("bisect").empty())
        return text + "  No next token and no loss changes.\n";
    for (const Json& event : row.at("bisect")) {
        const bool loss = event.at("event") == "largest_loss_change";
        const Json& rows = event.at("rows");
        std::string sentence = (loss ? "The largest change of a loss, at " : "The first other next token, after ") +
                               placeText(event.at("at"));
        if (loss && !rows.empty())
            sentence += ", " + signedDigits(rows.back().at("prefix")) + " nats";
        const Json& prefix = event.at("smallest_prefix");
        const Json& single = event.at("single");
        if (!prefix.is_null())
            sentence += fmt::format(": {} once the chosen blocks up to {} are replaced",
                                    loss ? "half of it is there" : "it happens", prefix.get<int>());
        sentence += single.is_null() ? "; no block brings it about alone"
                                     : fmt::format("; block {} brings it about alone", single.get<int>());
        text += "  " + wrap("• " + sentence + ".", page.width - 2, 4) + "\n";
    }
    return text;
}

std::string findingsLine(const Json& row, const Page& page)
{
    std::string phrases;
    for (const Json& finding : row.at("findings"))
        phrases += (phrases.empty() ? "" : "; ") + findingPhrase(finding);
    return row.at("certified").get<bool>()
               ? page.style.paint(Tone::Good, "certified") + ": every replaced block is, and the loss is kept"
               : page.style.paint(Tone::Warning, "not certified") + ": " + phrases;
}

// ", block 15 edited by soft", or nothing
std::string editText(const Json& row)
{
    const Json& edit = row.at("edit");
    if (edit.is_null())
        return "";
    return ", " + blocksText(edit.at("blocks").get<std::vector<std::int32_t>>()) + " edited by " +
           visible(edit.at("name").get<std::string>());
}

}

std::string renderStitch(const Json& row, const Page& page)
{
    const Json& perplexity = row.at("perplexity");
    std::string text =
        page.style.paint(Tone::Strong, "Stitched model " + visible(row.at("name").get<std::string>())) + " · " +
        (row.at("kind") == "full-block" ? "every block replaced"
                                        : blocksText(row.at("blocks").get<std::vector<std::int32_t>>()) + " replaced") +
        editText(row) + "\n" + wrap(findingsLine(row, page), page.width, 2) + "\n\n";
    TextTable table({{""}, {""}});
    if (!perplexity.is_null()) {
        table.add({"perplexity",
                   fmt::format("{} baseline, {} stitched ({})", plainNumber(perplexity.at("baseline"), 8),
                               plainNumber(perplexity.at("stitched"), 8), signedDigits(perplexity.at("difference")))});
        table.add({"loss kept", orDash(row.at("loss_coverage"), percent) + "; the loss that moves most moves by " +
                                    threeDigits(row.at("max_loss_difference")) + " nats"});
    }
    table.add({"next token", percent(row.at("next_token_agreement")) + " the same"});
    const Json& kl = row.at("kl");
    table.add({"KL", threeDigits(kl.at("mean")) + " nats a token, at most " + threeDigits(kl.at("largest")) + " at " +
                         placeText(kl.at("worst"))});
    const Json& largest = row.at("max_residual");
    table.add({"largest residual", fmt::format("{} after block {}, {}", threeDigits(largest.at("value")),
                                               largest.at("layer").get<int>(), placeText(largest))});
    if (const Json& semantic = row.at("semantic"); !semantic.is_null()) {
        table.add({"labels", "baseline right in " + proportionText(semantic.at("baseline"))});
        table.add({"", "stitched right in " + proportionText(semantic.at("stitched"))});
        table.add({"", "the same token in " + proportionText(semantic.at("agreement"))});
    }
    text += table.render(page.style, 2, page.tableWidth);
    text += "\n" + page.style.paint(Tone::Strong, "Residual streams, stitched against baseline") + "\n" +
            layerTable(row, page);
    text += "\n" + page.style.paint(Tone::Strong, "Prompts") + "\n" + promptTable(row, page);
    return text + bisectText(row, page);
}

std::string stitchTable(const Json& rows, const Page& page)
{
    if (rows.empty())
        return "";
    TextTable table({{"name"},
                     {"blocks"},
                     {"certified"},
                     {"perplexity", Align::Right},
                     {"change", Align::Right},
                     {"loss kept", Align::Right},
                     {"mean KL", Align::Right},
                     {"same token", Align::Right},
                     {"residual", Align::Right}});
    for (const Json& row : rows) {
        const Json& perplexity = row.at("perplexity");
        const bool certified = row.at("certified");
        table.add({visible(row.at("name").get<std::string>()),
                   rangesText(row.at("blocks").get<std::vector<std::int32_t>>()) + editText(row),
                   certified ? Cell("yes", Tone::Good) : Cell("no", Tone::Warning),
                   perplexity.is_null() ? "–" : threeDigits(perplexity.at("stitched")),
                   perplexity.is_null() ? "–" : signedDigits(perplexity.at("difference")),
                   orDash(row.at("loss_coverage"), percent), threeDigits(row.at("kl").at("mean")),
                   percent(row.at("next_token_agreement")), threeDigits(row.at("max_residual").at("value"))});
    }
    return "\n" + page.style.paint(Tone::Strong, "Stitched models") + "\n" +
           table.render(page.style, 2, page.tableWidth);
}

}
