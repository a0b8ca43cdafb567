#include "engine/certificate/metrics.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

namespace blockcert::certificate {

namespace {

// Tokens [begin, end) of the whole set, belonging to prompts [firstPrompt, …).
struct TokenRange {
    std::size_t begin = 0;
    std::size_t end = 0;
};

// The prompt and position of token `index`.
TokenLocation locate(std::span<const std::int64_t> offset, std::size_t index)
{
    const auto wanted = static_cast<std::int64_t>(index);
    const auto next = std::upper_bound(offset.begin(), offset.end(), wanted);
    const auto prompt = next - offset.begin() - 1;
    return {{static_cast<std::int32_t>(prompt)},
            static_cast<std::int32_t>(wanted - offset[static_cast<std::size_t>(prompt)])};
}

ErrorSummary summarise(std::span<const double> values, TokenRange range, double tau,
                       std::span<const std::int64_t> offset)
{
    ErrorSummary summary;
    double sum = 0;
    std::int64_t counted = 0;
    for (std::size_t i = range.begin; i < range.end; ++i) {
        ++summary.coverage.total;
        if (values[i] <= tau)
            ++summary.coverage.covered;
        if (!std::isfinite(values[i]))
            continue;
        if (counted == 0 || values[i] > summary.epsilon) {
            summary.epsilon = values[i];
            summary.worst = locate(offset, i);
        }
        sum += values[i];
        ++counted;
    }
    if (counted > 0)
        summary.mean = sum / static_cast<double>(counted);
    summary.quantiles = nearestRankQuantiles(values.subspan(range.begin, range.end - range.begin));
    return summary;
}

Fraction countPath(std::span<const std::uint8_t> agrees, TokenRange range)
{
    Fraction path;
    for (std::size_t i = range.begin; i < range.end; ++i) {
        ++path.total;
        path.covered += agrees[i] != 0 ? 1 : 0;
    }
    return path;
}

std::vector<CertificateFinding> judgeActivation(const CoverageMetrics& metrics, const Policy& policy)
{
    const bool relative = policy.measure == ErrorMeasure::RelativeL2;
    const double coverage = (relative ? metrics.relative : metrics.l2).coverage.value();
    if (coverage >= policy.alphaAct)
        return {};
    return {{relative ? "relative_coverage_below" : "activation_coverage_below", "", coverage, policy.alphaAct}};
}

}

CoverageMetrics measure(const TokenMeasurements& tokens, const Policy& policy)
{
    const std::size_t prompts = tokens.promptIds.size();
    const std::size_t count = tokens.error.size();
    assert(tokens.offset.size() == prompts + 1);
    assert(tokens.outputNorm.size() == count && tokens.pathAgrees.size() == count);
    const bool estimated = !tokens.firstOrder.empty();
    assert(!estimated || (tokens.firstOrder.size() == count && tokens.lossStitched.empty()));
    assert(estimated || tokens.lossBase.size() == tokens.lossStitched.size());
    assert(tokens.lossBase.empty() || tokens.lossBase.size() == count - prompts);

    const std::vector<double> relative = relativeErrors(tokens.error, tokens.outputNorm);
    const auto lossesOf = [&](TokenRange range) {
        const std::size_t predicted = range.end - range.begin;
        if (tokens.lossStitched.empty()) {
            LossCoverage none = coverLosses({}, {}, predicted, policy.tauLoss);
            if (estimated && predicted > 0)
                none.why = "the loss was estimated (first order), not measured";
            return none;
        }
        return coverLosses(tokens.lossBase.subspan(range.begin, predicted),
                           tokens.lossStitched.subspan(range.begin, predicted), predicted, policy.tauLoss);
    };
    const auto estimateOf = [&](TokenRange range, TokenRange losses) -> std::optional<FirstOrderEstimate> {
        if (!estimated)
            return std::nullopt;
        const auto sum = [](std::span<const double> values, TokenRange part) {
            double total = 0;
            for (std::size_t i = part.begin; i < part.end; ++i)
                total += values[i];
            return total;
        };
        return FirstOrderEstimate{sum(tokens.firstOrder, range), sum(tokens.lossBase, losses)};
    };
    CoverageMetrics metrics;
    for (std::size_t p = 0; p < prompts; ++p) {
        const TokenRange range{static_cast<std::size_t>(tokens.offset[p]),
                               static_cast<std::size_t>(tokens.offset[p + 1])};
        // Every prompt before this one has one token fewer to predict than tokens.
        const TokenRange losses{range.begin - p, range.end - p - 1};
        PromptMetrics& row = metrics.prompts.emplace_back();
        row.id = tokens.promptIds[p];
        row.tokens = static_cast<std::int64_t>(range.end - range.begin);
        row.l2 = summarise(tokens.error, range, policy.tauAct, tokens.offset);
        row.relative = summarise(relative, range, policy.tauRel, tokens.offset);
        row.path = countPath(tokens.pathAgrees, range);
        row.loss = lossesOf(losses);
        row.firstOrder = estimateOf(range, losses);
    }
    const TokenRange all{0, count};
    metrics.l2 = summarise(tokens.error, all, policy.tauAct, tokens.offset);
    metrics.relative = summarise(relative, all, policy.tauRel, tokens.offset);
    metrics.path = countPath(tokens.pathAgrees, all);
    metrics.loss = lossesOf({0, count - prompts});
    metrics.firstOrder = estimateOf(all, {0, count - prompts});
    return metrics;
}

double firstOrderChange(std::span<const double> gradient, std::span<const double> surrogate,
                        std::span<const double> output)
{
    assert(gradient.size() == surrogate.size() && gradient.size() == output.size());
    double sum = 0;
    for (std::size_t i = 0; i < gradient.size(); ++i)
        sum += gradient[i] * (surrogate[i] - output[i]);
    return sum;
}

LossCoverage coverLosses(std::span<const double> base, std::span<const double> stitched, std::size_t predicted,
                         double tau)
{
    LossCoverage coverage;
    if (predicted == 0) {
        coverage.why = "no token is predicted";
        return coverage;
    }
    if (base.empty()) {
        coverage.why = "losses were not measured";
        return coverage;
    }
    for (std::size_t i = 0; i < predicted; ++i) {
        const double difference = std::abs(stitched[i] - base[i]);
        ++coverage.tokens.total;
        coverage.totalLoss += base[i];
        coverage.maxDifference = std::max(coverage.maxDifference, difference);
        if (difference <= tau) {
            ++coverage.tokens.covered;
            coverage.coveredLoss += base[i];
        }
    }
    // A sum that rounding left at or below zero cannot carry a share either.
    if (coverage.totalLoss > 0)
        coverage.value = coverage.coveredLoss / coverage.totalLoss;
    else
        coverage.why = "the baseline losses sum to zero";
    return coverage;
}

std::vector<CertificateFinding> judge(const CoverageMetrics& metrics, const Policy& policy)
{
    std::vector<CertificateFinding> findings = judgeActivation(metrics, policy);
    if (!metrics.loss.value)
        findings.push_back({"loss_coverage_missing", metrics.loss.why, std::nullopt, policy.alphaLoss});
    else if (!(*metrics.loss.value >= policy.alphaLoss))
        findings.push_back({"loss_coverage_below", "", *metrics.loss.value, policy.alphaLoss});
    return findings;
}

std::vector<double> relativeErrors(std::span<const double> error, std::span<const double> outputNorm)
{
    std::vector<double> relative(error.size());
    for (std::size_t i = 0; i < error.size(); ++i) {
        if (error[i] == 0)
            relative[i] = 0;
        else if (outputNorm[i] == 0)
            relative[i] = std::numeric_limits<double>::infinity();
        else
            relative[i] = error[i] / outputNorm[i];
    }
    return relative;
}

Quantiles nearestRankQuantiles(std::span<const double> values)
{
    std::vector<double> sorted;
    sorted.reserve(values.size());
    std::copy_if(values.begin(), values.end(), std::back_inserter(sorted),
                 [](double value) { return std::isfinite(value); });
    if (sorted.empty())
        return {};
    std::sort(sorted.begin(), sorted.end());
    // ⌈percent · n / 100⌉ in integers: 0.95 · n in floating point can land on the wrong side of a whole number.
    const auto rank = [&](std::size_t percent) { return sorted[(percent * sorted.size() + 99) / 100 - 1]; };
    return {rank(50), rank(90), rank(95), rank(99)};
}

std::vector<std::uint8_t> pathAgreement(const HostTensor& irMask, const HostTensor& recorded,
                                        std::span<const std::int32_t> position)
{
    const std::size_t tokens = position.size();
    const auto stride = static_cast<std::size_t>(irMask.shape.at(0));
    assert(stride >= tokens && recorded.bytes.size() == tokens * tokens);
    std::vector<std::uint8_t> agrees(tokens);
    for (std::size_t t = 0; t < tokens; ++t) {
        const bool row = std::equal(recorded.bytes.begin() + static_cast<std::ptrdiff_t>(t * tokens),
                                    recorded.bytes.begin() + static_cast<std::ptrdiff_t>((t + 1) * tokens),
                                    irMask.bytes.begin() + static_cast<std::ptrdiff_t>(t * stride));
        agrees[t] = row && position[t] == static_cast<std::int32_t>(t) ? 1 : 0;
    }
    return agrees;
}

double l2Norm(std::span<const double> values)
{
    double sum = 0;
    for (const double value : values)
        sum += value * value;
    return std::sqrt(sum);
}

double l2Distance(std::span<const double> a, std::span<const double> b)
{
    assert(a.size() == b.size());
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        const double difference = a[i] - b[i];
        sum += difference * difference;
    }
    return std::sqrt(sum);
}

}
