#include "engine/failures/block_summary.h"

#include "engine/failures/statistics.h"
#include "engine/protocol/block_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

namespace blockcert::failures {

namespace {

// Rows by falling error of the deciding measure; of equal ones the earlier first.
std::vector<std::size_t> byError(const BlockFacts& facts, const std::function<bool(std::size_t)>& wanted)
{
    std::vector<std::size_t> rows;
    for (std::size_t row = 0; row < facts.tokens(); ++row)
        if (wanted(row))
            rows.push_back(row);
    std::ranges::stable_sort(rows, std::ranges::greater(), [&](std::size_t row) { return facts.deciding()[row]; });
    return rows;
}

std::vector<std::size_t> uncoveredRows(const BlockFacts& facts)
{
    return byError(facts, [&](std::size_t row) { return !facts.covered[row]; });
}

// The first of rows by falling error.
std::vector<std::size_t> largestOf(std::vector<std::size_t> rows)
{
    rows.resize(std::min(rows.size(), largestCovered));
    return rows;
}

struct Column {
    std::string name;
    std::vector<double> values;   // [N]
    std::vector<bool> known = {}; // [N], or empty: all of them
};

template <class Value>
Column columnOf(const char* name, const BlockFacts& facts, Value value)
{
    Column column{name, {}};
    for (std::size_t row = 0; row < facts.tokens(); ++row)
        column.values.push_back(value(row));
    return column;
}

std::vector<Column> columnsOf(const BlockFacts& facts)
{
    std::vector<Column> columns = {{"input_norm", facts.inputNorm}, {"output_norm", facts.outputNorm}};
    if (!facts.key.empty()) {
        columns.push_back(columnOf("key_norm", facts, [&](std::size_t row) { return facts.key[row].median; }));
        columns.push_back(columnOf("value_norm", facts, [&](std::size_t row) { return facts.value[row].median; }));
    }
    columns.push_back(columnOf("margin", facts, [&](std::size_t row) { return median(facts.marginsOf(row)); }));
    columns.back().known = facts.hasMargin;
    columns.push_back(
        columnOf("margin_smallest", facts, [&](std::size_t row) { return std::ranges::min(facts.marginsOf(row)); }));
    columns.back().known = facts.hasMargin;
    if (!facts.errorAttention.empty()) {
        columns.push_back({"error_attn", facts.errorAttention});
        columns.push_back({"error_mlp", facts.errorMlp});
    }
    columns.push_back(
        columnOf("position", facts, [&](std::size_t row) { return static_cast<double>(facts.place(row).token); }));
    return columns;
}

void contrast(const BlockFacts& facts, BlockSummary& summary)
{
    std::vector<bool> isFailing(facts.tokens(), false);
    for (const std::size_t row : summary.failing)
        isFailing[row] = true;
    if (summary.failing.empty() || summary.failing.size() == facts.tokens())
        return;
    for (const Column& column : columnsOf(facts)) {
        std::vector<double> failing;
        std::vector<double> passing;
        std::vector<double> errors;
        std::vector<double> values;
        for (std::size_t row = 0; row < facts.tokens(); ++row) {
            if (!column.known.empty() && !column.known[row])
                continue;
            (isFailing[row] ? failing : passing).push_back(column.values[row]);
            errors.push_back(facts.deciding()[row]);
            values.push_back(column.values[row]);
        }
        if (failing.empty() || passing.empty())
            continue;
        Contrast& entry = summary.contrasts.emplace_back();
        entry.quantity = column.name;
        entry.failing = median(failing);
        entry.passing = median(passing);
        if (entry.passing > 0)
            entry.ratio = entry.failing / entry.passing;
        entry.correlation = rankCorrelation(errors, values);
    }
}

void findWorstPrompt(const BlockFacts& facts, BlockSummary& summary)
{
    double worstShare = -1;
    double worstError = -1;
    for (std::size_t p = 0; p + 1 < facts.offset.size(); ++p) {
        const auto begin = static_cast<std::size_t>(facts.offset[p]);
        const auto end = static_cast<std::size_t>(facts.offset[p + 1]);
        std::size_t uncovered = 0;
        double error = 0;
        for (std::size_t row = begin; row < end; ++row) {
            uncovered += facts.covered[row] ? 0 : 1;
            error = std::max(error, facts.deciding()[row]);
        }
        const double share = static_cast<double>(uncovered) / static_cast<double>(end - begin);
        if (share > worstShare || (share == worstShare && error > worstError)) {
            worstShare = share;
            worstError = error;
            summary.worstPrompt = {static_cast<std::int32_t>(p)};
            summary.worstPromptUncovered = uncovered;
            summary.worstPromptTokens = end - begin;
        }
    }
}

std::size_t tokensOfHalf(const BlockFacts& facts)
{
    std::vector<double> errors = facts.deciding();
    std::ranges::sort(errors, std::ranges::greater());
    const double total = std::accumulate(errors.begin(), errors.end(), 0.0);
    double sum = 0;
    std::size_t count = 0;
    while (count < errors.size() && sum < total / 2)
        sum += errors[count++];
    return count;
}

// "2.13e-5", "0.0123", "57"
std::string brief(double value)
{
    std::string text = std::abs(value) >= 100 ? fmt::format("{:.0f}", value) : fmt::format("{:.3g}", value);
    if (const std::size_t zero = text.find("e-0"); zero != std::string::npos)
        text.erase(zero + 2, 1);
    return text;
}

std::string tokenWords(const BlockFacts& facts, std::size_t row, const RunManifest& manifest)
{
    const TokenLocation place = facts.place(row);
    const std::string id = manifest.prompts.prompts.at(static_cast<std::size_t>(place.prompt.value)).id;
    const std::string piece = protocol::pieceAt(manifest.prompts, place.prompt, place.token);
    const std::string where = fmt::format("token {} of prompt {}", place.token, id);
    return piece.empty() ? where : fmt::format("“{}” ({})", piece, where);
}

std::string counted(std::size_t count, const char* noun)
{
    return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

double timesOf(double value, double middle)
{
    return middle > 0 ? value / middle : 0;
}

// What the block does with a residual that is massive on one side of it: the norm doubles or halves at least.
enum class Massive : std::uint8_t { Neither, Kept, Made, Enlarged, Reduced, Removed };

Massive massiveOf(const BlockFacts& facts, std::size_t row)
{
    const bool before = facts.wasMassive(row);
    const bool after = facts.isMassive(row);
    if (!before && !after)
        return Massive::Neither;
    const double in = facts.inputNorm[row];
    const double out = facts.outputNorm[row];
    if (out >= 2 * in)
        return before ? Massive::Enlarged : Massive::Made;
    if (in >= 2 * out)
        return after ? Massive::Reduced : Massive::Removed;
    return Massive::Kept;
}

// Where the norm of the worst token's residual comes from.
std::string normSentence(const BlockFacts& facts, std::size_t row)
{
    const double before = facts.inputNorm[row];
    const double after = facts.outputNorm[row];
    const std::string in = brief(before);
    const std::string text = fmt::format("Its residual norm is {}, {} times the block's median", brief(after),
                                         brief(timesOf(after, facts.medianNorm)));
    const std::string inTimes =
        fmt::format("{}, {} times the median there", in, brief(timesOf(before, facts.medianInputNorm)));
    switch (massiveOf(facts, row)) {
    case Massive::Made:
        return text + ": a massive activation that this block makes (the norm was " + in + " on the way in).";
    case Massive::Enlarged:
        return text + ": a massive activation that this block enlarges (the norm was " + in + " on the way in).";
    case Massive::Kept:
        return text + (facts.isMassive(row) ? ": a massive activation (on the way in the norm was " + inTimes + ")."
                                            : " (on the way in it was " + inTimes + ").");
    case Massive::Reduced:
    case Massive::Removed:
        return text + fmt::format("; on the way in it was {}: a massive activation, {:.0f} % of which this block takes "
                                  "away.",
                                  inTimes, 100 * (1 - after / before));
    case Massive::Neither: break;
    }
    // Where every residual grows, one that does is nothing special: the medians say so.
    return text + fmt::format(" (on the way in it was {}; the block's median goes from {} to {}).", in,
                              brief(facts.medianInputNorm), brief(facts.medianNorm));
}

std::string shareSentence(const BlockFacts& facts, std::size_t row)
{
    const double attention = facts.errorAttention[row];
    const double mlp = facts.errorMlp[row];
    const std::string numbers = fmt::format("attention {}, MLP {}", brief(attention), brief(mlp));
    if (mlp >= 3 * attention)
        return "The error lies in the MLP (" + numbers + ").";
    if (attention >= 3 * mlp)
        return "The error lies in the attention (" + numbers + ").";
    return "Both sublayers err (" + numbers + ").";
}

// Where the relative measure decides, what the worst token's error is without being divided.
std::string absoluteSentence(const BlockFacts& facts, const BlockSummary& summary)
{
    const double error = facts.error[summary.worst];
    return fmt::format("Not divided by the norm the error is {}{}.", brief(error),
                       summary.medianError > 0
                           ? fmt::format(", {} times the block's median of {}", brief(error / summary.medianError),
                                         brief(summary.medianError))
                           : std::string());
}

std::string relativeSentence(const BlockFacts& facts, const BlockSummary& summary)
{
    if (facts.relativeDecides)
        return absoluteSentence(facts, summary);
    const double relative = facts.relative[summary.worst];
    if (!summary.medianRelative || !std::isfinite(relative))
        return "";
    std::string text = fmt::format("Divided by the norm the error is {}", brief(relative));
    if (*summary.medianRelative > 0) {
        text += fmt::format(", {} times the block's median of {}", brief(relative / *summary.medianRelative),
                            brief(*summary.medianRelative));
        const auto above = std::ranges::count_if(
            facts.relative, [&](double other) { return std::isfinite(other) && other > relative; });
        if (above == 0)
            text += ": the block's largest relative error as well";
    } else {
        text += ", where the block's median is 0";
    }
    const Massive massive = massiveOf(facts, summary.worst);
    if (massive == Massive::Reduced || massive == Massive::Removed)
        text += fmt::format("; divided by the norm on the way in it is {}",
                            brief(facts.error[summary.worst] / facts.inputNorm[summary.worst]));
    return text + ".";
}

std::string contrastSentence(const BlockSummary& summary, const std::string& kind)
{
    std::string parts;
    const auto add = [&](const char* quantity, const char* words) {
        const auto found = std::ranges::find(summary.contrasts, quantity, &Contrast::quantity);
        if (found == summary.contrasts.end() || !found->ratio)
            return;
        const std::string correlation =
            found->correlation ? fmt::format(", ρ {:+.2f}", *found->correlation) : std::string();
        parts += fmt::format("{}{} {} against {}{}", parts.empty() ? "" : "; ", words, brief(found->failing),
                             brief(found->passing), correlation);
    };
    add("key_norm", "key norm");
    add("value_norm", "value norm");
    add("margin", "attention margin");
    add("output_norm", "residual norm");
    if (parts.empty())
        return "";
    return fmt::format("{} against the other tokens (medians; ρ is the rank correlation with the {}error): {}.",
                       summary.failingAreUncovered
                           ? counted(summary.failing.size(), "uncovered token")
                           : fmt::format("The {} largest {}errors", summary.failing.size(), kind),
                       kind, parts);
}

}

std::vector<std::size_t> rowsToTell(const BlockFacts& facts)
{
    std::vector<std::size_t> rows = uncoveredRows(facts);
    const std::vector<std::size_t> covered =
        largestOf(byError(facts, [&](std::size_t row) { return facts.covered[row]; }));
    rows.insert(rows.end(), covered.begin(), covered.end());
    return rows;
}

BlockSummary summarise(const BlockFacts& facts, const std::vector<double>& epsilons)
{
    BlockSummary summary;
    summary.block = facts.block;
    summary.tokens = facts.tokens();
    summary.failing = uncoveredRows(facts);
    summary.uncovered = summary.failing.size();
    if (summary.uncovered == 0 || summary.uncovered == facts.tokens()) {
        summary.failingAreUncovered = false;
        summary.failing = largestOf(byError(facts, [](std::size_t) { return true; }));
    }
    const std::vector<double>& deciding = facts.deciding();
    summary.worst = static_cast<std::size_t>(std::ranges::max_element(deciding) - deciding.begin());
    summary.epsilon = std::ranges::max(facts.error);
    summary.relativeEpsilon = std::ranges::max(facts.relative);
    if (const double middle = median(epsilons); middle > 0)
        if (const double ratio = deciding[summary.worst] / middle; std::isfinite(ratio))
            summary.epsilonRatio = ratio;
    findWorstPrompt(facts, summary);
    summary.halfOfError = tokensOfHalf(facts);
    summary.medianError = median(facts.error);
    std::vector<double> relative;
    std::ranges::copy_if(facts.relative, std::back_inserter(relative), [](double r) { return std::isfinite(r); });
    if (!relative.empty())
        summary.medianRelative = median(std::move(relative));
    for (std::size_t row = 0; row < facts.tokens(); ++row)
        summary.massive += facts.isMassive(row) ? 1 : 0;
    for (const std::size_t row : summary.failing)
        if (facts.lossChange[row])
            summary.largestLossChange = std::max(summary.largestLossChange.value_or(0), *facts.lossChange[row]);
    contrast(facts, summary);
    return summary;
}

std::optional<std::size_t> outstanding(const std::vector<BlockSummary>& summaries)
{
    if (summaries.size() < 3)
        return std::nullopt;
    const auto largest = std::ranges::max_element(
        summaries, {}, [](const BlockSummary& summary) { return summary.epsilonRatio.value_or(0); });
    if (!largest->epsilonRatio || *largest->epsilonRatio < 3)
        return std::nullopt;
    return static_cast<std::size_t>(largest - summaries.begin());
}

std::vector<std::string> explain(const BlockFacts& facts, const BlockSummary& summary, bool standsOut,
                                 std::size_t blocks, const RunManifest& manifest)
{
    std::vector<std::string> sentences;
    const std::string name = fmt::format("Block {}", summary.block.value);
    const std::string kind = facts.relativeDecides ? "relative " : ""; // of errors
    const double epsilon = facts.deciding()[summary.worst];
    const std::optional<double> middle = facts.relativeDecides ? summary.medianRelative : summary.medianError;
    if (standsOut)
        sentences.push_back(fmt::format("{} stands out: its {}ε of {} is {} times the median of the {} blocks.", name,
                                        kind, brief(epsilon), brief(*summary.epsilonRatio), blocks));
    if (summary.uncovered > 0)
        sentences.push_back(
            fmt::format("{}: {} of {} not covered; prompt {} fares worst, with {} of its {}.", name, summary.uncovered,
                        counted(summary.tokens, "token"),
                        manifest.prompts.prompts.at(static_cast<std::size_t>(summary.worstPrompt.value)).id,
                        summary.worstPromptUncovered, summary.worstPromptTokens));
    sentences.push_back(fmt::format("The largest {}error of block {} falls on {}. {}", kind, summary.block.value,
                                    tokenWords(facts, summary.worst, manifest), normSentence(facts, summary.worst)));
    if (!facts.errorAttention.empty() && summary.epsilon > 0)
        sentences.push_back(shareSentence(facts, summary.worst));
    if (const std::string relative = relativeSentence(facts, summary); !relative.empty())
        sentences.push_back(relative);
    if (middle)
        sentences.push_back(fmt::format("{} of {} carr{} half of the block's summed {}error; half of all tokens stay "
                                        "within {}.",
                                        summary.halfOfError, counted(summary.tokens, "token"),
                                        summary.halfOfError == 1 ? "ies" : "y", kind, brief(*middle)));
    if (const std::string apart = contrastSentence(summary, kind); !apart.empty())
        sentences.push_back(apart);
    if (summary.largestLossChange)
        sentences.push_back(
            fmt::format("At these tokens the loss moves by at most {} nats.", brief(*summary.largestLossChange)));
    return sentences;
}

}
