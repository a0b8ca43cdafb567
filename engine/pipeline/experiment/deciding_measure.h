// The error measure by which a policy certifies, with its numbers and its names: what an experiment reports.
#pragma once

#include "engine/values/certificate.h"
#include "engine/values/policy.h"

#include <string>
#include <string_view>

namespace blockcert::pipeline {

struct DecidingMeasure {
    bool isRelative = false;
    double tau = 0;            // τ_act, or τ_rel
    std::string error;         // "error", "relative error"
    std::string meanError;     // "mean error", "mean relative error"
    std::string coverage;      // "activation coverage", "relative coverage"
    std::string epsilon;       // "ε", "relative ε"
    std::string threshold;     // "τ_act", "τ_rel"
    std::string thresholdAxis; // "activation threshold τ_act", …
    std::string formula;       // "error ‖ŷ − y‖₂", …

    // The threshold with its value: "τ_act = 0.01".
    [[nodiscard]] std::string atThreshold() const;
    // With this threshold in its place.
    [[nodiscard]] std::string atThreshold(double value) const;

    // Of CoverageMetrics or PromptMetrics.
    template <class Metrics>
    [[nodiscard]] const ErrorSummary& of(const Metrics& metrics) const
    {
        return isRelative ? metrics.relative : metrics.l2;
    }

    // Of a column whose name for the l2 error is `key`: numbers of two measures never stand under one name. "epsilon"
    // becomes "relative_epsilon", "mean_activation_coverage" "mean_relative_coverage", "tau_act" "tau_rel".
    [[nodiscard]] std::string key(std::string_view key) const;
};

[[nodiscard]] DecidingMeasure decidingMeasure(const Policy& policy);

}
