#include "engine/edit/wilson.h"

#include <algorithm>
#include <cmath>

namespace blockcert::edit {

namespace {

// 0.975 quantile of the standard normal distribution.
constexpr double z95 = 1.959963984540054;

}

Proportion wilson(Fraction share)
{
    if (share.total == 0)
        return {share, 0, 1};
    const auto n = static_cast<double>(share.total);
    const double p = share.value();
    const double centre = p + z95 * z95 / (2 * n);
    const double spread = z95 * std::sqrt(p * (1 - p) / n + z95 * z95 / (4 * n * n));
    const double scale = 1 + z95 * z95 / n;
    // At the ends the interval reaches 0 and 1, which rounding must not blur.
    return {share, share.covered == 0 ? 0 : std::max(0.0, (centre - spread) / scale),
            share.covered == share.total ? 1 : std::min(1.0, (centre + spread) / scale)};
}

}
