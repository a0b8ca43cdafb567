#include "engine/failures/statistics.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numeric>

namespace blockcert::failures {

namespace {

std::vector<double> ranks(std::span<const double> values)
{
    std::vector<std::size_t> order(values.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::sort(order, {}, [&](std::size_t i) { return values[i]; });
    std::vector<double> rank(values.size());
    for (std::size_t begin = 0; begin < order.size();) {
        std::size_t end = begin + 1;
        while (end < order.size() && values[order[end]] == values[order[begin]])
            ++end;
        for (std::size_t i = begin; i < end; ++i)
            rank[order[i]] = (static_cast<double>(begin) + static_cast<double>(end - 1)) / 2;
        begin = end;
    }
    return rank;
}

}

std::optional<double> rankCorrelation(std::span<const double> a, std::span<const double> b)
{
    assert(a.size() == b.size());
    if (a.size() < 3)
        return std::nullopt;
    const std::vector<double> left = ranks(a);
    const std::vector<double> right = ranks(b);
    const double mean = (static_cast<double>(a.size()) - 1) / 2; // of the ranks, ties or not
    double both = 0;
    double leftSquares = 0;
    double rightSquares = 0;
    for (std::size_t i = 0; i < left.size(); ++i) {
        both += (left[i] - mean) * (right[i] - mean);
        leftSquares += (left[i] - mean) * (left[i] - mean);
        rightSquares += (right[i] - mean) * (right[i] - mean);
    }
    if (leftSquares == 0 || rightSquares == 0)
        return std::nullopt;
    return both / std::sqrt(leftSquares * rightSquares);
}

}
