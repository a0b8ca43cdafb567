#include "engine/certificate/stitch_metrics.h"

#include "engine/base/ranges_text.h"
#include "engine/certificate/metrics.h"
#include "engine/edit/wilson.h"

#include <algorithm>
#include <cmath>

namespace blockcert::certificate {

namespace {

TokenLocation locate(const StitchColumns& columns, std::size_t token)
{
    const auto wanted = static_cast<std::int64_t>(token);
    const auto next = std::upper_bound(columns.offset.begin(), columns.offset.end(), wanted);
    const auto prompt = next - columns.offset.begin() - 1;
    return {{static_cast<std::int32_t>(prompt)},
            static_cast<std::int32_t>(wanted - columns.offset[static_cast<std::size_t>(prompt)])};
}

LayerDeviation deviationOf(const StitchColumns& columns, std::size_t layer)
{
    const std::size_t tokens = columns.tokens();
    LayerDeviation deviation;
    double sum = 0;
    double coordinates = 0;
    for (std::size_t t = 0; t < tokens; ++t) {
        const std::size_t at = layer * tokens + t;
        sum += columns.residualL2[at];
        coordinates += columns.residualMae[at];
        deviation.largestCoordinate = std::max(deviation.largestCoordinate, columns.residualMax[at]);
        if (t == 0 || columns.residualL2[at] > deviation.largest) {
            deviation.largest = columns.residualL2[at];
            deviation.worst = locate(columns, t);
        }
    }
    deviation.mae = sum / static_cast<double>(tokens);
    deviation.coordinateMae = coordinates / static_cast<double>(tokens);
    return deviation;
}

LargestResidual largestOf(const std::vector<LayerDeviation>& layers)
{
    LargestResidual largest;
    for (std::size_t l = 0; l < layers.size(); ++l)
        if (l == 0 || layers[l].largest > largest.value)
            largest = {{static_cast<std::int32_t>(l)}, layers[l].worst, layers[l].largest};
    return largest;
}

std::optional<Perplexities> perplexityOf(std::span<const double> base, std::span<const double> stitched)
{
    if (base.empty())
        return std::nullopt;
    const auto mean = [](std::span<const double> losses) {
        double sum = 0;
        for (const double loss : losses)
            sum += loss;
        return sum / static_cast<double>(losses.size());
    };
    Perplexities perplexities;
    perplexities.meanBaseline = mean(base);
    perplexities.meanStitched = mean(stitched);
    perplexities.baseline = std::exp(perplexities.meanBaseline);
    perplexities.stitched = std::exp(perplexities.meanStitched);
    return perplexities;
}

Divergence divergenceOf(const StitchColumns& columns)
{
    Divergence divergence;
    double sum = 0;
    for (std::size_t t = 0; t < columns.tokens(); ++t) {
        sum += columns.divergence[t];
        if (t == 0 || columns.divergence[t] > divergence.largest) {
            divergence.largest = columns.divergence[t];
            divergence.worst = locate(columns, t);
        }
    }
    divergence.mean = sum / static_cast<double>(columns.tokens());
    divergence.quantiles = nearestRankQuantiles(columns.divergence);
    return divergence;
}

bool agreesAt(const StitchColumns& columns, std::size_t token)
{
    return columns.topIdBase[token * stitchTops] == columns.topIdStitched[token * stitchTops];
}

Fraction agreementOf(const StitchColumns& columns, std::size_t begin, std::size_t end)
{
    Fraction agreement;
    for (std::size_t t = begin; t < end; ++t) {
        ++agreement.total;
        agreement.covered += agreesAt(columns, t) ? 1 : 0;
    }
    return agreement;
}

bool exceeds(const StitchColumns& columns, std::size_t at, const Policy& policy)
{
    const double error = columns.residualL2[at];
    if (policy.measure == ErrorMeasure::L2)
        return error > policy.tauAct;
    const double relative = relativeErrors(std::span(&error, 1), std::span(&columns.residualNorm[at], 1))[0];
    return relative > policy.tauRel;
}

std::optional<LayerIndex> firstLayerOf(const StitchColumns& columns, std::size_t prompt, const Policy& policy)
{
    for (std::size_t l = 0; l < static_cast<std::size_t>(columns.layers); ++l)
        for (std::size_t t = columns.begin(prompt); t < columns.end(prompt); ++t)
            if (exceeds(columns, l * columns.tokens() + t, policy))
                return LayerIndex{static_cast<std::int32_t>(l)};
    return std::nullopt;
}

StitchPromptMetrics promptMetrics(const StitchColumns& columns, std::size_t prompt, const Policy& policy)
{
    const std::size_t begin = columns.begin(prompt);
    const std::size_t end = columns.end(prompt);
    const std::size_t predicted = end - begin - 1;
    // Every prompt before this one predicts one token fewer than it has.
    const auto losses = [&](const std::vector<double>& all) {
        return std::span(all).subspan(begin - prompt, predicted);
    };
    StitchPromptMetrics row;
    row.tokens = static_cast<std::int64_t>(end - begin);
    row.perplexity = perplexityOf(losses(columns.lossBase), losses(columns.lossStitched));
    row.loss = coverLosses(losses(columns.lossBase), losses(columns.lossStitched), predicted, policy.tauLoss);
    double sum = 0;
    for (std::size_t t = begin; t < end; ++t) {
        sum += columns.divergence[t];
        if (!row.firstToken && !agreesAt(columns, t))
            row.firstToken = static_cast<std::int32_t>(t - begin);
        for (std::size_t l = 0; l < static_cast<std::size_t>(columns.layers); ++l)
            row.largestResidual = std::max(row.largestResidual, columns.residualL2[l * columns.tokens() + t]);
    }
    row.meanDivergence = sum / static_cast<double>(row.tokens);
    row.agreement = agreementOf(columns, begin, end);
    row.firstLayer = firstLayerOf(columns, prompt, policy);
    return row;
}

std::optional<SemanticAgreement> semanticOf(const StitchColumns& columns)
{
    Fraction agreement;
    Fraction baseline;
    Fraction stitched;
    for (std::size_t p = 0; p < columns.prompts(); ++p) {
        const std::int32_t label = columns.labelId[p];
        if (label < 0)
            continue;
        const std::size_t last = (columns.end(p) - 1) * stitchTops;
        for (Fraction* share : {&agreement, &baseline, &stitched})
            ++share->total;
        agreement.covered += columns.topIdBase[last] == columns.topIdStitched[last] ? 1 : 0;
        baseline.covered += columns.topIdBase[last] == label ? 1 : 0;
        stitched.covered += columns.topIdStitched[last] == label ? 1 : 0;
    }
    if (agreement.total == 0)
        return std::nullopt;
    return SemanticAgreement{wilson(agreement), wilson(baseline), wilson(stitched)};
}

}

StitchMetrics measureStitch(const StitchColumns& columns, std::span<const std::string> promptIds, const Policy& policy)
{
    StitchMetrics metrics;
    for (std::size_t l = 0; l < static_cast<std::size_t>(columns.layers); ++l)
        metrics.layers.push_back(deviationOf(columns, l));
    metrics.largest = largestOf(metrics.layers);
    metrics.perplexity = perplexityOf(columns.lossBase, columns.lossStitched);
    metrics.loss = coverLosses(columns.lossBase, columns.lossStitched, columns.lossBase.size(), policy.tauLoss);
    metrics.divergence = divergenceOf(columns);
    metrics.agreement = agreementOf(columns, 0, columns.tokens());
    metrics.semantic = semanticOf(columns);
    for (std::size_t p = 0; p < columns.prompts(); ++p) {
        metrics.prompts.push_back(promptMetrics(columns, p, policy));
        metrics.prompts.back().id = promptIds[p];
    }
    return metrics;
}

std::vector<CertificateFinding> judgeStitch(const StitchMetrics& metrics, std::span<const LayerIndex> uncertified,
                                            const Policy& policy)
{
    std::vector<CertificateFinding> findings;
    if (!uncertified.empty()) {
        std::vector<std::int32_t> blocks;
        for (const LayerIndex block : uncertified)
            blocks.push_back(block.value);
        const std::string where = blocksText(blocks);
        findings.push_back({"blocks_not_certified", where, std::nullopt, 1});
    }
    if (!metrics.loss.value)
        findings.push_back({"loss_coverage_missing", metrics.loss.why, std::nullopt, policy.alphaLoss});
    else if (!(*metrics.loss.value >= policy.alphaLoss))
        findings.push_back({"loss_coverage_below", "", *metrics.loss.value, policy.alphaLoss});
    return findings;
}

void concludeBisection(Bisection& bisection, bool tie, double full)
{
    const auto happens = [&](double value) {
        if (bisection.event == BisectEvent::FirstDivergence)
            return value > 0 || (value == 0 && tie);
        return full > 0 ? value >= full / 2 : value <= full / 2;
    };
    const auto size = [&](double value) {
        return bisection.event == BisectEvent::FirstDivergence || full > 0 ? value : -value;
    };
    bisection.prefix.reset();
    bisection.single.reset();
    double largest = 0;
    for (const BisectRow& row : bisection.rows) {
        if (!bisection.prefix && happens(row.prefix))
            bisection.prefix = row.block;
        if (!happens(row.single) || (bisection.single && size(row.single) <= largest))
            continue;
        bisection.single = row.block;
        largest = size(row.single);
    }
}

bool samePerplexities(const std::optional<Perplexities>& a, const std::optional<Perplexities>& b)
{
    if (!a || !b)
        return a.has_value() == b.has_value();
    constexpr double tolerance = 1e-14; // of exp() alone
    const auto close = [](double x, double y) { return x == y || std::abs(x - y) <= tolerance * std::abs(y); };
    return a->meanBaseline == b->meanBaseline && a->meanStitched == b->meanStitched &&
           close(a->baseline, b->baseline) && close(a->stitched, b->stitched);
}

Proportion wilson(Fraction share)
{
    return edit::wilson(share);
}

}
