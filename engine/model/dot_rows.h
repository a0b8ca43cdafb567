// Sums of products of a few rows of floats with many rows in any of the model's types, in an order that does not depend
// on what is computed together: for decoding, where every element read is used a few times only. For files that are
// compiled with -O3 -ffp-contract=fast, inside functions that are compiled for several processors.
#pragma once

#include <c10/util/Half.h>

#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#define BLOCKCERT_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define BLOCKCERT_CLONES
#endif

namespace blockcert::model::dots {

constexpr std::int64_t lanes = 16;
constexpr std::int64_t rowGroup = 4;
constexpr std::int64_t outputGroup = 4;

using Floats = float __attribute__((vector_size(64)));
using Words = std::uint32_t __attribute__((vector_size(64)));
using Halves = std::uint16_t __attribute__((vector_size(32)));

struct Float32 {
    using Element = float;

    static inline __attribute__((always_inline)) void load(const float* source, Floats& values)
    {
        std::memcpy(&values, source, sizeof(values));
    }

    static float one(float value) { return value; }
};

struct BFloat16 {
    using Element = std::uint16_t;

    static inline __attribute__((always_inline)) void load(const std::uint16_t* source, Floats& values)
    {
        Halves raw;
        std::memcpy(&raw, source, sizeof(raw));
        const Words bits = __builtin_convertvector(raw, Words) << 16U;
        std::memcpy(&values, &bits, sizeof(values));
    }

    static float one(std::uint16_t value)
    {
        const std::uint32_t bits = static_cast<std::uint32_t>(value) << 16U;
        float result = 0;
        std::memcpy(&result, &bits, sizeof(result));
        return result;
    }
};

struct Float16 {
    using Element = std::uint16_t;

    // Exponent and mantissa are shifted into place and the bias is corrected by an exact multiplication, which
    // also normalises subnormal numbers. Infinity and NaN keep their meaning through the second term.
    static inline __attribute__((always_inline)) void load(const std::uint16_t* source, Floats& values)
    {
        Halves raw;
        std::memcpy(&raw, source, sizeof(raw));
        const Words word = __builtin_convertvector(raw, Words);
        const Words magnitude = (word & 0x7fffU) << 13U;
        Floats scaled;
        std::memcpy(&scaled, &magnitude, sizeof(scaled));
        scaled *= 0x1p112F;
        Words bits;
        std::memcpy(&bits, &scaled, sizeof(bits));
        const Words infinity = Words{} | 0x7f800000U;
        const auto isSpecial = (word & 0x7c00U) == 0x7c00U;
        const Words special = isSpecial ? infinity : Words{};
        bits |= special | ((word & 0x8000U) << 16U);
        std::memcpy(&values, &bits, sizeof(values));
    }

