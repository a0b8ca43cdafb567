#include "engine/certificate/comparison.h"

#include "engine/certificate/certificate_codec.h"
#include "engine/certificate/metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace blockcert::certificate {

namespace {

constexpr double anything = std::numeric_limits<double>::infinity();

std::vector<double> ends(const Intervals& tokens, double Interval::*end, std::size_t begin, std::size_t count)
{
    std::vector<double> values;
    for (std::size_t i = begin; i < begin + count; ++i)
        values.push_back(tokens[i].*end);
    return values;
}

double sumOf(const std::vector<double>& values)
{
    double sum = 0;
    for (const double value : values)
        sum += value;
    return sum;
}

// The widest difference of two columns in units of what is allowed, and where.
struct Widest {
    double excess = 0; // |recorded − replayed| / allowed
    std::size_t token = 0;
    std::int64_t compared = 0;
    bool identical = true;
    double recorded = 0;
    double replayed = 0;

    void see(double recordedValue, double replayedValue, double allowed, std::size_t at)
    {
        ++compared;
        const double difference = std::abs(recordedValue - replayedValue);
        identical = identical && recordedValue == replayedValue;
        double ratio = difference == 0 ? 0 : difference / allowed;
        if (std::isnan(ratio))
            ratio = anything; // a replay that has left the numbers agrees with nothing
        if (ratio > excess || compared == 1) {
            excess = ratio;
            token = at;
            recorded = recordedValue;
            replayed = replayedValue;
        }
    }
};

Row tokenRow(const char* id, const char* title, const Widest& widest, const ProbeShape& shape, const std::string& where)
{
    Row row(id, group::reEvaluation, where, title);
    row.how("replayed, " + counted(widest.compared, "value") + (widest.identical ? ", bit-identical" : ""));
    const std::string at = tokenText(shape, widest.token);
    row.issuer(exactText(widest.recorded))
        .recomputed(exactText(widest.replayed))
        .note("widest at " + at + ": " + exactText(widest.excess) + " of the allowed difference");
    row.passedIf(widest.excess <= 1, "At " + at + " the recorded value is " + exactText(widest.recorded) +
                                         ", the replay gives " + exactText(widest.replayed) + ": " +
                                         exactText(widest.excess) + " times the allowed difference.");
    return row;
}

std::string locationText(const TokenLocation& location)
{
    return "prompt " + std::to_string(location.prompt.value) + ", token " + std::to_string(location.token);
}

std::string quantilesText(const Quantiles& quantiles)
{
    return exactText(quantiles.q50) + ", " + exactText(quantiles.q90) + ", " + exactText(quantiles.q95) + ", " +
           exactText(quantiles.q99);
}

// Everything that is said about one measure over one range of tokens.
struct SummaryRange {
    Interval epsilon, mean;
    Interval q50, q90, q95, q99;
    CoverageRange coverage;
};

SummaryRange summaryRange(const Intervals& tokens, std::size_t begin, std::size_t end, double tau)
{
    const std::vector<double> least = ends(tokens, &Interval::least, begin, end - begin);
    const std::vector<double> most = ends(tokens, &Interval::most, begin, end - begin);
    if (std::any_of(most.begin(), most.end(), [](double value) { return std::isinf(value); })) {
        const Interval any{0, anything}; // a token whose value may not exist: only its own coverage is undecided
        return {any, any, any, any, any, any, coverageRange(tokens, begin, end, tau)};
    }
    const Quantiles low = nearestRankQuantiles(least);
    const Quantiles high = nearestRankQuantiles(most);
    const auto count = static_cast<double>(end - begin);
    // Adding up rounds: half an ulp per addition of the running sum, generously.
    const double slack = count * std::numeric_limits<double>::epsilon();
    return {{*std::max_element(least.begin(), least.end()), *std::max_element(most.begin(), most.end())},
            {sumOf(least) / count * (1 - slack), sumOf(most) / count * (1 + slack)},
            {low.q50, high.q50},
            {low.q90, high.q90},
            {low.q95, high.q95},
            {low.q99, high.q99},
            coverageRange(tokens, begin, end, tau)};
}

bool holds(const SummaryRange& range, const ErrorSummary& issued)
{
    const Quantiles& q = issued.quantiles;
    return range.epsilon.contains(issued.epsilon) && range.mean.contains(issued.mean) && range.q50.contains(q.q50) &&
           range.q90.contains(q.q90) && range.q95.contains(q.q95) && range.q99.contains(q.q99) &&
           issued.coverage.covered >= range.coverage.certain && issued.coverage.covered <= range.coverage.possible;
}

// The issued worst token must be one that can carry the maximum.
bool canBeWorst(const Intervals& tokens, const ProbeShape& shape, const TokenLocation& worst, double maximum)
{
    if (worst.prompt.value >= shape.prompts() || worst.token >= shape.tokensOf(worst.prompt.value))
        return false;
    const auto token =
        static_cast<std::size_t>(shape.offset[static_cast<std::size_t>(worst.prompt.value)] + worst.token);
    return tokens[token].most >= maximum;
}

std::string coverageText(const Fraction& coverage)
{
    return std::to_string(coverage.covered) + " of " + std::to_string(coverage.total);
}

std::string undecidedText(const CoverageRange& range, const ProbeShape& shape)
{
    if (range.undecided.empty())
        return "";
    std::string text = "undecided at the threshold: ";
    for (std::size_t i = 0; i < range.undecided.size() && i < 20; ++i)
        text += (i == 0 ? "" : "; ") + tokenText(shape, range.undecided[i]);
    if (range.undecided.size() > 20)
        text += " and " + std::to_string(range.undecided.size() - 20) + " more";
    return text;
}

Row numberRow(const char* id, const char* title, double issued, double recomputed, const Interval& allowed,
              const std::string& where)
{
    Row row(id, group::reEvaluation, where, title);
    row.issuer(exactText(issued)).recomputed(exactText(recomputed));
    row.how(issued == recomputed ? "replayed, bit-identical" : "replayed");
    row.passedIf(allowed.contains(issued),
                 "The certificate says " + exactText(issued) + ", the replay gives " + exactText(recomputed) + ".");
    return row;
}

Row coverageRow(const char* id, const char* title, const Fraction& issued, const Fraction& recomputed,
                const CoverageRange& range, const ProbeShape& shape, const std::string& where)
{
    Row row(id, group::reEvaluation, where, title);
    row.issuer(coverageText(issued)).recomputed(coverageText(recomputed)).how("replayed");
    row.note(undecidedText(range, shape));
    const bool fits =
        issued.total == recomputed.total && issued.covered >= range.certain && issued.covered <= range.possible;
    row.passedIf(fits, "The certificate says " + coverageText(issued) + " tokens, the replay finds " +
                           coverageText(recomputed) + ".");
    return row;
}

// Paths of the leaves in which two JSON values differ, at most a few.
void collectDifferences(const Json& issued, const Json& recomputed, const std::string& path,
                        std::vector<std::string>& found)
{
    if (issued == recomputed || found.size() > 3)
        return;
    const bool isNumber = issued.is_object() && issued.contains("hex");
    if (issued.is_object() && recomputed.is_object() && !isNumber) {
        for (const auto& [key, value] : issued.items())
            collectDifferences(value, recomputed.at(key), path.empty() ? key : path + "." + key, found);
        return;
    }
    if (issued.is_array() && recomputed.is_array() && issued.size() == recomputed.size()) {
        for (std::size_t i = 0; i < issued.size(); ++i)
            collectDifferences(issued[i], recomputed[i], path + "[" + std::to_string(i) + "]", found);
        return;
    }
    const auto text = [](const Json& value) {
        return value.is_object() && value.contains("value") ? value["value"].dump() : value.dump();
    };
    found.push_back(path + " is " + text(issued) + " in the certificate and " + text(recomputed) + " recomputed");
}

Row arithmeticRow(const char* id, const char* title, const Json& issued, const Json& recomputed,
                  const std::string& where)
{
    std::vector<std::string> found;
    collectDifferences(issued, recomputed, "", found);
    std::string list;
    for (const std::string& difference : found)
        list += (list.empty() ? "" : "; ") + difference;
    Row row(id, group::reEvaluation, where, title);
    row.how("recomputed from the recorded per-token numbers, compared exactly");
    row.passedIf(found.empty(), list + ".");
    return row;
}

// Splits metrics into what stands on errors and what stands on losses.
std::pair<Json, Json> splitLosses(const CoverageMetrics& metrics)
{
    Json rest = metricsToJson(metrics);
    const auto take = [](Json& from) {
        Json taken = {{"loss", from["loss"]}};
        from.erase("loss");
        if (from.contains("loss_estimate"))
            taken["loss_estimate"] = from["loss_estimate"];
        from.erase("loss_estimate");
        return taken;
    };
    Json losses = take(rest);
    losses["prompts"] = Json::array();
    for (Json& prompt : rest["prompts"])
        losses["prompts"].push_back(take(prompt));
    return {std::move(rest), std::move(losses)};
}

}

