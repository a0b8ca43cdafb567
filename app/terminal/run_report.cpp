#include "app/terminal/run_report.h"

#include "app/command_line/shell_word.h"
#include "app/terminal/edit_report.h"
#include "app/terminal/number_words.h"
#include "app/terminal/report_parts.h"
#include "app/terminal/stitch_report.h"
#include "app/terminal/text_table.h"
#include "app/terminal/weight_report.h"
#include "engine/base/ranges_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace blockcert::terminal {

namespace {

// A certified number of run.json, or a plain one.
double numberOf(const Json& value)
{
    return value.is_object() ? value.at("value").get<double>() : value.get<double>();
}

std::string dtypeWord(const std::string& dtype)
{
    if (dtype == "F32")
        return "fp32";
    if (dtype == "F64")
        return "fp64";
    return dtype == "BF16" ? "bf16" : "fp16";
}

std::string promptId(const Json& listing, std::size_t prompt)
{
    const Json& items = listing.at("manifest").at("prompts").at("items");
    return prompt < items.size() ? items[prompt].at("id").get<std::string>() : std::to_string(prompt);
}

// “ the” base-2, token 7
std::string tokenPlace(const std::string& piece, const std::string& prompt, std::size_t token)
{
    return (piece.empty() ? "" : "“" + visiblePiece(piece, 24) + "” ") + visible(prompt) + ", token " +
           std::to_string(token);
}

// "fp32 baseline", or whose baseline it is.
std::string baselineWords(const Json& request)
{
    std::string words = dtypeWord(request.at("baseline_dtype")) + " baseline";
    if (request.contains("imported")) {
        const Json& imported = request.at("imported");
        words += " of " + visible(imported.at("runtime").get<std::string>());
        if (const std::string version = imported.at("version"); !version.empty())
            words += " " + visible(version);
    }
    return words;
}

// exact, low-rank:64:attn, quant:Q8_0 with drop-rope
std::string surrogateWords(const Json& request)
{
    const Json& surrogate = request.at("surrogate");
    std::string words = surrogate.at("family").get<std::string>();
    for (const char* name : {"rank", "matrices", "dtype"})
        if (const auto found = surrogate.at("parameters").find(name); found != surrogate.at("parameters").end())
            words += ":" + (found->is_string() ? found->get<std::string>() : found->dump());
    const Json& ablation = request.at("ablation");
    if (ablation.is_null())
        return words;
    words += " with " + ablation.at("kind").get<std::string>();
    return ablation.contains("scale") ? words + ":" + plainNumber(numberOf(ablation.at("scale"))) : words;
}

// The checkpoint that surrogates were taken from, and how it differs.
std::string otherModel(const Json& manifest, const Page& page)
{
    const Json& model = manifest.at("surrogate_model");
    if (model.is_null())
        return "";
    std::string text = "Surrogates are blocks of " + model.at("model").get<std::string>();
    for (const Json& difference : model.at("differences"))
        text += (&difference == &model.at("differences").front() ? ", where " : "; ") + difference.get<std::string>();
    return wrap(visible(text) + ".", page.width, 2) + "\n";
}

std::string subjectLine(const Json& manifest)
{
    const Json& subject = manifest.at("subject");
    return fmt::format("{} · {} blocks of width {}", visible(subject.at("model").get<std::string>()),
                       subject.at("layers").get<int>(), subject.at("d_model").get<int>());
}

Cell coverageCell(const Json& value, double needed)
{
    if (value.is_null())
        return {"–", Tone::Quiet};
    const double share = value.get<double>();
    return {percent(share), share < needed ? Tone::Warning : Tone::Plain};
}

std::string signedDigits(double value)
{
    return (value > 0 ? "+" : "") + threeDigits(value);
}

std::string blockTable(const Json& listing, const Page& page)
{
    const Json& policy = listing.at("manifest").at("request").at("policy");
    const double alphaAct = numberOf(policy.at("alpha_act"));
    const double alphaLoss = numberOf(policy.at("alpha_loss"));
    const double tauAct = numberOf(policy.at("tau_act"));
    const double tauRel = numberOf(policy.at("tau_rel"));
    const bool relativeDecides = policy.at("error") == "relative-l2";
    const Json& blocks = listing.at("blocks");
    const bool estimated = listing.at("manifest").at("request").at("loss") == "first-order";
    const bool path = std::ranges::any_of(blocks, [](const Json& row) { return row.at("path_coverage") < 1; });

    std::vector<Column> columns = {{"block", Align::Right},
                                   {"certified"},
                                   {"ε", Align::Right},
                                   {"mean error", Align::Right},
                                   {"≤ " + plainNumber(tauAct), Align::Right},
                                   {"relative ε", Align::Right},
                                   {"≤ " + plainNumber(tauRel), Align::Right},
                                   {estimated ? "Δ loss, estimated" : "loss kept", Align::Right}};
    if (path)
        columns.push_back({"path", Align::Right});
    TextTable table(columns);
    columns.push_back({"worst token"});
    TextTable withWorst(columns);
    TextTable worstTokens({{"block", Align::Right}, {"worst token", Align::Left, Narrow::Wrap}});
    for (const Json& row : blocks) {
        const bool certified = row.at("certified");
        const Json& relative = row.at("relative");
        const Json& worst = row.at("worst");
        std::vector<Cell> cells = {
            std::to_string(row.at("block").get<int>()),
            certified ? Cell("yes", Tone::Good) : Cell("no", Tone::Warning),
            threeDigits(row.at("epsilon"), tauAct),
            threeDigits(row.at("mae")),
            coverageCell(row.at("activation_coverage"), relativeDecides ? 0 : alphaAct),
            threeDigits(relative.at("epsilon"), tauRel),
            coverageCell(relative.at("coverage"), relativeDecides ? alphaAct : 0),
            estimated ? Cell(signedDigits(row.at("loss_estimate").at("change")))
                      : coverageCell(row.at("loss_coverage"), alphaLoss),
        };
        if (path)
            cells.push_back(coverageCell(row.at("path_coverage"), 1));
        const std::string place =
            tokenPlace(worst.at("piece"), promptId(listing, worst.at("prompt")), worst.at("token"));
        table.add(cells);
        worstTokens.add({cells.front(), place});
        cells.emplace_back(place);
        withWorst.add(std::move(cells));
    }
    if (page.tableWidth == 0 || withWorst.naturalWidth() <= page.tableWidth)
        return withWorst.render(page.style, 2, page.tableWidth);
    return table.render(page.style, 2, page.tableWidth) + "\n" + worstTokens.render(page.style, 2, page.tableWidth);
}

// What the column of estimates means.
std::string estimateLine(const Json& listing, const Page& page)
{
    const Json& estimate = listing.at("blocks").front().at("loss_estimate");
    if (estimate.is_null())
        return "";
    return wrap(fmt::format("Δ loss, estimated (first order): how the summed loss of all predicted tokens, {} nats, "
                            "changes with the block replaced, in nats. Nothing bounds what the estimate leaves out.",
                            threeDigits(estimate.at("baseline_loss"))),
                page.width, 0) +
           "\n";
}

// One line for all blocks that have the same reasons.
std::string reasons(const Json& listing, const Page& page)
{
    std::vector<std::pair<std::string, std::vector<int>>> found;
    for (const Json& row : listing.at("blocks")) {
        std::string phrases;
        for (const Json& finding : row.at("findings"))
            phrases += (phrases.empty() ? "" : "; ") + findingPhrase(finding);
        if (phrases.empty())
            continue;
        auto same = std::ranges::find(found, phrases, &std::pair<std::string, std::vector<int>>::first);
        if (same == found.end())
            same = found.insert(found.end(), {phrases, {}});
        same->second.push_back(row.at("block").get<int>());
    }
    std::string text;
    for (const auto& [phrases, blocks] : found)
        text += "  " + wrap(blocksText(blocks) + ": " + phrases, page.width - 2, 4) + "\n";
    return text.empty() ? "" : "\n" + page.style.paint(Tone::Strong, "Not certified, because") + "\n" + text;
}

std::string largestErrors(const Json& listing, const Page& page)
{
    struct Place {
        const Json* cell;
        std::size_t token;
        double error;
    };

    std::vector<Place> places;
    for (const Json& cell : listing.at("cells"))
        for (std::size_t t = 0; t < cell.at("error").size(); ++t)
            places.push_back({&cell, t, cell.at("error")[t]});
    const std::size_t count = std::min<std::size_t>(20, places.size());
    std::ranges::partial_sort(places, places.begin() + static_cast<std::ptrdiff_t>(count), std::ranges::greater(),
                              &Place::error);
    TextTable table({{"block", Align::Right},
                     {"error", Align::Right},
                     {"relative", Align::Right},
                     {"attention", Align::Right},
                     {"MLP", Align::Right},
                     {"norm", Align::Right},
                     {"margin", Align::Right},
                     {"token", Align::Left, Narrow::Wrap}});
    for (std::size_t i = 0; i < count; ++i) {
        const Json& cell = *places[i].cell;
        const std::size_t t = places[i].token;
        const auto prompt = cell.at("prompt").get<std::size_t>();
        const Json& pieces = listing.at("prompts")[prompt].at("pieces");
        const std::string piece = t < pieces.size() ? pieces[t].get<std::string>() : "";
        const auto digits = [&](const char* key) {
            const Json& column = cell.at(key); // null where the run has none of it, and where a token has none
            return column.is_null() || column[t].is_null() ? "–" : threeDigits(column[t]);
        };
        table.add({std::to_string(cell.at("block").get<int>()), threeDigits(places[i].error), digits("relative"),
                   digits("error_attn"), digits("error_mlp"), digits("output_norm"), digits("margin"),
                   tokenPlace(piece, promptId(listing, prompt), t)});
    }
    return "\n" + page.style.paint(Tone::Strong, fmt::format("The {} largest errors", count)) + "\n" +
           table.render(page.style, 2, page.tableWidth);
}

// "94 %" for a threshold: exact where percent() would round, and kept together when a line is broken.
std::string share(double value)
{
    return plainNumber(value * 100) + "\u00a0%";
}

std::string stateText(const Json& listing, const Page& page)
{
    const Json& request = listing.at("manifest").at("request");
    const Json& policy = request.at("policy");
    const std::size_t asked = request.at("blocks").size();
    const std::size_t done = listing.at("blocks").size();
    if (!listing.at("complete").get<bool>()) {
        // SHA256SUMS is written last: from a run that calls itself complete somebody took it away.
        const bool lacksSums = listing.at("manifest").at("state").at("complete").get<bool>();
        return page.style.paint(Tone::Warning,
                                lacksSums ? "The list of its files, SHA256SUMS, is missing: it does not verify."
                                          : fmt::format("Unfinished: {} of {} blocks are done.", done, asked)) +
               (lacksSums ? " Measure it again with:\n  " : " Continue with:\n  ") +
               visible(listing.at("command").get<std::string>()) + " --resume\n";
    }
    const auto certified =
        std::ranges::count_if(listing.at("blocks"), [](const Json& row) { return row.at("certified").get<bool>(); });
    const std::string without = done < asked ? fmt::format(" {} could not be measured.",
                                                           counted(static_cast<std::int64_t>(asked - done), "block"))
                                             : "";
    const bool relative = policy.at("error") == "relative-l2";
    const std::string text = fmt::format(
        "{} of {} certified under the policy: at least {} of the tokens with {} ≤ {}, and {} of the loss on tokens "
        "whose loss moves by at most {}.{}",
        certified, counted(static_cast<std::int64_t>(asked), "block"), share(numberOf(policy.at("alpha_act"))),
        relative ? "a relative error" : "an error", plainNumber(numberOf(policy.at(relative ? "tau_rel" : "tau_act"))),
        share(numberOf(policy.at("alpha_loss"))), plainNumber(numberOf(policy.at("tau_loss"))), without);
    return wrap(text, page.width, 0) + "\n";
}

}

