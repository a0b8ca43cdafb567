#include "widgets/error_scale.h"

#include "widgets/change.h"
#include "widgets/colour_map.h"

#include <QImage>
#include <QPainter>

#include <algorithm>
#include <cmath>

namespace blockcert::widgets {

namespace {

constexpr double smallestMagnitude = 1e-280; // keeps logarithms finite when a map holds only zeros

double decadeBelow(double value)
{
    return std::pow(10.0, std::floor(std::log10(value) + 1e-9));
}

double decadeAbove(double value)
{
    return std::pow(10.0, std::ceil(std::log10(value) - 1e-9));
}

struct Magnitudes {
    std::vector<double> positive;
    bool anyZero = false;
};

Magnitudes magnitudesOf(const TokenMap& map, Metric metric)
{
    Magnitudes found;
    for (std::size_t column = 0; column < map.blocks.size(); ++column)
        for (std::size_t prompt = 0; prompt < map.prompts.size(); ++prompt)
            if (const MapCell* cell = map.cell(column, prompt))
                for (std::size_t token = 0; token < map.prompts[prompt].tokens.size(); ++token) {
                    const double value = std::abs(valueOf(*cell, metric, token, map.thresholds));
                    if (value > 0)
                        found.positive.push_back(value);
                    else
                        found.anyZero = found.anyZero || value == 0;
                }
    return found;
}

// The diverging scale turned over: on a dark ground the small differences are the dark ones.
QColor onDark(int step, const Tokens& tokens)
{
    constexpr int half = ErrorScale::steps / 2;
    const QColor loud = blueOrange()[step < half ? 2 : 8];
    const double share = (step < half ? half - step : step - half + 1) / static_cast<double>(half);
    const auto mixed = [share](int quiet, int full) { return qRound(quiet + (full - quiet) * share); };
    return {mixed(tokens.hover.red(), loud.red()), mixed(tokens.hover.green(), loud.green()),
            mixed(tokens.hover.blue(), loud.blue())};
}

// The value below which `share` of the numbers lie; reorders them.
double percentile(std::vector<double>& values, double share)
{
    const auto at = values.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
    std::nth_element(values.begin(), at, values.end());
    return *at;
}

}

ErrorScale ErrorScale::anchored(double low, double tau, double high, ScaleKind kind)
{
    ErrorScale scale;
    scale.m_kind = kind;
    scale.m_tau = std::max(tau, smallestMagnitude);
    const bool linear = kind == ScaleKind::Linear;
    const bool fits = (linear ? low >= 0 : low > 0) && low < scale.m_tau;
    scale.m_low = fits ? low : linear ? 0 : scale.m_tau / 1000;
    scale.m_high = high > scale.m_tau ? high : scale.m_tau * 10;
    scale.place();
    return scale;
}

ErrorScale ErrorScale::sequential(double low, double high, Striking striking, ScaleKind kind)
{
    ErrorScale scale;
    scale.m_kind = kind;
    scale.m_striking = striking;
    scale.m_low = kind == ScaleKind::Linear ? std::max(low, 0.0) : std::max(low, smallestMagnitude);
    scale.m_high = high > scale.m_low ? high : scale.m_low > 0 ? scale.m_low * 10 : 1;
    scale.place();
    return scale;
}

ErrorScale ErrorScale::diverging(double least, double high, ScaleKind kind)
{
    ErrorScale scale;
    scale.m_kind = kind;
    scale.m_diverging = true;
    scale.m_least = kind == ScaleKind::Linear ? 0 : std::max(least, smallestMagnitude);
    scale.m_high = high > scale.m_least ? high : scale.m_least > 0 ? scale.m_least * 10 : 1;
    scale.m_low = -scale.m_high;
    scale.place();
    return scale;
}

ErrorScale ErrorScale::coverage(double alpha)
{
    ErrorScale scale;
    scale.m_coverage = true;
    scale.m_kind = ScaleKind::Linear;
    scale.m_striking = Striking::Small;
    scale.m_low = 1;
    scale.m_tau = std::clamp(alpha, 0.0, 1.0);
    scale.m_high = 0;
    scale.place();
    return scale;
}

ErrorScale ErrorScale::fitted(const TokenMap& map, Metric metric, ScaleKind kind)
{
    const double tau = thresholdOf(map.thresholds, metric);
    if (metric == Metric::Coverage)
        return coverage(tau);
    const Striking striking = strikingEnd(metric);
    const bool linear = kind == ScaleKind::Linear;
    Magnitudes found = magnitudesOf(map, metric);
    std::vector<double>& values = found.positive;
    const bool isDifference = isChange(map);
    if (values.empty()) {
        if (isDifference)
            return diverging(1e-3, 1, kind);
        if (isMissing(tau))
            return sequential(linear ? 0 : 1e-3, 1, striking, kind);
        return anchored(linear ? 0 : tau / 1000, tau, tau * 10, kind);
    }
    const auto [smallest, largest] = std::minmax_element(values.begin(), values.end());
    const double least = *smallest;
    const double most = *largest;
    ErrorScale scale;
    if (isDifference) {
        scale = diverging(decadeBelow(percentile(values, 0.01)), linear ? percentile(values, 0.99) : most, kind);
        scale.setClips(most > scale.high(), most > scale.high());
        return scale;
    }
    if (linear) {
        // One outlier must not flatten a linear map: its high end is the 99th percentile, what lies above is
        // marked as clipped.
        const double high = percentile(values, 0.99);
        scale = isMissing(tau) ? sequential(0, high, striking, kind) : anchored(0, tau, std::max(high, tau * 2), kind);
    } else {
        // One outlier must not flatten the map: the low end is the first percentile, and what lies below is
        // marked as clipped. Large values are what the map is for, so the high end is the maximum.
        const double low = decadeBelow(percentile(values, 0.01));
        // At least one decade on both sides of τ: the warm steps show where uncovered would begin.
        scale = isMissing(tau) ? sequential(low, decadeAbove(most), striking, kind)
                               : anchored(std::min(low, tau / 10), tau, std::max(most, tau * 10), kind);
    }
    scale.setClips((found.anyZero && scale.low() > 0) || least<scale.low(), most> scale.high());
    return scale;
}

ErrorScale ErrorScale::withRange(double low, double high) const
{
    if (m_coverage)
        return *this;
    if (m_diverging)
        return diverging(m_least, std::abs(low == m_low ? high : low), m_kind);
    ErrorScale scale = hasThreshold() ? anchored(low, m_tau, high, m_kind) : sequential(low, high, m_striking, m_kind);
    scale.m_plain = m_plain;
    return scale;
}

void ErrorScale::setClips(bool low, bool high)
{
    m_clipsLow = low;
    m_clipsHigh = high;
}

void ErrorScale::place()
{
    for (int edge = 0; edge < steps - 1; ++edge)
        m_edges[static_cast<std::size_t>(edge)] = valueAt(static_cast<double>(edge + 1) / steps);
    if (hasThreshold())
        m_edges[steps / 2 - 1] = m_tau; // exactly, whatever the logarithms round to
}

bool ErrorScale::isWithin(double value) const
{
    if (!hasThreshold())
        return true;
    return m_coverage ? value >= m_tau : std::abs(value) <= m_tau;
}

int ErrorScale::stepOf(double value) const
{
    if (isMissing(value))
        return -1;
    if (m_coverage) {
        // Only 1 takes the first step: all covered must not look like nearly all. α itself is covered.
        const int step = static_cast<int>(positionOf(value) * steps);
        return value >= m_tau ? std::clamp(step, value >= 1 ? 0 : 1, steps / 2 - 1)
                              : std::clamp(step, steps / 2, steps - 1);
    }
    if (m_diverging)
        return static_cast<int>(std::lower_bound(m_edges.begin(), m_edges.end(), value) - m_edges.begin());
    // A value equal to an edge belongs to the step below it: ≤ τ is covered.
    return static_cast<int>(std::lower_bound(m_edges.begin(), m_edges.end(), std::abs(value)) - m_edges.begin());
}

// The inverse of shareOf.
double ErrorScale::between(double from, double to, double share) const
{
    return m_kind == ScaleKind::Linear ? from + (to - from) * share : from * std::pow(to / from, share);
}

double ErrorScale::shareOf(double value, double from, double to) const
{
    if (from == to)
        return 0;
    return m_kind == ScaleKind::Linear ? (value - from) / (to - from) : std::log(value / from) / std::log(to / from);
}

double ErrorScale::positionOf(double value) const
{
    if (m_diverging) {
        if (value == 0)
            return 0.5;
        const double share = shareOf(std::clamp(std::abs(value), m_least, m_high), m_least, m_high);
        return value < 0 ? 0.5 - 0.5 * share : 0.5 + 0.5 * share;
    }
    const double magnitude = std::clamp(std::abs(value), std::min(m_low, m_high), std::max(m_low, m_high));
    if (!hasThreshold())
        return shareOf(magnitude, m_low, m_high);
    return isWithin(magnitude) ? 0.5 * shareOf(magnitude, m_low, m_tau) : 0.5 + 0.5 * shareOf(magnitude, m_tau, m_high);
}

double ErrorScale::valueAt(double position) const
{
    const double p = std::clamp(position, 0.0, 1.0);
    if (m_diverging)
        return p == 0.5 ? 0 : std::copysign(between(m_least, m_high, std::abs(2 * p - 1)), p - 0.5);
    if (!hasThreshold())
        return between(m_low, m_high, p);
    return p <= 0.5 ? between(m_low, m_tau, 2 * p) : between(m_tau, m_high, 2 * p - 1);
}

double ErrorScale::prominenceOf(double value) const
{
    const double position = positionOf(value);
    if (m_diverging)
        return std::abs(2 * position - 1);
    return m_striking == Striking::Small && !m_coverage ? 1 - position : position;
}

QColor ErrorScale::colourOf(int step, const Tokens& tokens) const
{
    const auto at = static_cast<std::size_t>(std::clamp(step, 0, steps - 1));
    if (m_diverging)
        return tokens.dark ? onDark(static_cast<int>(at), tokens)
                           : blueOrange()[at < steps / 2 ? at : at + 1]; // its middle, neutral step is no sign's
    if (!hasThreshold() || m_plain) {
        // What wants attention takes the end that stands out against the window.
        const bool isLarge = m_striking == Striking::Large || m_coverage;
        return cividis()[tokens.dark == isLarge ? at : steps - 1 - at];
    }
    return at < tokens.cool.size() ? tokens.cool[at] : tokens.warm[at - tokens.cool.size()];
}

std::vector<double> ErrorScale::ticks() const
{
    if (m_kind == ScaleKind::Linear)
        return roundTicks(std::min(m_low, m_high), std::max(m_low, m_high), 5);
    std::vector<double> result;
    const int first = static_cast<int>(std::ceil(std::log10(m_diverging ? m_least : m_low) - 1e-9));
    const int last = static_cast<int>(std::floor(std::log10(m_high) + 1e-9));
    for (int exponent = first; exponent <= last; ++exponent)
        result.push_back(std::pow(10.0, exponent));
    if (m_diverging) {
        const std::vector<double> positive = result;
        result.push_back(0);
        for (const double tick : positive)
            result.push_back(-tick);
        std::sort(result.begin(), result.end());
    }
    return result;
}

QBrush missingBrush(const Tokens& tokens)
{
    // One tile of a 45° hatch, drawn by hand so that it is the same on every style and scale.
    constexpr int tile = 6;
    QImage image(tile, tile, QImage::Format_RGB32);
    image.fill(tokens.window);
    for (int x = 0; x < tile; ++x)
        image.setPixelColor(x, tile - 1 - x, tokens.hatch);
    return QBrush(image);
}

double thresholdOf(const Thresholds& thresholds, Metric metric)
{
    switch (metric) {
    case Metric::Error:
    case Metric::AttentionPart:
    case Metric::MlpPart: return thresholds.tauAct;
    case Metric::Relative: return thresholds.tauRel;
    case Metric::Coverage: return thresholds.alphaAct;
    case Metric::LossDifference: return thresholds.tauLoss;
    case Metric::Kl:
    case Metric::Margin: return missing;
    }
    return missing;
}

Striking strikingEnd(Metric metric)
{
    return metric == Metric::Margin || metric == Metric::Coverage ? Striking::Small : Striking::Large;
}

std::vector<double> roundTicks(double low, double high, int about)
{
    std::vector<double> result;
    if (!(high > low) || !std::isfinite(high - low) || about < 1)
        return result;
    const double raw = (high - low) / about;
    const double decade = std::pow(10.0, std::floor(std::log10(raw)));
    const double step = decade * (raw <= decade * 1.0000001 ? 1 : raw <= 2 * decade ? 2 : raw <= 5 * decade ? 5 : 10);
    if (std::max(std::abs(low), std::abs(high)) > step * 1e15)
        return result;
    // Multiples of the step by whole numbers, so that 0.3 is not 0.30000000000000004 steps away from nothing.
    const auto first = static_cast<long long>(std::ceil(low / step - 1e-9));
    const auto last = static_cast<long long>(std::floor(high / step + 1e-9));
    for (long long i = first; i <= last && i - first <= 4LL * about; ++i)
        result.push_back(step >= 1 ? static_cast<double>(i) * step : static_cast<double>(i) / std::round(1 / step));
    return result;
}

}
