// What is measured about one surrogate block on one prompt set (paper, equations 3–8).
#pragma once

#include "engine/values/ids.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace blockcert {

struct Fraction {
    std::int64_t covered = 0;
    std::int64_t total = 0;

    [[nodiscard]] double value() const
    {
        return total == 0 ? 0.0 : static_cast<double>(covered) / static_cast<double>(total);
    }

    friend bool operator==(const Fraction&, const Fraction&) = default;
};

struct TokenLocation {
    PromptIndex prompt;
    std::int32_t token = 0; // 0-based position in the prompt

    friend bool operator==(const TokenLocation&, const TokenLocation&) = default;
};

// Nearest-rank quantiles: the ⌈q·n⌉-th smallest value.
struct Quantiles {
    double q50 = 0;
    double q90 = 0;
    double q95 = 0;
    double q99 = 0;

    friend bool operator==(const Quantiles&, const Quantiles&) = default;
};

// Loss coverage, eq. 8. value is absent (and its criterion not met) when no loss was measured, no token
// is predicted, or the baseline losses sum to 0; `why` then says which.
struct LossCoverage {
    std::optional<double> value;
    double coveredLoss = 0;   // Σ ℓ_base over covered tokens, nats
    double totalLoss = 0;     // Σ ℓ_base
    Fraction tokens;          // covered / predicted tokens
    double maxDifference = 0; // max Δℓ, eq. 7
    std::string why;

    friend bool operator==(const LossCoverage&, const LossCoverage&) = default;
};

// What a first-order expansion says of the summed loss L of the baseline's predicted tokens: Σ ⟨∂L/∂y, s − y⟩ over all
// tokens, y the block's output and s the surrogate's. Nothing bounds what it leaves out.
struct FirstOrderEstimate {
    double change = 0;   // nats
    double baseLoss = 0; // L

    friend bool operator==(const FirstOrderEstimate&, const FirstOrderEstimate&) = default;
};

// One activation measure (l2 or relative-l2) over a set of tokens.
struct ErrorSummary {
    double epsilon = 0;  // eq. 4, max
    TokenLocation worst; // first token where the maximum is reached
    double mean = 0;     // eq. 5
    Quantiles quantiles;
    Fraction coverage; // eq. 6 at tauAct, or at tauRel for the relative measure

    friend bool operator==(const ErrorSummary&, const ErrorSummary&) = default;
};

struct PromptMetrics {
    std::string id;
    std::int64_t tokens = 0;
    ErrorSummary l2;
    ErrorSummary relative;
    Fraction path;
    LossCoverage loss;
    std::optional<FirstOrderEstimate> firstOrder; // exactly with LossMode::FirstOrder

    friend bool operator==(const PromptMetrics&, const PromptMetrics&) = default;
};

struct CoverageMetrics {
    ErrorSummary l2;
    ErrorSummary relative;
    Fraction path;
    LossCoverage loss;
    std::optional<FirstOrderEstimate> firstOrder; // of all prompts together
    std::vector<PromptMetrics> prompts;

    friend bool operator==(const CoverageMetrics&, const CoverageMetrics&) = default;
};

}
