// Sums and products of sizes from a hostile file, absent where they do not fit.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace blockcert::artifact {

[[nodiscard]] inline std::optional<std::uint64_t> checkedSum(std::uint64_t a, std::uint64_t b)
{
    std::uint64_t result = 0;
    return __builtin_add_overflow(a, b, &result) ? std::nullopt : std::optional(result);
}

[[nodiscard]] inline std::optional<std::uint64_t> checkedProduct(std::uint64_t a, std::uint64_t b)
{
    std::uint64_t result = 0;
    return __builtin_mul_overflow(a, b, &result) ? std::nullopt : std::optional(result);
}

// Elements of a tensor, absent if a dimension is negative or the product exceeds what an int64 holds.
[[nodiscard]] inline std::optional<std::uint64_t> checkedElements(std::span<const std::int64_t> shape)
{
    std::int64_t count = 1;
    bool empty = false;
    for (const std::int64_t dimension : shape) {
        if (dimension < 0)
            return std::nullopt;
        if (dimension == 0)
            empty = true;
        else if (__builtin_mul_overflow(count, dimension, &count))
            return std::nullopt;
    }
    return empty ? 0 : static_cast<std::uint64_t>(count);
}

// `value` rounded up to a multiple of `step`, a power of two.
[[nodiscard]] inline std::optional<std::uint64_t> checkedPadded(std::uint64_t value, std::uint64_t step)
{
    const std::optional<std::uint64_t> sum = checkedSum(value, step - 1);
    return sum ? std::optional(*sum & ~(step - 1)) : std::nullopt;
}

}
