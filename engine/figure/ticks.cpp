#include "engine/figure/ticks.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace blockcert::figure {

namespace {

constexpr std::array<int, 3> leadingDigits = {1, 2, 5};

// A relative slack for comparisons of values that were computed from powers of ten.
constexpr double slack = 1e-9;

double powerOfTen(int exponent)
{
    return std::pow(10.0, exponent);
}

int decadeOf(double value)
{
    return static_cast<int>(std::floor(std::log10(value) + slack));
}

// The smallest 1, 2 or 5 times a power of ten that is not below `value`.
double stepFrom(double value)
{
    const int decade = decadeOf(value);
    for (const int digit : leadingDigits)
        if (digit * powerOfTen(decade) >= value * (1 - slack))
            return digit * powerOfTen(decade);
    return powerOfTen(decade + 1);
}

double roundDown(double value)
{
    const int decade = decadeOf(value);
    double found = powerOfTen(decade);
    for (const int digit : leadingDigits)
        if (digit * powerOfTen(decade) <= value * (1 + slack))
            found = digit * powerOfTen(decade);
    return found;
}

std::string minus(const std::string& text)
{
    return text.starts_with('-') ? "−" + text.substr(1) : text;
}

// Plain decimals where they are short, mantissa × power of ten elsewhere.
Tick labelled(double value, int decimals, bool plain)
{
    if (value == 0 && !plain)
        return {value, "0", ""};
    if (plain)
        return {value, minus(fmt::format("{:.{}f}", value, std::max(decimals, 0))), ""};
    int exponent = decadeOf(std::abs(value));
    double mantissa = value / powerOfTen(exponent);
    std::string text = fmt::format("{:.4g}", mantissa);
    if (text == "10" || text == "-10") { // rounded up to the next decade
        text = text.substr(0, text.size() - 1);
        ++exponent;
    }
    text = text == "1" ? "10" : text == "-1" ? "−10" : minus(text) + "×10";
    return {value, text, minus(std::to_string(exponent))};
}

bool isPlain(double smallest, double largest)
{
    return smallest >= 0.999e-3 && largest < 1.001e4;
}

int decimalsOf(double value)
{
    return std::max(0, -decadeOf(value));
}

std::int64_t multiplesIn(const Range& range, double step)
{
    return static_cast<std::int64_t>(std::floor(range.upper / step + slack)) -
           static_cast<std::int64_t>(std::ceil(range.lower / step - slack)) + 1;
}

std::vector<Tick> linearTicks(const Range& range, int most)
{
    // The smallest step that gives no more ticks than asked for.
    double step = stepFrom(range.upper - range.lower);
    for (double smaller = roundDown(step * 0.6); multiplesIn(range, smaller) <= std::max(most, 2);
         smaller = roundDown(step * 0.6))
        step = smaller;
    const double largest = std::max(std::abs(range.lower), std::abs(range.upper));
    const bool plain = isPlain(step, largest);
    std::vector<Tick> ticks;
    const auto first = static_cast<std::int64_t>(std::ceil(range.lower / step - slack));
    const auto last = static_cast<std::int64_t>(std::floor(range.upper / step + slack));
    for (std::int64_t i = first; i <= last; ++i)
        ticks.push_back(labelled(static_cast<double>(i) * step, decimalsOf(step), plain));
    return ticks;
}

std::vector<double> valuesAtDigits(const Range& range, std::span<const int> digits)
{
    std::vector<double> values;
    for (int decade = decadeOf(range.lower); decade <= decadeOf(range.upper) + 1; ++decade)
        for (const int digit : digits) {
            const double value = digit * powerOfTen(decade);
            if (value >= range.lower * (1 - slack) && value <= range.upper * (1 + slack))
                values.push_back(value);
        }
    return values;
}

std::vector<Tick> logTicks(const Range& range, int most)
{
    constexpr std::array<int, 1> ones = {1};
    constexpr std::array<int, 9> all = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    // One style for every axis that spans decades, so that figures beside each other read alike.
    const bool wide = range.upper / range.lower >= 1e2 * (1 - slack);
    const bool plain = isPlain(range.lower, range.upper) && !wide;
    const std::vector<double> decades = valuesAtDigits(range, ones);
    std::vector<double> major = wide ? decades : valuesAtDigits(range, leadingDigits);
    std::vector<double> minor;
    if (wide)
        minor = valuesAtDigits(range, all);
    const auto room = static_cast<std::size_t>(std::max(most, 2));
    if (major.size() > room) {
        major.clear();
        int stride = 1;
        while ((decades.size() + static_cast<std::size_t>(stride) - 1) / static_cast<std::size_t>(stride) > room)
            ++stride;
        for (const double value : decades)
            if (decadeOf(value) % stride == 0)
                major.push_back(value);
        minor = stride == 1 ? valuesAtDigits(range, all) : decades;
    } else if (!wide) {
        minor = valuesAtDigits(range, all);
    }
    std::vector<Tick> ticks;
    for (const double value : major)
        ticks.push_back(labelled(value, decimalsOf(value), plain));
    for (const double value : minor)
        if (std::ranges::none_of(ticks, [&](const Tick& tick) { return std::abs(tick.value - value) < value * slack; }))
            ticks.push_back({value, "", ""});
    std::ranges::sort(ticks, {}, &Tick::value);
    return ticks;
}

Range linearRange(double low, double high, const Axis& axis)
{
    if (low > high)
        low = 0, high = 1; // no value at all
    low = axis.lower.value_or(low);
    high = axis.upper.value_or(high);
    if (!(low < high)) {
        const double room = std::max(std::abs(low), 1.0) * 0.5;
        low = axis.lower.value_or(axis.upper ? *axis.upper - room : low - room);
        high = axis.upper.value_or(low + 2 * room);
        if (!(low < high))
            high = low + room;
    }
    const double step = stepFrom((high - low) / 5);
    return {axis.lower.value_or(std::floor(low / step + slack) * step),
            axis.upper.value_or(std::ceil(high / step - slack) * step)};
}

Range logRange(double low, double high, const Axis& axis)
{
    if (low > high)
        low = 0.1, high = 1;
    low = axis.lower && *axis.lower > 0 ? *axis.lower : low;
    high = axis.upper && *axis.upper > 0 ? *axis.upper : high;
    if (low > high)
        (axis.upper ? low : high) = axis.upper ? high / 10 : low * 10;
    const bool wide = high / low >= 1e3;
    const double below = wide ? powerOfTen(decadeOf(low)) : roundDown(low);
    const double above = wide ? powerOfTen(static_cast<int>(std::ceil(std::log10(high) - slack))) : stepFrom(high);
    Range range{axis.lower && *axis.lower > 0 ? *axis.lower : below,
                axis.upper && *axis.upper > 0 ? *axis.upper : above};
    if (range.upper <= range.lower * (1 + slack)) // one single round number
        (axis.upper ? range.lower : range.upper) = axis.upper ? range.upper / 10 : range.lower * 10;
    return range;
}

}

