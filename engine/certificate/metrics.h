// The paper's measures (equations 3–10) from per-token numbers; used by the issuer and again by the verifier.
#pragma once

#include "engine/values/certificate.h"
#include "engine/values/coverage_metrics.h"
#include "engine/values/host_tensor.h"
#include "engine/values/policy.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace blockcert::certificate {

// Per-token numbers of one block, prompts one after the other. Losses are empty when not measured; where they are
// estimated to first order, lossStitched alone is.
struct TokenMeasurements {
    std::vector<std::string> promptIds;       // [P]
    std::span<const std::int64_t> offset;     // [P + 1]
    std::span<const double> error;            // [N] eq. 3
    std::span<const double> outputNorm;       // [N] ‖y‖₂
    std::span<const std::uint8_t> pathAgrees; // [N] mask row and position equal the baseline's
    std::span<const double> firstOrder;       // [N] nats, or empty
    std::span<const double> lossBase;         // [N - P]
    std::span<const double> lossStitched;     // [N - P]
};

// Sums are double, in token order. Every token counts, special tokens included. Prompts are not empty and all
// numbers are finite; norms and errors are not negative.
[[nodiscard]] CoverageMetrics measure(const TokenMeasurements& tokens, const Policy& policy);

// Loss coverage (eq. 7, 8) over consecutive predicted tokens; both spans are empty where nothing was measured.
[[nodiscard]] LossCoverage coverLosses(std::span<const double> base, std::span<const double> stitched,
                                       std::size_t predicted, double tau);

// One token's part of a first-order estimate: ⟨∂L/∂y, s − y⟩, in double and in index order. [d] each.
[[nodiscard]] double firstOrderChange(std::span<const double> gradient, std::span<const double> surrogate,
                                      std::span<const double> output);

// Equations 9 and 10; empty means certified.
[[nodiscard]] std::vector<CertificateFinding> judge(const CoverageMetrics& metrics, const Policy& policy);

// e / ‖y‖ per token: 0 where both are 0, infinity where there is no such number (y = 0, or an overflow). Such a
// token is never covered and enters neither maximum, mean nor quantiles.
[[nodiscard]] std::vector<double> relativeErrors(std::span<const double> error, std::span<const double> outputNorm);

// Nearest rank over the finite values: the ⌈q·n⌉-th smallest; all 0 if there are none.
[[nodiscard]] Quantiles nearestRankQuantiles(std::span<const double> values);

// Per token of one prompt: 1 where the surrogate's mask row (the leading corner of irMask, U8 [S', S']) is the
// baseline's (recorded, U8 [S, S]) and the position id is the token's place in the prompt. [S]
[[nodiscard]] std::vector<std::uint8_t> pathAgreement(const HostTensor& irMask, const HostTensor& recorded,
                                                      std::span<const std::int32_t> position);

// Double sum of squares in index order, then the root: the norm every number here is made of.
[[nodiscard]] double l2Norm(std::span<const double> values);
[[nodiscard]] double l2Distance(std::span<const double> a, std::span<const double> b);

}
