// Exact conversions between the bit patterns of f16, bf16 and f32, independent of the flush-to-zero mode.
#pragma once

#include <bit>
#include <cstdint>

namespace blockcert::artifact {

// Exact; the payload of a NaN is kept. A subnormal half is m · 2⁻²⁴, a normal float.
[[nodiscard]] inline float floatOfHalf(std::uint16_t half)
{
    const std::uint32_t sign = (half & 0x8000U) << 16U;
    const std::uint32_t magnitude = half & 0x7FFFU;
    const std::uint32_t rebias = magnitude >= 0x7C00U ? 0x70000000U : 0x38000000U; // 2 · 112 and 112 exponent steps
    const std::uint32_t normal = (magnitude << 13U) + rebias;
    const auto subnormal =
        std::bit_cast<std::uint32_t>(static_cast<float>(static_cast<std::int32_t>(magnitude)) * 0x1p-24F);
    return std::bit_cast<float>(sign | (magnitude < 0x0400U ? subnormal : normal));
}

// To nearest even; overflow to infinity; NaN keeps sign and leading payload and becomes quiet.
[[nodiscard]] inline std::uint16_t halfOfFloat(float value)
{
    const auto bits = std::bit_cast<std::uint32_t>(value);
    const std::uint32_t magnitude = bits & 0x7FFFFFFFU;
    const std::uint32_t sign = (bits >> 16U) & 0x8000U;
    // From 2⁻¹⁴ up: drop 13 bits. A carry moves into the exponent, which is what rounding up to it means.
    const std::uint32_t normal = (magnitude - 0x38000000U + 0x0FFFU + ((magnitude >> 13U) & 1U)) >> 13U;
    // Below: units of 2⁻²⁴, rounded by adding and removing 2²³.
    const float scaled = std::bit_cast<float>(magnitude < 0x38800000U ? magnitude : 0U) * 0x1p24F;
    const auto subnormal = static_cast<std::uint32_t>(static_cast<std::int32_t>((scaled + 0x1p23F) - 0x1p23F));
    const std::uint32_t notANumber = 0x7E00U | ((magnitude >> 13U) & 0x03FFU);
    std::uint32_t result = magnitude < 0x38800000U ? subnormal : normal;
    result = magnitude >= 0x477FF000U ? 0x7C00U : result; // 65520 and above
    result = magnitude > 0x7F800000U ? notANumber : result;
    return static_cast<std::uint16_t>(sign | result);
}

[[nodiscard]] inline float floatOfBrain(std::uint16_t brain)
{
    return std::bit_cast<float>(static_cast<std::uint32_t>(brain) << 16U);
}

// To nearest even; NaN keeps sign and leading payload and becomes quiet.
[[nodiscard]] inline std::uint16_t brainOfFloat(float value)
{
    const auto bits = std::bit_cast<std::uint32_t>(value);
    const std::uint32_t rounded = (bits + 0x7FFFU + ((bits >> 16U) & 1U)) >> 16U;
    const std::uint32_t notANumber = (bits >> 16U) | 0x0040U;
    return static_cast<std::uint16_t>((bits & 0x7FFFFFFFU) > 0x7F800000U ? notANumber : rounded);
}

// A float that rounds to any 16-bit type as `value` itself would: truncated, with the last bit set if anything
// was lost (24 significant bits are at least 2·11 + 2, so no rounding happens twice).
[[nodiscard]] inline float roundedToOdd(double value)
{
    const auto nearest = static_cast<float>(value);
    if (static_cast<double>(nearest) == value || value != value)
        return nearest;
    auto bits = std::bit_cast<std::uint32_t>(nearest);
    const double magnitude = value < 0 ? -value : value;
    const double nearestMagnitude = nearest < 0 ? -static_cast<double>(nearest) : static_cast<double>(nearest);
    if (nearestMagnitude > magnitude)
        --bits; // towards zero; from infinity to the largest finite
    return std::bit_cast<float>(bits | 1U);
}

}