std::string scopeLine(const Json& manifest)
{
    const Json& prompts = manifest.at("prompts");
    const Json& request = manifest.at("request");
    std::int64_t tokens = 0;
    for (const Json& item : prompts.at("items"))
        tokens += static_cast<std::int64_t>(item.at("token_ids").size());
    return fmt::format(
        "Measured on {} ({}, {}): {}, {} replay, {} surrogates", visible(prompts.at("name").get<std::string>()),
        counted(static_cast<std::int64_t>(prompts.at("items").size()), "prompt"), counted(tokens, "token"),
        baselineWords(request), dtypeWord(request.at("replay_dtype")), surrogateWords(request));
}

std::string findingPhrase(const Json& finding)
{
    const std::string code = finding.at("code");
    const std::string where = finding.value("where", "");
    const Json observed = finding.at("observed");
    const double threshold = finding.at("threshold");
    const auto below = [&](const std::string& what) {
        std::string seen = observed.is_null() ? "–" : percent(observed);
        if (!observed.is_null() && std::round(observed.get<double>() * 1000) >= threshold * 1000)
            seen = share(observed); // rounded it would not look smaller
        return what + " " + seen + " is below " + share(threshold);
    };
    if (code == "activation_coverage_below")
        return below("activation coverage");
    if (code == "relative_coverage_below")
        return below("relative coverage");
    if (code == "loss_coverage_below")
        return below("loss coverage");
    if (code == "loss_coverage_missing")
        return "no loss coverage: " + visible(where);
    if (code == "blocks_not_certified")
        return visible(where) + (where.starts_with("blocks") ? " are" : " is") + " not certified";
    return visible(code) + (where.empty() ? "" : " at " + visible(where));
}

