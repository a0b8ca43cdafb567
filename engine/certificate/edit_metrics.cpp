#include "engine/certificate/edit_metrics.h"

#include "engine/certificate/metrics.h"

#include <algorithm>
#include <cmath>

namespace blockcert::certificate {

namespace {

TokenLocation locate(std::span<const std::int64_t> offset, std::size_t token)
{
    const auto wanted = static_cast<std::int64_t>(token);
    const auto prompt = std::upper_bound(offset.begin(), offset.end(), wanted) - offset.begin() - 1;
    return {{static_cast<std::int32_t>(prompt)},
            static_cast<std::int32_t>(wanted - offset[static_cast<std::size_t>(prompt)])};
}

TokenSpread spreadOf(std::span<const double> values, std::span<const std::int64_t> offset)
{
    TokenSpread spread;
    if (values.empty())
        return spread;
    const auto worst = std::max_element(values.begin(), values.end());
    spread.largest = *worst;
    spread.worst = locate(offset, static_cast<std::size_t>(worst - values.begin()));
    double sum = 0;
    for (const double value : values)
        sum += value;
    spread.mean = sum / static_cast<double>(values.size());
    spread.quantiles = nearestRankQuantiles(values);
    return spread;
}

double sumOf(std::span<const double> values)
{
    double sum = 0;
    for (const double value : values)
        sum += value;
    return sum;
}

Perplexities perplexityOf(std::span<const double> base, std::span<const double> edited)
{
    Perplexities perplexity;
    const auto count = static_cast<double>(base.size());
    perplexity.meanBaseline = sumOf(base) / count;
    perplexity.meanStitched = sumOf(edited) / count;
    perplexity.baseline = std::exp(perplexity.meanBaseline);
    perplexity.stitched = std::exp(perplexity.meanStitched);
    return perplexity;
}

Fraction agreementOf(std::span<const std::int32_t> base, std::span<const std::int32_t> edited)
{
    Fraction agreement;
    agreement.total = static_cast<std::int64_t>(base.size());
    for (std::size_t i = 0; i < base.size(); ++i)
        agreement.covered += base[i] == edited[i] ? 1 : 0;
    return agreement;
}

void measureHeldout(const EditColumns& columns, std::span<const std::string> ids, EditEffect& effect)
{
    if (!columns.lossBase.empty())
        effect.perplexity = perplexityOf(columns.lossBase, columns.lossEdited);
    const TokenSpread kl = spreadOf(columns.divergence, columns.heldoutOffset);
    effect.divergence = {kl.mean, kl.largest, kl.worst, kl.quantiles};
    effect.agreement = agreementOf(columns.topBase, columns.topEdited);
    for (std::size_t q = 0; q < ids.size(); ++q) {
        const auto begin = static_cast<std::size_t>(columns.heldoutOffset[q]);
        const auto count = static_cast<std::size_t>(columns.heldoutOffset[q + 1]) - begin;
        HeldoutPromptMetrics row;
        row.id = ids[q];
        row.tokens = static_cast<std::int64_t>(count);
        if (count > 1) { // every prompt before this one predicts one token fewer than it has
            const auto losses = [&](const std::vector<double>& all) {
                return std::span(all).subspan(begin - q, count - 1);
            };
            row.meanBase = sumOf(losses(columns.lossBase)) / static_cast<double>(count - 1);
            row.meanEdited = sumOf(losses(columns.lossEdited)) / static_cast<double>(count - 1);
        }
        row.meanDivergence = sumOf(std::span(columns.divergence).subspan(begin, count)) / static_cast<double>(count);
        row.agreement = agreementOf(std::span(columns.topBase).subspan(begin, count),
                                    std::span(columns.topEdited).subspan(begin, count));
        effect.heldout.push_back(std::move(row));
    }
}

}

bool hasEffect(const EditColumns& columns)
{
    const auto differs = [](double value) { return value != 0; };
    return std::any_of(columns.deviation.begin(), columns.deviation.end(), differs) ||
           std::any_of(columns.finalPost.begin(), columns.finalPost.end(), differs) ||
           columns.lossBase != columns.lossEdited || columns.topBase != columns.topEdited ||
           columns.before.id != columns.after.id || columns.before.margin != columns.after.margin;
}

EditEffect measureEdit(const EditColumns& columns, std::span<const LayerIndex> blocks,
                       std::span<const std::string> heldoutIds)
{
    EditEffect effect;
    const std::size_t tokens = columns.tokenId.size();
    for (std::size_t b = 0; b < blocks.size(); ++b)
        effect.blocks.push_back(
            {blocks[b], spreadOf(std::span(columns.error).subspan(b * tokens, tokens), columns.offset)});
    for (std::size_t layer = 0; layer < static_cast<std::size_t>(columns.layers); ++layer)
        effect.layers.push_back(spreadOf(std::span(columns.deviation).subspan(layer * tokens, tokens), columns.offset));
    effect.finalPre = effect.layers.back();
    effect.finalPost = spreadOf(columns.finalPost, columns.offset);
    if (effect.blocks.size() == 1 && effect.blocks[0].error.largest > 0) {
        effect.amplificationPre = effect.finalPre.largest / effect.blocks[0].error.largest;
        effect.amplificationPost = effect.finalPost.largest / effect.blocks[0].error.largest;
    }
    measureHeldout(columns, heldoutIds, effect);
    return effect;
}

}
