// What is measured about a stitched model, the baseline with chosen blocks replaced (paper, section 4.3).
#pragma once

#include "engine/values/coverage_metrics.h"
#include "engine/values/ids.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace blockcert {

// The two residual streams after one block, over all tokens.
struct LayerDeviation {
    double mae = 0;           // eq. 5: mean over tokens of ‖ĥ − h‖₂
    double coordinateMae = 0; // mean over tokens and coordinates of |ĥ − h|
    double largest = 0;       // max over tokens of ‖ĥ − h‖₂
    TokenLocation worst;      // first token where it is reached
    double largestCoordinate = 0;

    friend bool operator==(const LayerDeviation&, const LayerDeviation&) = default;
};

// Over all layers and tokens, l2; the first layer that reaches it.
struct LargestResidual {
    LayerIndex layer;
    TokenLocation at;
    double value = 0;

    friend bool operator==(const LargestResidual&, const LargestResidual&) = default;
};

// Mean negative log-likelihood in nats over all predicted tokens, and its exponential.
struct Perplexities {
    double meanBaseline = 0;
    double meanStitched = 0;
    double baseline = 0;
    double stitched = 0;

    [[nodiscard]] double difference() const { return stitched - baseline; }

    friend bool operator==(const Perplexities&, const Perplexities&) = default;
};

// KL(baseline ‖ stitched) of the next token's distribution, nats.
struct Divergence {
    double mean = 0;
    double largest = 0;
    TokenLocation worst;
    Quantiles quantiles;

    friend bool operator==(const Divergence&, const Divergence&) = default;
};

// A share with its Wilson score interval at 95 %.
struct Proportion {
    Fraction share;
    double low = 0;
    double high = 0;

    friend bool operator==(const Proportion&, const Proportion&) = default;
};

// The next token after each labelled prompt (paper, "Semantic behavior preservation").
struct SemanticAgreement {
    Proportion agreement; // stitched gives the baseline's token
    Proportion baseline;  // the baseline gives the label's first token
    Proportion stitched;

    friend bool operator==(const SemanticAgreement&, const SemanticAgreement&) = default;
};

struct StitchPromptMetrics {
    std::string id;
    std::int64_t tokens = 0;
    std::optional<Perplexities> perplexity; // absent: no token is predicted
    LossCoverage loss;
    double meanDivergence = 0;
    Fraction agreement;
    double largestResidual = 0;             // over layers and tokens, l2
    std::optional<std::int32_t> firstToken; // whose argmax differs
    std::optional<LayerIndex> firstLayer;   // after which a residual exceeds the policy's threshold

    friend bool operator==(const StitchPromptMetrics&, const StitchPromptMetrics&) = default;
};

struct StitchMetrics {
    std::vector<LayerDeviation> layers; // after block 0 … L − 1
    LargestResidual largest;
    std::optional<Perplexities> perplexity;
    LossCoverage loss; // eq. 7 and 8 with all chosen blocks replaced
    Divergence divergence;
    Fraction agreement;                        // tokens whose argmax is the same, lowest id on ties
    std::optional<SemanticAgreement> semantic; // absent: no prompt has a label
    std::vector<StitchPromptMetrics> prompts;

    friend bool operator==(const StitchMetrics&, const StitchMetrics&) = default;
};

}
