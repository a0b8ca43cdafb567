#include "engine/pipeline/experiment/deciding_measure.h"

#include "engine/pipeline/experiment/figure_parts.h"

namespace blockcert::pipeline {

std::string DecidingMeasure::atThreshold() const
{
    return atThreshold(tau);
}

std::string DecidingMeasure::atThreshold(double value) const
{
    return threshold + " = " + plainNumber(value);
}

std::string DecidingMeasure::key(std::string_view key) const
{
    std::string name(key);
    if (!isRelative)
        return name;
    if (name == "tau_act")
        return "tau_rel";
    constexpr std::string_view coverageKey = "activation_coverage";
    if (const std::size_t at = name.find(coverageKey); at != std::string::npos)
        return name.replace(at, coverageKey.size(), "relative_coverage");
    return "relative_" + name;
}

DecidingMeasure decidingMeasure(const Policy& policy)
{
    if (policy.measure == ErrorMeasure::RelativeL2)
        return {true,
                policy.tauRel,
                "relative error",
                "mean relative error",
                "relative coverage",
                "relative ε",
                "τ_rel",
                "relative threshold τ_rel",
                "relative error ‖ŷ − y‖₂ / ‖y‖₂"};
    return {false,
            policy.tauAct,
            "error",
            "mean error",
            "activation coverage",
            "ε",
            "τ_act",
            "activation threshold τ_act",
            "error ‖ŷ − y‖₂"};
}

}
