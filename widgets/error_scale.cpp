#include "widgets/error_scale.h"

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

}

ErrorScale ErrorScale::anchored(double low, double tau, double high)
{
    ErrorScale scale;
    scale.m_tau = std::max(tau, smallestMagnitude);
    scale.m_low = low > 0 && low < scale.m_tau ? low : scale.m_tau / 1000;
    scale.m_high = high > scale.m_tau ? high : scale.m_tau * 10;
    scale.place();
    return scale;
}

ErrorScale ErrorScale::sequential(double low, double high)
{
    ErrorScale scale;
    scale.m_low = std::max(low, smallestMagnitude);
    scale.m_high = high > scale.m_low ? high : scale.m_low * 10;
    scale.place();
    return scale;
}

ErrorScale ErrorScale::fitted(const TokenMap& map, Metric metric)
{
    const double tau = thresholdOf(map.thresholds, metric);
    std::vector<double> values;
    bool anyZero = false;
    for (std::size_t column = 0; column < map.blocks.size(); ++column)
        for (std::size_t prompt = 0; prompt < map.prompts.size(); ++prompt)
            if (const MapCell* cell = map.cell(column, prompt))
                for (std::size_t token = 0; token < map.prompts[prompt].tokens.size(); ++token) {
                    const double value = std::abs(valueOf(*cell, metric, token));
                    if (value > 0)
                        values.push_back(value);
                    else
                        anyZero = anyZero || value == 0;
                }
    if (values.empty())
        return isMissing(tau) ? sequential(1e-3, 1) : anchored(tau / 1000, tau, tau * 10);
    // One outlier must not flatten the map: the low end is the first percentile, and what lies below is
    // marked as clipped. Large values are what the map is for, so the high end is the maximum.
    const auto percentile = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 100);
    std::nth_element(values.begin(), percentile, values.end());
    const double low = decadeBelow(*percentile);
    const auto [smallest, largest] = std::minmax_element(values.begin(), values.end());
    ErrorScale scale;
    if (isMissing(tau)) {
        scale = sequential(low, decadeAbove(*largest));
    } else {
        // At least one decade on both sides: the warm steps show where uncovered would begin.
        scale = anchored(std::min(low, tau / 10), tau, std::max(*largest, tau * 10));
    }
    scale.setClips(anyZero || *smallest<scale.low(), *largest> scale.high());
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

int ErrorScale::stepOf(double value) const
{
    if (isMissing(value))
        return -1;
    // A value equal to an edge belongs to the step below it: ≤ τ is covered.
    return static_cast<int>(std::lower_bound(m_edges.begin(), m_edges.end(), std::abs(value)) - m_edges.begin());
}

double ErrorScale::positionOf(double value) const
{
    const double magnitude = std::clamp(std::abs(value), m_low, m_high);
    if (!hasThreshold())
        return std::log(magnitude / m_low) / std::log(m_high / m_low);
    return magnitude <= m_tau ? 0.5 * std::log(magnitude / m_low) / std::log(m_tau / m_low)
                              : 0.5 + 0.5 * std::log(magnitude / m_tau) / std::log(m_high / m_tau);
}

double ErrorScale::valueAt(double position) const
{
    const double p = std::clamp(position, 0.0, 1.0);
    if (!hasThreshold())
        return m_low * std::pow(m_high / m_low, p);
    return p <= 0.5 ? m_low * std::pow(m_tau / m_low, 2 * p) : m_tau * std::pow(m_high / m_tau, 2 * p - 1);
}

QColor ErrorScale::colourOf(int step, const Tokens& tokens) const
{
    const auto at = static_cast<std::size_t>(std::clamp(step, 0, steps - 1));
    if (!hasThreshold())
        return cividis()[tokens.dark ? steps - 1 - at : at]; // small margins take the striking end
    return at < tokens.cool.size() ? tokens.cool[at] : tokens.warm[at - tokens.cool.size()];
}

std::vector<double> ErrorScale::ticks() const
{
    std::vector<double> result;
    const int first = static_cast<int>(std::ceil(std::log10(m_low) - 1e-9));
    const int last = static_cast<int>(std::floor(std::log10(m_high) + 1e-9));
    for (int exponent = first; exponent <= last; ++exponent)
        result.push_back(std::pow(10.0, exponent));
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
    case Metric::LossDifference: return thresholds.tauLoss;
    case Metric::Margin: return missing;
    }
    return missing;
}

}
