#include "engine/certificate/estimate_check.h"

#include "engine/certificate/metrics.h"
#include "engine/certificate/widen.h"

#include <algorithm>
#include <numeric>

namespace blockcert::certificate {

namespace {

// How far a token is moved at most, as a share of its norm: what the quotient leaves out grows with it, what rounding
// in double does to the quotient shrinks.
constexpr double largestMove = 1e-6;

NudgedState movedAlong(std::span<const double> own, const std::vector<double>& direction, double step, double expected,
                       double scale)
{
    NudgedState result{{own.begin(), own.end()}, step, expected, scale};
    for (std::size_t i = 0; i < direction.size(); ++i)
        result.state[i] += step * direction[i];
    return result;
}

}

std::array<NudgedState, 2> nudged(const CellRecord& cell, std::span<const double> surrogate,
                                  std::span<const double> own)
{
    const auto tokens = static_cast<std::size_t>(cell.output.shape[0]);
    const auto width = static_cast<std::size_t>(cell.output.shape[1]);
    const auto row = [&](std::span<const double> rows, std::size_t t) { return rows.subspan(t * width, width); };
    std::vector<double> difference = roundedTo(cell.output.dtype, surrogate);
    const std::vector<double> output = widened(cell.output);
    for (std::size_t i = 0; i < difference.size(); ++i)
        difference[i] -= output[i];
    std::vector<double> uphill = widened(cell.lossGradient);

    double scale = 0;
    double fastest = 0; // ‖d‖ / ‖own‖
    for (std::size_t t = 0; t < tokens; ++t) {
        const double distance = l2Norm(row(difference, t));
        const double slope = l2Norm(row(uphill, t));
        const double norm = l2Norm(row(own, t));
        scale += slope * distance;
        for (std::size_t i = t * width; i < (t + 1) * width; ++i)
            uphill[i] *= slope > 0 ? distance / slope : 0;
        if (norm > 0)
            fastest = std::max(fastest, distance / norm);
    }
    const double step = fastest > 0 ? largestMove / fastest : 0;
    const double estimate = std::accumulate(cell.firstOrder.begin(), cell.firstOrder.end(), 0.0);
    return {movedAlong(own, difference, step, estimate, scale), movedAlong(own, uphill, step, scale, scale)};
}

}
