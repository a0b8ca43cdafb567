// What a coverage can be if only the model is believed: errors and loss changes by the model in double, give or take
// what a baseline's own rounding moves them by. Whoever records numbers may choose their last digits; where a coverage
// hangs on those, it is not checked.
#pragma once

#include "engine/certificate/check_list.h"
#include "engine/certificate/comparison.h"
#include "engine/values/dtype.h"
#include "engine/values/policy.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace blockcert::certificate {

// What rounding in a baseline of this dtype moves a number by, usually: chosen about five times above the medians of
// what exact surrogates show; CLAIMS.md says on what, and how far rare models are beyond it.
struct RoundingWidth {
    double output = 0; // ‖a block's output − the block in double on the same input‖ / max(‖x‖, ‖y‖)
    double loss = 0;   // nats, of one loss; 0: larger than any usual τ_loss, nothing is told from it
};

[[nodiscard]] RoundingWidth roundingWidthFor(DType baseline);

// A token in double.
struct TokenLoss {
    std::size_t token = 0;
    bool predicts = false; // there is a token after it, whose loss it is
    double loss = 0;       // nats
    double factor = 1;     // of the allowances for this loss and these logits
};

// A coverage as the recorded numbers give it, and the least and the most that the model's own allow.
struct RoundedCoverage {
    double recorded = 0;
    double certain = 0;
    double possible = 0;
    std::int64_t undecided = 0; // tokens for which rounding decides
    std::int64_t total = 0;
};

// Tokens count alike. `recorded`: [N] as recorded; `own`: [N] where each may lie.
[[nodiscard]] RoundedCoverage roundedCoverage(std::span<const double> recorded, const Intervals& own, double tau);

// Tokens count by their baseline loss (eq. 8). `recorded` by recorded losses, `weights` the model's own baseline
// losses; where they have no positive sum, anything is possible.
[[nodiscard]] RoundedCoverage roundedLossCoverage(double recorded, const Intervals& own,
                                                  std::span<const double> weights, double tau);

// roundedRow() of a loss coverage under `policy`: what the model and the model with surrogates in place give for each
// predicted token, in order. Only for a dtype with a RoundingWidth::loss.
[[nodiscard]] Row lossRoundingRow(Row row, double recorded, std::span<const TokenLoss> base,
                                  std::span<const TokenLoss> stitched, const Policy& policy, DType baseline);

// Verified where the threshold is reached, or missed, whatever rounding did; failed where the record reaches it and the
// model cannot; otherwise not checked. `how` says what was computed, within what.
[[nodiscard]] Row roundedRow(Row row, const RoundedCoverage& coverage, double alpha, const std::string& how);

}
