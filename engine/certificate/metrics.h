// The paper's measures (equations 3–10) from per-token numbers; used by the issuer and again by the verifier.
#pragma once

#include "engine/values/certificate.h"
#include "engine/values/coverage_metrics.h"
#include "engine/values/policy.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace blockcert::certificate {

// Per-token numbers of one block, prompts one after the other. Losses are empty when not measured.
struct TokenMeasurements {
    std::vector<std::string> promptIds;       // [P]
    std::span<const std::int64_t> offset;     // [P + 1]
    std::span<const double> error;            // [N] eq. 3
    std::span<const double> outputNorm;       // [N] ‖y‖₂
    std::span<const std::uint8_t> pathAgrees; // [N] mask row and position equal the baseline's
    std::span<const double> lossBase;         // [N - P]
    std::span<const double> lossStitched;     // [N - P]
};

// Sums are double, in token order. Every token counts, special tokens included.
[[nodiscard]] CoverageMetrics measure(const TokenMeasurements& tokens, const Policy& policy);

// Equations 9 and 10; empty means certified.
[[nodiscard]] std::vector<CertificateFinding> judge(const CoverageMetrics& metrics, const Policy& policy);

}
