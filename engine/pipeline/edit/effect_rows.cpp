#include "engine/pipeline/edit/effect_rows.h"

#include "engine/certificate/metrics.h"
#include "engine/edit/classifier.h"
#include "engine/edit/patch_check.h"
#include "engine/pipeline/edit/edit_source.h"

#include <algorithm>
#include <optional>
#include <set>
#include <span>
#include <utility>

namespace blockcert::pipeline {

namespace {

using certificate::CompletionColumns;
using certificate::EditColumns;

Json numberOrNull(const std::optional<double>& value)
{
    return value ? Json(*value) : Json();
}

Json placeOf(const TokenLocation& at, const PromptSet& prompts)
{
    const auto prompt = static_cast<std::size_t>(at.prompt.value);
    const auto token = static_cast<std::size_t>(at.token);
    const bool known = prompt < prompts.prompts.size() && token < prompts.prompts[prompt].pieces.size();
    return {{"prompt", at.prompt.value},
            {"token", at.token},
            {"piece", known ? prompts.prompts[prompt].pieces[token] : std::string()}};
}

double meanOf(std::span<const double> values)
{
    double sum = 0;
    for (const double value : values)
        sum += value;
    return values.empty() ? 0 : sum / static_cast<double>(values.size());
}

Json shareOf(const Proportion& proportion)
{
    if (proportion.share.total == 0)
        return nullptr;
    return {{"hits", proportion.share.covered},
            {"total", proportion.share.total},
            {"value", proportion.share.value()},
            {"low", proportion.low},
            {"high", proportion.high}};
}

std::string_view wordOf(CompletionEnd end)
{
    switch (end) {
    case CompletionEnd::EndOfText: return "stop";
    case CompletionEnd::Length:
    case CompletionEnd::Context: return "length";
    case CompletionEnd::NeverRan: break;
    }
    return "none";
}

// What is kept apart from answers and refusals, and how many texts hold each marker.
Json countRows(const RefusalMetrics& metrics)
{
    Json found = Json::array();
    for (const MarkerCount& marker : metrics.markers)
        found.push_back({{"marker", marker.marker}, {"harmful", marker.harmful}, {"texts", marker.texts}});
    return {{"harmful", metrics.harmful.share.covered},
            {"refusing", metrics.refusing.share.covered},
            {"empty", metrics.empty},
            {"truncated", metrics.truncated},
            {"never_ran", metrics.neverRan},
            {"markers", std::move(found)}};
}

std::span<const std::int32_t> idsOf(const CompletionColumns& columns, std::size_t prompt)
{
    const auto begin = static_cast<std::size_t>(columns.offset[prompt]);
    return std::span(columns.id).subspan(begin, static_cast<std::size_t>(columns.offset[prompt + 1]) - begin);
}

// Roles of the weights that a step works on.
std::vector<std::string> rolesOf(const PatchStep& step)
{
    if (step.operation == PatchOperation::RankK)
        return {step.matrix + ".weight"};
    const std::string output = step.target == PatchTarget::Mlp || step.target == PatchTarget::Residual ? "down" : "o";
    if (step.operation == PatchOperation::AddDirection)
        return {output + ".bias"};
    if (step.target == PatchTarget::Residual)
        return {};
    return step.target == PatchTarget::Head ? std::vector<std::string>{output + ".weight"}
                                            : std::vector<std::string>{output + ".weight", output + ".bias"};
}

}

Json stepTexts(const Patch& patch)
{
    Json texts = Json::array();
    for (const PatchStep& step : patch.steps)
        texts.push_back(edit::textOf(step));
    return texts;
}

Json localRows(const EditColumns& columns, const std::vector<LayerIndex>& blocks, const PromptSet& prompts)
{
    const auto tokens = static_cast<std::size_t>(columns.offset.back());
    std::vector<double> largest(tokens, 0.0); // over blocks
    Json rows = Json::array();
    std::size_t worst = 0;
    for (std::size_t b = 0; b < blocks.size(); ++b) {
        const std::span<const double> own = std::span(columns.error).subspan(b * tokens, tokens);
        rows.push_back({{"block", blocks[b].value},
                        {"epsilon", *std::max_element(own.begin(), own.end())},
                        {"mean", meanOf(own)}});
        for (std::size_t t = 0; t < tokens; ++t) {
            largest[t] = std::max(largest[t], own[t]);
            if (own[t] > columns.error[worst])
                worst = b * tokens + t;
        }
    }
    Json promptRows = Json::array();
    for (std::size_t p = 0; p + 1 < columns.offset.size(); ++p) {
        const std::vector<double> errors(largest.begin() + columns.offset[p], largest.begin() + columns.offset[p + 1]);
        promptRows.push_back({{"id", prompts.prompts[p].id},
                              {"largest", errors.empty() ? 0 : *std::max_element(errors.begin(), errors.end())},
                              {"errors", errors}});
    }
    Json worstPlace;
    if (!blocks.empty()) {
        const auto token = static_cast<std::int64_t>(worst % tokens);
        const auto next = std::upper_bound(columns.offset.begin(), columns.offset.end(), token);
        const auto prompt = static_cast<std::int32_t>(next - columns.offset.begin() - 1);
        worstPlace = placeOf({{prompt}, static_cast<std::int32_t>(token - *std::prev(next))}, prompts);
        worstPlace["block"] = blocks[worst / tokens].value;
    }
    const Quantiles quantiles = certificate::nearestRankQuantiles(columns.error);
    return {
        {"method", "native"},
        {"tokens", tokens},
        {"epsilon", blocks.empty() ? 0.0 : columns.error[worst]},
        {"mean", meanOf(columns.error)},
        {"quantiles", {{"q50", quantiles.q50}, {"q90", quantiles.q90}, {"q95", quantiles.q95}, {"q99", quantiles.q99}}},
        {"worst", std::move(worstPlace)},
        {"blocks", std::move(rows)},
        {"prompts", std::move(promptRows)}};
}

Json downstreamRows(const EditEffect& effect, const PromptSet& heldout)
{
    Json layers = Json::array();
    for (const TokenSpread& layer : effect.layers)
        layers.push_back({{"mean", layer.mean}, {"largest", layer.largest}});
    Json prompts = Json::array();
    std::int64_t tokens = 0;
    for (const HeldoutPromptMetrics& row : effect.heldout) {
        tokens += row.tokens;
        prompts.push_back({{"id", row.id},
                           {"loss_change", row.meanBase ? Json(*row.meanEdited - *row.meanBase) : Json()},
                           {"mean_kl", row.meanDivergence},
                           {"agreement", row.agreement.value()}});
    }
    const auto pair = [&](auto before, auto after) {
        return effect.perplexity ? Json{{"before", before(*effect.perplexity)}, {"after", after(*effect.perplexity)}}
                                 : Json{{"before", nullptr}, {"after", nullptr}};
    };
    return {
        {"final_deviation", {{"pre_norm", effect.finalPre.largest}, {"post_norm", effect.finalPost.largest}}},
        {"amplification",
         {{"pre_norm", numberOrNull(effect.amplificationPre)}, {"post_norm", numberOrNull(effect.amplificationPost)}}},
        {"layers", std::move(layers)},
        {"heldout",
         {{"tokens", tokens},
          {"nll", pair([](const Perplexities& both) { return both.meanBaseline; },
                       [](const Perplexities& both) { return both.meanStitched; })},
          {"perplexity", pair([](const Perplexities& both) { return both.baseline; },
                              [](const Perplexities& both) { return both.stitched; })},
          {"kl",
           {{"mean", effect.divergence.mean},
            {"largest", effect.divergence.largest},
            {"worst", placeOf(effect.divergence.worst, heldout)}}},
          {"agreement", effect.agreement.value()},
          {"prompts", std::move(prompts)}}}};
}

Json completionRow(const CompletionText& completion, std::int64_t tokens, const MarkerLists& markers)
{
    Json found = Json::array();
    for (const std::size_t marker : edit::markersIn(completion.text, markers))
        found.push_back(marker < markers.refusal.size() ? markers.refusal[marker]
                                                        : markers.harmful[marker - markers.refusal.size()]);
    return {{"text", completion.text},
            {"tokens", tokens},
            {"end", wordOf(completion.end)},
            {"verdict", edit::nameOf(edit::judge(completion, markers))},
            {"markers", std::move(found)}};
}

Json completionRows(const std::vector<RefusalRow>& rows, const CompletionColumns& before,
                    const CompletionColumns& after, const MarkerLists& markers)
{
    Json list = Json::array();
    for (std::size_t p = 0; p < rows.size(); ++p) {
        const std::span<const std::int32_t> plain = idsOf(before, p);
        const std::span<const std::int32_t> edited = idsOf(after, p);
        const auto first = std::mismatch(plain.begin(), plain.end(), edited.begin(), edited.end()).first;
        const bool same = std::equal(plain.begin(), plain.end(), edited.begin(), edited.end());
        list.push_back({{"prompt", p},
                        {"id", rows[p].id},
                        {"label", rows[p].label.empty() ? Json() : Json(rows[p].label)},
                        {"before", completionRow(rows[p].before, static_cast<std::int64_t>(plain.size()), markers)},
                        {"after", completionRow(rows[p].after, static_cast<std::int64_t>(edited.size()), markers)},
                        {"first_difference", same ? Json() : Json(first - plain.begin())}});
    }
    Json accuracy = Json::object();
    Json counts = Json::object();
    for (const auto& [key, side] : {std::pair{"before", edit::Side::Before}, std::pair{"after", edit::Side::After}}) {
        const RefusalMetrics metrics = edit::measureRefusals(rows, side, markers);
        accuracy[key] = {{"answer", shareOf(metrics.answer)}, {"refuse", shareOf(metrics.refuse)}};
        counts[key] = countRows(metrics);
    }
    return {{"rows", std::move(list)},
            {"accuracy", std::move(accuracy)},
            {"counts", std::move(counts)},
            {"markers", markerRows(markers)}};
}

Json markerRows(const MarkerLists& markers)
{
    return {{"name", markers.name},
            {"version", markers.version},
            {"sha256", markers.sha256},
            {"refusal", markers.refusal},
            {"harmful", markers.harmful}};
}

Json receiptRows(const Patch& patch, const std::vector<TouchedTensor>& touched,
                 const std::map<LayerIndex, ir::BlockIr>& blocks)
{
    const auto textOrNull = [](const std::string& text) { return text.empty() ? Json() : Json(text); };
    Json rows = Json::array();
    std::set<std::pair<LayerIndex, std::string>> listed;
    for (const TouchedTensor& tensor : touched) {
        listed.emplace(tensor.block, tensor.role);
        rows.push_back({{"block", tensor.block.value},
                        {"role", tensor.role},
                        {"tensor", textOrNull(tensor.tensor)},
                        {"before", textOrNull(tensor.before)},
                        {"after", tensor.after},
                        {"changed", true}});
    }
    for (const PatchStep& step : patch.steps)
        for (const std::string& role : rolesOf(step)) {
            const ir::BlockProgram& program = blocks.at(step.block).program;
            const auto weight = program.weights.find(role);
            if (weight == program.weights.end() || !listed.emplace(step.block, role).second)
                continue;
            rows.push_back({{"block", step.block.value},
                            {"role", role},
                            {"tensor", weight->second.reference ? Json(weight->second.reference->tensor) : Json()},
                            {"before", weight->second.sha256},
                            {"after", weight->second.sha256},
                            {"changed", false}});
        }
    return {{"touched", std::move(rows)}, {"why_nothing", touched.empty() ? Json(noOpReason(patch)) : Json()}};
}

}
