// The numbers of certificates by name, each with the direction in which it claims less.
#pragma once

#include "engine/values/certificate.h"
#include "engine/values/coverage_metrics.h"
#include "engine/values/stitch_certificate.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace blockcert::protocol {

enum class Better : std::uint8_t { Smaller, Larger };

struct NamedMetric {
    std::string name; // as in `show`: "epsilon", "relative.coverage", …
    Better better = Better::Smaller;
    std::optional<double> value; // absent: not measured
    std::string threshold;       // the policy's number it is counted at, "tau_act"; or empty

    friend bool operator==(const NamedMetric&, const NamedMetric&) = default;
};

// All lists of one kind have the same names in the same order.
[[nodiscard]] std::vector<NamedMetric> metricsOf(const Certificate& block);
[[nodiscard]] std::vector<NamedMetric> metricsOf(const PromptMetrics& prompt);
[[nodiscard]] std::vector<NamedMetric> metricsOf(const StitchCertificate& stitch);

// Of some prompts of a block together: maxima, means weighted by tokens, and shares of the summed counts. The names of
// metricsOf(PromptMetrics).
[[nodiscard]] std::vector<NamedMetric> metricsOver(const std::vector<const PromptMetrics*>& prompts);

}
