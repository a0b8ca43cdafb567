#include "engine/certificate/rounded_coverage.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

namespace blockcert::certificate {

// Measured on exact surrogates of the demo model and of random ones, as a share of the larger of ‖x‖ and ‖y‖: half of
// the blocks stay under F32 3.8e-7 · F16 6.6e-4 · BF16 5.1e-3, the worst of 300 under 9.7e-6 · 0.043 · 0.028.
RoundingWidth roundingWidthFor(DType baseline)
{
    switch (baseline) {
    case DType::BF16: return {2.5e-2, 0};
    case DType::F16: return {3e-3, 0};
    default: return {2e-6, 2e-4};
    }
}

RoundedCoverage roundedCoverage(std::span<const double> recorded, const Intervals& own, double tau)
{
    const CoverageRange range = coverageRange(own, 0, own.size(), tau);
    std::int64_t covered = 0;
    for (const double value : recorded)
        covered += value <= tau ? 1 : 0;
    const auto total = static_cast<std::int64_t>(own.size());
    const auto share = [total](std::int64_t count) { return static_cast<double>(count) / static_cast<double>(total); };
    return {share(covered), share(range.certain), share(range.possible),
            static_cast<std::int64_t>(range.undecided.size()), total};
}

RoundedCoverage roundedLossCoverage(double recorded, const Intervals& own, std::span<const double> weights, double tau)
{
    RoundedCoverage coverage{recorded, 0, 0, 0, static_cast<std::int64_t>(own.size())};
    const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
    if (!(total > 0)) // eq. 8 has no value, so nothing can be told of it
        return {recorded, 0, 1, coverage.total, coverage.total};
    for (std::size_t i = 0; i < own.size(); ++i) {
        const bool isCertain = own[i].most <= tau;
        const bool isPossible = own[i].least <= tau;
        coverage.certain += isCertain ? weights[i] / total : 0;
        coverage.possible += isPossible ? weights[i] / total : 0;
        coverage.undecided += isPossible && !isCertain ? 1 : 0;
    }
    return coverage;
}

Row lossRoundingRow(Row row, double recorded, std::span<const TokenLoss> base, std::span<const TokenLoss> stitched,
                    const Policy& policy, DType baseline)
{
    const double width = roundingWidthFor(baseline).loss;
    Intervals changes;
    std::vector<double> weights;
    for (std::size_t i = 0; i < base.size(); ++i) {
        const double change = std::abs(stitched[i].loss - base[i].loss);
        const double moved = width * (base[i].factor + stitched[i].factor);
        changes.push_back({std::max(0.0, change - moved), change + moved});
        weights.push_back(base[i].loss);
    }
    return roundedRow(std::move(row), roundedLossCoverage(recorded, changes, weights, policy.tauLoss), policy.alphaLoss,
                      "losses in double, ± " + exactText(width) + " nats each for " + std::string(nameOf(baseline)) +
                          ", more where rounding is carried further");
}

Row roundedRow(Row row, const RoundedCoverage& coverage, double alpha, const std::string& how)
{
    const double slack = 1e-9; // shares are rounded sums
    const bool claimed = coverage.recorded >= alpha;
    const bool certain = coverage.certain >= alpha - slack;
    const bool possible = coverage.possible >= alpha - slack;
    row.issuer(exactText(coverage.recorded))
        .recomputed(coverage.certain == coverage.possible
                        ? exactText(coverage.certain)
                        : exactText(coverage.certain) + " to " + exactText(coverage.possible))
        .how(how);
    if (claimed && !possible)
        return row.failed(fmt::format("The recorded numbers reach {}; the model's own give {} at most.",
                                      exactText(alpha), exactText(coverage.possible)));
    if (certain == possible && claimed == certain)
        return row.passedIf(true, "");
    return row.notChecked(
        fmt::format("Rounding in the baseline alone may move {} of {} across the threshold, and the coverage across "
                    "{}: only a second run of the engine can repeat it.",
                    counted(coverage.undecided, "token"), coverage.total, exactText(alpha)));
}

}
