// How far a model carries rounding, token by token: measured, where an allowance that was measured elsewhere is too
// narrow for what a run recorded.
#pragma once

#include "engine/certificate/reference_model.h"
#include "engine/values/dtype.h"

#include <array>
#include <cmath>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace blockcert::certificate {

// Two twins of a model in double whose states are rounded to the baseline's dtype behind every block, each on a grid of
// its own. What they depart by from the model says how far it carries rounding; where a multiple of that, which was
// measured, is more than the usual allowance (CLAIMS.md), that is allowed. Copyable: a model with a block replaced goes
// on from the twins of the model itself.
class RoundingProbe {
public:
    // `states`: [P] of [token, width], what the model starts from.
    RoundingProbe(DType baseline, std::size_t width, std::vector<std::vector<double>> states);

    // Both twins through the block. `exact` [P] are the model's own states behind it.
    void advance(const ir::BlockIr& block, std::span<const std::vector<double>* const> exact, int threads,
                 const RunContext& context);

    // Of a state's allowance at this token: at least 1, and never less than it was before an earlier block.
    [[nodiscard]] double factor(std::size_t prompt, std::size_t token) const { return m_factors[prompt][token]; }

    // Of the allowances for logits and losses, of as many tokens from `first` on as `exact` has rows of logits
    // [row, vocabulary] for: at least 1.
    [[nodiscard]] std::vector<double> headFactors(const ReferenceHead& head, std::size_t prompt, std::size_t first,
                                                  std::span<const double> exact, int threads,
                                                  const RunContext& context) const;

private:
    DType m_baseline;
    std::size_t m_width;
    std::array<std::vector<std::vector<double>>, 2> m_twins; // [P][token, width]
    std::vector<std::vector<double>> m_largest;              // [P][token] largest norm of the model's state so far
    std::vector<std::vector<double>> m_factors;              // [P][token]
};

// The same where rounding may not be weighed: then every factor is 1.
[[nodiscard]] std::vector<double> headFactors(const std::optional<RoundingProbe>& probe, const ReferenceHead& head,
                                              std::size_t prompt, std::size_t first, std::span<const double> exact,
                                              int threads, const RunContext& context);

// The factor of a state's allowance, a share of its norm: infinite where it would reach the norm itself, so that there
// is nothing left to compare.
[[nodiscard]] inline double factorWithin(double allowance, double factor)
{
    return allowance * factor < 1 ? factor : HUGE_VAL;
}

}
