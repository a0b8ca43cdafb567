// Wall and CPU time of works that take turns, and how fast LibTorch's own matrix products are in the same process.
#pragma once

#include "engine/values/transformer_config.h"

#include <c10/core/ScalarType.h>

#include <cstdint>
#include <functional>
#include <vector>

namespace blockcert::bench {

// Seconds.
struct Time {
    double wall = 0;
    double cpu = 0;
};

[[nodiscard]] Time timeOf(const std::function<void()>& work);
[[nodiscard]] Time median(std::vector<Time> times);

// Medians of works that take turns, so that a neighbour's load falls on all of them; one more round to warm up.
[[nodiscard]] std::vector<Time> medians(int repetitions, const std::vector<std::function<void()>>& works);

void print(const char* what, const Time& time);
void printRatio(const char* what, const Time& numerator, const Time& denominator, double goal);

// A block's matrix products alone, as LibTorch does them by itself: whole, on all threads.
[[nodiscard]] Time gemmTime(const TransformerConfig& config, std::int64_t rows, c10::ScalarType type, int threads);

}