Intervals errorIntervals(const BlockScan& scan, double rho)
{
    Intervals tokens;
    for (std::size_t i = 0; i < scan.replayed.error.size(); ++i) {
        const double allowed = rho * scan.scale[i];
        tokens.push_back({std::max(0.0, scan.replayed.error[i] - allowed), scan.replayed.error[i] + allowed});
    }
    return tokens;
}

Intervals relativeIntervals(const BlockScan& scan, double rho)
{
    const Intervals errors = errorIntervals(scan, rho);
    Intervals tokens;
    for (std::size_t i = 0; i < errors.size(); ++i) {
        const double norm = scan.replayed.outputNorm[i];
        // The issuer divides by a norm of its own, within ρ of this one.
        const double most = errors[i].most / (norm * (1 - rho));
        if (norm == 0 || !std::isfinite(most))
            tokens.push_back({0, anything});
        else
            tokens.push_back({errors[i].least / (norm * (1 + rho)), most});
    }
    return tokens;
}

CoverageRange coverageRange(const Intervals& tokens, std::size_t begin, std::size_t end, double tau)
{
    CoverageRange range;
    for (std::size_t i = begin; i < end; ++i) {
        range.certain += tokens[i].most <= tau ? 1 : 0;
        range.possible += tokens[i].least <= tau ? 1 : 0;
        if (tokens[i].most > tau && tokens[i].least <= tau)
            range.undecided.push_back(i);
    }
    return range;
}