    static float one(std::uint16_t value) { return static_cast<float>(c10::Half(value, c10::Half::from_bits())); }
};

// Of the functions NAMEIn512, NAMEIn256 and NAMEAnywhere, which read fp16, the one for this processor.
#if defined(__x86_64__)
#define BLOCKCERT_FOR_FLOAT16(NAME)                                                                                    \
    (__builtin_cpu_supports("x86-64-v4")   ? NAME##In512                                                               \
     : __builtin_cpu_supports("x86-64-v3") ? NAME##In256                                                               \
                                           : NAME##Anywhere)
#else
#define BLOCKCERT_FOR_FLOAT16(NAME) (NAME##Anywhere)
#endif

#if defined(__x86_64__)
// The processor's own conversion, exact as well. In assembly, because intrinsics cannot be had in a template that is
// compiled for several processors.
using UnalignedHalves = std::uint16_t __attribute__((vector_size(32), aligned(2), may_alias));
using UnalignedQuarters = std::uint16_t __attribute__((vector_size(16), aligned(2), may_alias));

struct Float16In512 : Float16 { // x86-64-v4

    static inline __attribute__((always_inline)) void load(const std::uint16_t* source, Floats& values)
    {
        asm("vcvtph2ps %1, %0" : "=v"(values) : "m"(*reinterpret_cast<const UnalignedHalves*>(source)));
    }
};

struct Float16In256 : Float16 { // x86-64-v3

    static inline __attribute__((always_inline)) void load(const std::uint16_t* source, Floats& values)
    {
        using Eight = float __attribute__((vector_size(32)));
        Eight parts[2];
        asm("vcvtph2ps %1, %0" : "=x"(parts[0]) : "m"(*reinterpret_cast<const UnalignedQuarters*>(source)));
        asm("vcvtph2ps %1, %0" : "=x"(parts[1]) : "m"(*reinterpret_cast<const UnalignedQuarters*>(source + 8)));
        std::memcpy(&values, parts, sizeof(values));
    }
};
#endif

// Of vectors i and i + Distance, for every i that is a multiple of 2 · Distance: lanes at that distance are added, and
// vector i keeps the sums of both.
template <std::int64_t Distance>
inline __attribute__((always_inline)) void fold(Floats (&vectors)[lanes])
{
    using Lanes = std::int32_t __attribute__((vector_size(64)));
    constexpr std::int32_t d = Distance;
    constexpr auto low = [](std::int32_t lane) { return (lane & d) == 0 ? lane : 16 + lane - d; };
    constexpr auto high = [](std::int32_t lane) { return (lane & d) == 0 ? lane + d : 16 + lane; };
    constexpr Lanes lows = {low(0), low(1), low(2),  low(3),  low(4),  low(5),  low(6),  low(7),
                            low(8), low(9), low(10), low(11), low(12), low(13), low(14), low(15)};
    constexpr Lanes highs = {high(0), high(1), high(2),  high(3),  high(4),  high(5),  high(6),  high(7),
                             high(8), high(9), high(10), high(11), high(12), high(13), high(14), high(15)};
    for (std::int64_t i = 0; i < lanes; i += 2 * Distance) {
        const Floats first = vectors[i];
        const Floats second = vectors[i + Distance];
        vectors[i] = __builtin_shuffle(first, second, lows) + __builtin_shuffle(first, second, highs);
    }
}

// totals[i] += the sum of the lanes of vector i: neighbours first, then neighbouring sums.
inline __attribute__((always_inline)) void addSumsOfLanes(Floats (&vectors)[lanes], Floats& totals)
{
    fold<1>(vectors);
    fold<2>(vectors);
    fold<4>(vectors);
    fold<8>(vectors);
    totals += vectors[0];
}

// The sum of one vector in the same order.
inline __attribute__((always_inline)) float sumOfLanes(const Floats& vector)
{
    float sums[lanes];
    std::memcpy(sums, &vector, sizeof(sums));
    for (std::int64_t count = lanes / 2; count > 0; count /= 2)
        for (std::int64_t i = 0; i < count; ++i)
            sums[i] = sums[2 * i] + sums[2 * i + 1];
    return sums[0];
}

// x[row · inner …] · weight[output · stride …], `inner` elements each: some rows times some outputs at once, so that
// what is loaded is used several times. Each sum has its own lanes and order, whatever it is computed together with:
// what does not fill the lanes, and the lanes as sumOfLanes() adds them. results[row][output].
template <class Format, std::int64_t Rows, std::int64_t Outputs>
inline __attribute__((always_inline)) void dotRows(const typename Format::Element* weight, std::int64_t stride,
                                                   const float* x, std::int64_t inner,
                                                   float (&results)[rowGroup][outputGroup])
{
    Floats sums[Rows][Outputs] = {};
    std::int64_t i = 0;
    for (; i + lanes <= inner; i += lanes) {
        Floats w[Outputs];
        for (std::int64_t o = 0; o < Outputs; ++o)
            Format::load(weight + o * stride + i, w[o]);
        for (std::int64_t r = 0; r < Rows; ++r) {
            Floats v;
            std::memcpy(&v, x + r * inner + i, sizeof(v));
            for (std::int64_t o = 0; o < Outputs; ++o)
                sums[r][o] += w[o] * v;
        }
    }
    for (std::int64_t r = 0; r < Rows; ++r)
        for (std::int64_t o = 0; o < Outputs; ++o) {
            results[r][o] = 0;
            for (std::int64_t k = i; k < inner; ++k)
                results[r][o] += Format::one(weight[o * stride + k]) * x[r * inner + k];
        }
    if constexpr (Rows * Outputs == lanes) {
        Floats vectors[lanes];
        std::memcpy(vectors, sums, sizeof(vectors));
        Floats total;
        std::memcpy(&total, results, sizeof(total));
        addSumsOfLanes(vectors, total);
        std::memcpy(results, &total, sizeof(total));
    } else {
        for (std::int64_t r = 0; r < Rows; ++r)
            for (std::int64_t o = 0; o < Outputs; ++o)
                results[r][o] += sumOfLanes(sums[r][o]);
    }
}

}
