// The comparison rule of docs/run-directory.md: what two honest replays may differ by, carried through to every metric.
#pragma once

#include "engine/certificate/block_scan.h"
#include "engine/certificate/check_list.h"
#include "engine/values/certificate.h"

#include <string>
#include <vector>

namespace blockcert::certificate {

// [least, most], both inclusive: where an issued number must lie.
struct Interval {
    double least = 0;
    double most = 0;

    [[nodiscard]] bool contains(double value) const { return value >= least && value <= most; }
};

// Where each issued per-token value may lie: recomputed ± tolerance.
using Intervals = std::vector<Interval>;

// e′ ± ρ·scale, not below 0.
[[nodiscard]] Intervals errorIntervals(const BlockScan& scan, double rho);
// The same for e / ‖y‖; a token without such a number, or on the edge of having none, may be anything.
[[nodiscard]] Intervals relativeIntervals(const BlockScan& scan, double rho);

// What is certain and what is possible of a coverage: tokens with most ≤ τ, and with least ≤ τ.
struct CoverageRange {
    std::int64_t certain = 0;
    std::int64_t possible = 0;
    std::vector<std::size_t> undecided; // tokens
};

[[nodiscard]] CoverageRange coverageRange(const Intervals& tokens, std::size_t begin, std::size_t end, double tau);

// Recorded per-token numbers against replayed ones, where a prompt was replayed: rows replay.error, replay.error_attn,
// replay.error_mlp, replay.output_norm, replay.attention_margin, and replay.first_order of runs that estimate.
void compareTokens(const BlockScan& scan, const ProbeShape& shape, double rho, const std::string& where,
                   CheckList& checks);

// Issued metrics against the replayed ones (every prompt was replayed): rows metrics.epsilon, metrics.mean,
// metrics.quantiles, metrics.activation_coverage, metrics.relative, metrics.path_coverage, metrics.prompts.
void compareMetrics(const Certificate& certificate, const BlockScan& scan, const ProbeShape& shape, double rho,
                    const CoverageMetrics& recomputed, const std::string& where, CheckList& checks);

// Issued metrics against the same arithmetic on the recorded per-token numbers, exactly: rows metrics.arithmetic and
// loss.arithmetic. Both sides are sums of doubles in one order, so nothing may differ.
void compareArithmetic(const Certificate& certificate, const CoverageMetrics& recorded, const std::string& where,
                       CheckList& checks);

// "prompt 3, token 17"
[[nodiscard]] std::string tokenText(const ProbeShape& shape, std::size_t token);

}