void compareTokens(const BlockScan& scan, const ProbeShape& shape, double rho, const std::string& where,
                   CheckList& checks)
{
    Widest error;
    Widest attention;
    Widest mlp;
    Widest norm;
    Widest margin;
    Widest estimate;
    for (std::int64_t p = 0; p < shape.prompts(); ++p) {
        if (!scan.wasReplayed[static_cast<std::size_t>(p)])
            continue;
        const auto first = static_cast<std::size_t>(shape.offset[static_cast<std::size_t>(p)]);
        const std::size_t end = first + static_cast<std::size_t>(shape.tokensOf(p));
        for (std::size_t i = first; i < end; ++i) {
            const auto see = [&](Widest& widest, std::vector<double> TokenColumns::*column, double scale) {
                widest.see((scan.recorded.*column)[i], (scan.replayed.*column)[i], rho * scale, i);
            };
            see(error, &TokenColumns::error, scan.scale[i]);
            if (shape.sublayers) {
                see(attention, &TokenColumns::errorAttention, scan.scaleAttention[i]);
                see(mlp, &TokenColumns::errorMlp, scan.scaleMlp[i]);
            }
            see(norm, &TokenColumns::outputNorm, scan.replayed.outputNorm[i]);
            if (!scan.firstOrder.empty())
                estimate.see(scan.firstOrder[i], scan.firstOrderReplayed[i], scan.firstOrderAllowed[i], i);
            for (std::size_t h = 0; h < static_cast<std::size_t>(shape.heads); ++h) {
                const std::size_t at = h * static_cast<std::size_t>(shape.tokens()) + i;
                margin.see(scan.recorded.margin[at], scan.replayed.margin[at],
                           rho * scan.marginScale[static_cast<std::size_t>(p)], i);
            }
        }
    }
    checks.add(tokenRow("replay.error", "Error of every token", error, shape, where));
    if (shape.sublayers) {
        checks.add(tokenRow("replay.error_attn", "Error of every token's attention output", attention, shape, where));
        checks.add(tokenRow("replay.error_mlp", "Error of every token's MLP output", mlp, shape, where));
    }
    checks.add(tokenRow("replay.output_norm", "Norm of every recorded output", norm, shape, where));
    checks.add(tokenRow("replay.attention_margin", "Attention margin of every token and head", margin, shape, where));
    if (!scan.firstOrder.empty())
        checks.add(tokenRow("replay.first_order", "Loss change estimated (first order), by the recorded gradient",
                            estimate, shape, where));
}