std::string renderRun(const Json& listing, const Page& page)
{
    const Json& manifest = listing.at("manifest");
    std::string text = page.style.paint(Tone::Strong, wrap(subjectLine(manifest), page.width, 0)) + "\n" +
                       wrap(scopeLine(manifest), page.width, 0) + "\n";
    text += otherModel(manifest, page);
    text += stateText(listing, page);
    if (!listing.at("blocks").empty())
        text += "\n" + blockTable(listing, page) + estimateLine(listing, page);
    text += renderWeightSummary(listing.value("weights", Json::array()), page);
    text += reasons(listing, page);
    text += stitchTable(listing.value("stitches", Json::array()), page);
    text += editTable(listing.value("edits", Json::array()), page);
    text += titledBullets(listing.at("notes"), "What stands out", Tone::Strong, page);
    if (listing.contains("cells") && !listing.at("cells").empty())
        text += largestErrors(listing, page);
    text += titledBullets(listing.at("problems"), "Problems", Tone::Bad, page);
    text +=
        "\n" + page.style.paint(Tone::Quiet, "made by   ") + visible(listing.at("command").get<std::string>()) + "\n";
    text += page.style.paint(Tone::Quiet, "check it  ") + "blockcert verify " +
            command_line::shellWord(listing.at("run").get<std::string>()) + "\n";
    return text;
}

}
