// Where an axis has its ticks and what stands beside them.
#pragma once

#include "engine/figure/figure.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace blockcert::figure {

// A label such as "2×10" with the exponent "−3" set small and high; the exponent may be empty. No text: a minor tick.
struct Tick {
    double value = 0;
    std::string text;
    std::string exponent;

    friend bool operator==(const Tick&, const Tick&) = default;
};

// Ends of an axis, lower < upper; both positive on a Log axis.
struct Range {
    double lower = 0;
    double upper = 1;

    friend bool operator==(const Range&, const Range&) = default;
};

// The smallest range that holds all values and ends at round numbers: multiples of a 1-2-5 step on a Linear axis,
// 1, 2 or 5 times a power of ten on a Log axis, powers of ten where it spans three decades or more. Limits that
// the axis gives are kept. Log leaves values that are not positive out. Never empty, whatever the values are.
[[nodiscard]] Range rangeFor(std::span<const double> values, const Axis& axis);

// At most `most` labelled ticks (2 if it is less) inside the range, ascending. Linear: multiples of one 1-2-5 step.
// Log over two decades and more: powers of ten, or every second, third, … of them; less: 1, 2, 5 in every decade as far
// as there is room. Minor ticks at 2 … 9 between decades.
[[nodiscard]] std::vector<Tick> ticksFor(const Range& range, Scale scale, int most);

// At most `most` whole numbers from lower to upper, for axes that count: multiples of one 1-2-5 step.
[[nodiscard]] std::vector<double> wholeTicks(double lower, double upper, int most = 6);

enum class Notation : std::uint8_t { Shortest, PowerOfTen };

// The label of a single value, as for a tick that somebody asked for.
[[nodiscard]] Tick tickAt(double value, Notation notation = Notation::Shortest);

// 0 … 1 along the axis; below 0 or above 1 outside. Log of a value that is not positive: −infinity.
[[nodiscard]] double shareOf(double value, const Range& range, Scale scale);

}