Range rangeFor(std::span<const double> values, const Axis& axis)
{
    double low = std::numeric_limits<double>::infinity();
    double high = -low;
    for (const double value : values)
        if (std::isfinite(value) && (axis.scale == Scale::Linear || value > 0)) {
            low = std::min(low, value);
            high = std::max(high, value);
        }
    return axis.scale == Scale::Linear ? linearRange(low, high, axis) : logRange(low, high, axis);
}

std::vector<Tick> ticksFor(const Range& range, Scale scale, int most)
{
    return scale == Scale::Linear ? linearTicks(range, most) : logTicks(range, most);
}

std::vector<double> wholeTicks(double lower, double upper, int most)
{
    std::vector<double> values;
    if (!(lower <= upper))
        return values;
    double step = 1;
    while (std::floor(upper / step + slack) - std::ceil(lower / step - slack) + 1 > std::max(most, 2))
        step = stepFrom(step * 1.5);
    for (double i = std::ceil(lower / step - slack); i <= std::floor(upper / step + slack); ++i)
        values.push_back(i * step + 0.0); // no negative zero
    return values;
}

Tick tickAt(double value, Notation notation)
{
    const double size = std::abs(value);
    int decimals = 0;
    while (decimals < 6 && std::abs(size * powerOfTen(decimals) - std::round(size * powerOfTen(decimals))) > 1e-6)
        ++decimals;
    const bool whole = decimals == 0 && size < 1e6;
    return labelled(value, decimals, notation == Notation::Shortest && (whole || isPlain(size, size)));
}

double shareOf(double value, const Range& range, Scale scale)
{
    if (scale == Scale::Linear)
        return (value - range.lower) / (range.upper - range.lower);
    if (!(value > 0))
        return -std::numeric_limits<double>::infinity();
    return std::log(value / range.lower) / std::log(range.upper / range.lower);
}

}
