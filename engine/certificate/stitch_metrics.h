// The measures of a stitched model from its per-token numbers; used by the issuer and again by the verifier.
#pragma once

#include "engine/values/certificate.h"
#include "engine/values/policy.h"
#include "engine/values/stitch_certificate.h"
#include "engine/values/stitch_metrics.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace blockcert::certificate {

constexpr std::size_t stitchTops = 5;

// The content of replay.h5, prompts one after the other: N tokens, P prompts, L layers, row-major.
struct StitchColumns {
    std::vector<std::int64_t> offset;  // [P + 1]
    std::vector<std::int32_t> tokenId; // [N]
    std::vector<std::int32_t> labelId; // [P] first token of the prompt's label, −1 without one
    std::int64_t layers = 0;
    std::vector<double> residualL2;                     // [L, N] ‖ĥ − h‖₂ after each block
    std::vector<double> residualMae;                    // [L, N] mean over coordinates of |ĥ − h|
    std::vector<double> residualMax;                    // [L, N] max over coordinates
    std::vector<double> residualNorm;                   // [L, N] ‖h‖₂ of the baseline
    std::vector<double> lossBase;                       // [N − P] nats, of tokens 1 … S − 1
    std::vector<double> lossStitched;                   // [N − P]
    std::vector<double> divergence;                     // [N] KL(baseline ‖ stitched) of the next token, nats
    std::vector<std::int32_t> topIdBase, topIdStitched; // [N, 5] highest logits first, lowest id on ties
    std::vector<double> topLogitBase, topLogitStitched; // [N, 5]

    [[nodiscard]] std::size_t tokens() const { return tokenId.size(); }

    [[nodiscard]] std::size_t prompts() const { return offset.size() - 1; }

    // First and one past the last token of a prompt.
    [[nodiscard]] std::size_t begin(std::size_t prompt) const { return static_cast<std::size_t>(offset[prompt]); }

    [[nodiscard]] std::size_t end(std::size_t prompt) const { return begin(prompt + 1); }

    friend bool operator==(const StitchColumns&, const StitchColumns&) = default;
};

// Sums are double, in token order. `promptIds` [P]; all numbers are finite, norms not negative.
[[nodiscard]] StitchMetrics measureStitch(const StitchColumns& columns, std::span<const std::string> promptIds,
                                          const Policy& policy);

// A stitched model is certified if each of its blocks is and eq. 10 holds for it; empty means certified.
// `uncertified`: the replaced blocks whose own certificates say that they are not certified, ascending.
[[nodiscard]] std::vector<CertificateFinding>
judgeStitch(const StitchMetrics& metrics, std::span<const LayerIndex> uncertified, const Policy& policy);

// Fills `prefix` and `single` from the rows. `tie`: what FirstDivergence makes of a value of 0; `full` is the value
// with all chosen blocks replaced.
void concludeBisection(Bisection& bisection, bool tie, double full);

// True if these are the same but for what exp() of another libm may differ by; everything else is the same arithmetic
// on the same numbers.
[[nodiscard]] bool samePerplexities(const std::optional<Perplexities>& a, const std::optional<Perplexities>& b);

// Wilson score interval at 95 %; [0, 1] of nothing.
[[nodiscard]] Proportion wilson(Fraction share);

}
