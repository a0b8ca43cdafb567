// The colour scale of a map: logarithmic, anchored at the threshold where there is one.
#pragma once

#include "widgets/theme.h"
#include "widgets/values.h"

#include <QBrush>

#include <array>
#include <vector>

namespace blockcert::widgets {

// Cool steps end at τ (values ≤ τ are covered), warm steps start right above it. Without τ (margins) the
// ten steps are one sequential ramp. Values outside the range take the end steps and are marked as clipped.
class ErrorScale {
public:
    static constexpr int steps = 10;

    ErrorScale() = default;
    // low and high are widened so that low < τ < high. Neither needs to be a power of ten.
    [[nodiscard]] static ErrorScale anchored(double low, double tau, double high);
    [[nodiscard]] static ErrorScale sequential(double low, double high);
    // Fits all measured values of the map under the metric.
    [[nodiscard]] static ErrorScale fitted(const TokenMap& map, Metric metric);

    [[nodiscard]] double low() const { return m_low; }

    [[nodiscard]] double high() const { return m_high; }

    [[nodiscard]] bool hasThreshold() const { return !isMissing(m_tau); }

    [[nodiscard]] double threshold() const { return m_tau; }

    // 0 … 9; -1 if missing. Magnitudes only.
    [[nodiscard]] int stepOf(double value) const;
    // 0 … 1 along the legend; clamped. τ is exactly one half.
    [[nodiscard]] double positionOf(double value) const;
    [[nodiscard]] double valueAt(double position) const;
    [[nodiscard]] QColor colourOf(int step, const Tokens& tokens) const;
    // Powers of ten inside the range.
    [[nodiscard]] std::vector<double> ticks() const;

    [[nodiscard]] bool clipsLow() const { return m_clipsLow; }

    [[nodiscard]] bool clipsHigh() const { return m_clipsHigh; }

    void setClips(bool low, bool high);

    // Equal ranges; two scales without threshold are equal though NaN is not.
    [[nodiscard]] bool sameRange(const ErrorScale& other) const
    {
        return m_low == other.m_low && m_high == other.m_high && m_edges == other.m_edges &&
               hasThreshold() == other.hasThreshold();
    }

private:
    void place();

    double m_low = 1e-5;
    double m_tau = missing;
    double m_high = 1;
    std::array<double, steps - 1> m_edges{}; // the upper ends of all steps but the last
    bool m_clipsLow = false;
    bool m_clipsHigh = false;
};

// The pattern of a cell that was not measured.
[[nodiscard]] QBrush missingBrush(const Tokens& tokens);
// The threshold a metric is read against; `missing` for margins.
[[nodiscard]] double thresholdOf(const Thresholds& thresholds, Metric metric);

}