void compareMetrics(const Certificate& certificate, const BlockScan& scan, const ProbeShape& shape, double rho,
                    const CoverageMetrics& recomputed, const std::string& where, CheckList& checks)
{
    const Policy& policy = certificate.request.policy;
    const CoverageMetrics& issued = certificate.metrics;
    const Intervals errors = errorIntervals(scan, rho);
    const Intervals relative = relativeIntervals(scan, rho);
    const auto all = static_cast<std::size_t>(shape.tokens());
    const SummaryRange l2 = summaryRange(errors, 0, all, policy.tauAct);
    const SummaryRange rel = summaryRange(relative, 0, all, policy.tauRel);

    checks.add(numberRow("metrics.epsilon", "ε, the largest error", issued.l2.epsilon, recomputed.l2.epsilon,
                         l2.epsilon, where));
    checks.add(Row("metrics.worst", group::reEvaluation, where, "The token with the largest error")
                   .issuer(locationText(issued.l2.worst))
                   .recomputed(locationText(recomputed.l2.worst))
                   .how("replayed")
                   .passedIf(canBeWorst(errors, shape, issued.l2.worst, l2.epsilon.least) &&
                                 canBeWorst(relative, shape, issued.relative.worst, rel.epsilon.least),
                             "The token that the certificate names is not the worst one."));
    checks.add(numberRow("metrics.mean", "Mean error", issued.l2.mean, recomputed.l2.mean, l2.mean, where));
    const bool quantiles = l2.q50.contains(issued.l2.quantiles.q50) && l2.q90.contains(issued.l2.quantiles.q90) &&
                           l2.q95.contains(issued.l2.quantiles.q95) && l2.q99.contains(issued.l2.quantiles.q99);
    checks.add(Row("metrics.quantiles", group::reEvaluation, where, "Quantiles of the error")
                   .issuer(quantilesText(issued.l2.quantiles))
                   .recomputed(quantilesText(recomputed.l2.quantiles))
                   .how("replayed, nearest rank")
                   .passedIf(quantiles, "The certificate says " + quantilesText(issued.l2.quantiles) +
                                            ", the replay gives " + quantilesText(recomputed.l2.quantiles) + "."));
    checks.add(coverageRow("metrics.activation_coverage", "Activation coverage", issued.l2.coverage,
                           recomputed.l2.coverage, l2.coverage, shape, where));
    checks.add(
        Row("metrics.relative", group::reEvaluation, where, "Relative error: ε, mean, quantiles, coverage")
            .issuer(exactText(issued.relative.epsilon) + ", " + coverageText(issued.relative.coverage))
            .recomputed(exactText(recomputed.relative.epsilon) + ", " + coverageText(recomputed.relative.coverage))
            .how("replayed")
            .note(undecidedText(rel.coverage, shape))
            .passedIf(holds(rel, issued.relative) &&
                          issued.relative.coverage.total == recomputed.relative.coverage.total,
                      "The relative errors of the certificate are not those of the replay."));
    checks.add(Row("metrics.path_coverage", group::reEvaluation, where, "Path coverage")
                   .issuer(coverageText(issued.path))
                   .recomputed(coverageText(recomputed.path))
                   .how("compared mask rows and positions")
                   .passedIf(issued.path == recomputed.path, "The certificate says " + coverageText(issued.path) +
                                                                 " tokens, the masks agree on " +
                                                                 coverageText(recomputed.path) + "."));
    std::string wrong;
    const bool sameCount = issued.prompts.size() == recomputed.prompts.size();
    for (std::size_t p = 0; sameCount && p < issued.prompts.size(); ++p) {
        const auto begin = static_cast<std::size_t>(shape.offset[p]);
        const auto end = static_cast<std::size_t>(shape.offset[p + 1]);
        const PromptMetrics& row = issued.prompts[p];
        const SummaryRange rowL2 = summaryRange(errors, begin, end, policy.tauAct);
        const SummaryRange rowRel = summaryRange(relative, begin, end, policy.tauRel);
        const bool right = row.id == recomputed.prompts[p].id && row.tokens == recomputed.prompts[p].tokens &&
                           holds(rowL2, row.l2) && holds(rowRel, row.relative) &&
                           row.path == recomputed.prompts[p].path &&
                           canBeWorst(errors, shape, row.l2.worst, rowL2.epsilon.least) &&
                           canBeWorst(relative, shape, row.relative.worst, rowRel.epsilon.least);
        if (!right && wrong.empty())
            wrong = "The row of prompt " + std::to_string(p) + " (" + row.id + ") is not what the replay gives.";
    }
    checks.add(
        Row("metrics.prompts", group::reEvaluation, where, "The row of every prompt")
            .issuer(counted(static_cast<std::int64_t>(issued.prompts.size()), "row"))
            .recomputed(counted(static_cast<std::int64_t>(recomputed.prompts.size()), "row"))
            .how("replayed")
            .passedIf(sameCount && wrong.empty(), sameCount ? wrong : "The certificate has another number of rows."));
}

void compareArithmetic(const Certificate& certificate, const CoverageMetrics& recorded, const std::string& where,
                       CheckList& checks)
{
    const auto [issuedErrors, issuedLosses] = splitLosses(certificate.metrics);
    const auto [recordedErrors, recordedLosses] = splitLosses(recorded);
    checks.add(
        arithmeticRow("metrics.arithmetic", "From recorded errors to metrics", issuedErrors, recordedErrors, where));
    checks.add(
        arithmeticRow("loss.arithmetic", "From recorded losses to loss coverage", issuedLosses, recordedLosses, where));
}

std::string tokenText(const ProbeShape& shape, std::size_t token)
{
    const auto wanted = static_cast<std::int64_t>(token);
    const auto prompt = std::upper_bound(shape.offset.begin(), shape.offset.end(), wanted) - shape.offset.begin() - 1;
    return "prompt " + std::to_string(prompt) + ", token " +
           std::to_string(wanted - shape.offset[static_cast<std::size_t>(prompt)]);
}

}
