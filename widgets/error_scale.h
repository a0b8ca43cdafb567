// The colour scale of a map: logarithmic or linear, anchored at the threshold where there is one.
#pragma once

#include "widgets/theme.h"
#include "widgets/values.h"

#include <QBrush>

#include <array>
#include <cstdint>
#include <vector>

namespace blockcert::widgets {

enum class ScaleKind : std::uint8_t { Logarithmic, Linear };
// The end of a metric's range that wants attention: large errors, small margins, little coverage.
enum class Striking : std::uint8_t { Large, Small };

// Cool steps end at τ (values ≤ τ are covered), warm steps start right above it. Without τ (margins, KL) the
// ten steps are one sequential ramp. Coverage runs the other way: 1 is the first step, warm is below α. Values
// outside the range take the end steps and are marked as clipped. A diverging scale, of signed differences, has five
// steps for each sign, from the largest magnitude to the smallest and back; 0 takes the last of the negative ones.
class ErrorScale {
public:
    static constexpr int steps = 10;

    ErrorScale() = default;
    // low and high are widened so that low < τ < high. Neither needs to be a power of ten; a linear scale may
    // begin at zero.
    [[nodiscard]] static ErrorScale anchored(double low, double tau, double high,
                                             ScaleKind kind = ScaleKind::Logarithmic);
    [[nodiscard]] static ErrorScale sequential(double low, double high, Striking striking = Striking::Small,
                                               ScaleKind kind = ScaleKind::Logarithmic);
    // Signed differences up to ±high, blue below 0 and orange above; a logarithmic one tells magnitudes from `least`
    // on.
    [[nodiscard]] static ErrorScale diverging(double least, double high, ScaleKind kind = ScaleKind::Logarithmic);
    // Shares of covered tokens, from 1 over α to 0; linear on both sides of α.
    [[nodiscard]] static ErrorScale coverage(double alpha);
    // Fits all measured values of the map under the metric; differences of two runs get a diverging scale.
    [[nodiscard]] static ErrorScale fitted(const TokenMap& map, Metric metric, ScaleKind kind = ScaleKind::Logarithmic);
    // The same kind of scale over another range; a coverage scale keeps its own, of a
    // diverging one both ends follow the one that has moved.
    [[nodiscard]] ErrorScale withRange(double low, double high) const;

    // The values at the two ends of the legend; of coverage 1 and 0.
    [[nodiscard]] double low() const { return m_low; }

    [[nodiscard]] double high() const { return m_high; }

    [[nodiscard]] ScaleKind kind() const { return m_kind; }

    [[nodiscard]] Striking striking() const { return m_striking; }

    [[nodiscard]] bool isCoverage() const { return m_coverage; }

    [[nodiscard]] bool isDiverging() const { return m_diverging; }

    [[nodiscard]] bool hasThreshold() const { return !isMissing(m_tau); }

    // τ, or α of a coverage scale.
    [[nodiscard]] double threshold() const { return m_tau; }

    // Whether the magnitude is on the good side of the threshold; true without one.
    [[nodiscard]] bool isWithin(double value) const;

    // 0 … 9; -1 if missing. Of magnitudes, but on a diverging scale of the signed value.
    [[nodiscard]] int stepOf(double value) const;
    // 0 … 1 along the legend; clamped. τ is exactly one half.
    [[nodiscard]] double positionOf(double value) const;
    [[nodiscard]] double valueAt(double position) const;
    // How long the bar of a marginal is, 0 … 1: what wants attention is long.
    [[nodiscard]] double prominenceOf(double value) const;
    [[nodiscard]] QColor colourOf(int step, const Tokens& tokens) const;
    // Powers of ten inside the range; of a linear scale multiples of 1, 2 or 5.
    [[nodiscard]] std::vector<double> ticks() const;

    [[nodiscard]] bool clipsLow() const { return m_clipsLow; }

    [[nodiscard]] bool clipsHigh() const { return m_clipsHigh; }

    void setClips(bool low, bool high);

    // One sequential ramp without the break at τ, for those who want it plain.
    [[nodiscard]] bool isPlain() const { return m_plain; }

    void setPlain(bool plain) { m_plain = plain; }

    // Equal ranges; two scales without threshold are equal though NaN is not.
    [[nodiscard]] bool sameRange(const ErrorScale& other) const
    {
        return m_low == other.m_low && m_high == other.m_high && m_edges == other.m_edges && m_kind == other.m_kind &&
               m_plain == other.m_plain && m_diverging == other.m_diverging && hasThreshold() == other.hasThreshold();
    }

private:
    void place();
    [[nodiscard]] double between(double from, double to, double share) const;
    [[nodiscard]] double shareOf(double value, double from, double to) const;

    double m_low = 1e-5;
    double m_least = 0; // of a diverging scale
    double m_tau = missing;
    double m_high = 1;
    std::array<double, steps - 1> m_edges{}; // the upper ends of all steps but the last
    ScaleKind m_kind = ScaleKind::Logarithmic;
    Striking m_striking = Striking::Large;
    bool m_coverage = false;
    bool m_diverging = false;
    bool m_plain = false;
    bool m_clipsLow = false;
    bool m_clipsHigh = false;
};

// The pattern of a cell that was not measured.
[[nodiscard]] QBrush missingBrush(const Tokens& tokens);
// The threshold a metric is read against; `missing` for margins and KL, α_act for coverage.
[[nodiscard]] double thresholdOf(const Thresholds& thresholds, Metric metric);
[[nodiscard]] Striking strikingEnd(Metric metric);
// Round numbers that divide [low, high] into `about` parts: multiples of 1, 2 or 5.
[[nodiscard]] std::vector<double> roundTicks(double low, double high, int about);

}
