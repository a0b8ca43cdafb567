#include "engine/surrogate/normal_noise.h"

#include <cmath>

// Compiled with -ffp-contract=off.
namespace blockcert::surrogate {

namespace {

// One step of splitmix64: neighbouring seeds become unrelated ones.
std::uint64_t mixed(std::uint64_t value)
{
    value += 0x9E3779B97F4A7C15U;
    value = (value ^ (value >> 30U)) * 0xBF58476D1CE4E5B9U;
    value = (value ^ (value >> 27U)) * 0x94D049BB133111EBU;
    return value ^ (value >> 31U);
}

}

double naturalLogarithm(double x)
{
    constexpr double ln2High = 0x1.62e42feep-1; // 32 bits: its products with an exponent are exact
    constexpr double ln2Low = 0x1.a39ef35793c76p-33;
    int exponent = 0;
    double mantissa = std::frexp(x, &exponent); // [½, 1)
    if (mantissa < 0x1.6a09e667f3bcdp-1) {      // √½
        mantissa *= 2;
        --exponent;
    }
    // ln m = 2 artanh z = 2(z + z³/3 + z⁵/5 + …), |z| < 0.172: the last of twelve terms is below 2⁻⁵⁸.
    const double z = (mantissa - 1) / (mantissa + 1);
    const double square = z * z;
    double series = 0;
    for (int term = 25; term >= 3; term -= 2)
        series = (series + 1.0 / term) * square;
    return exponent * ln2High + (2 * z + (2 * z * series + exponent * ln2Low));
}

NormalNoise::NormalNoise(std::uint64_t seed, std::uint64_t stream)
    : m_generator(mixed(mixed(seed) ^ stream))
{
}

double NormalNoise::uniform()
{
    const auto bits = static_cast<std::int64_t>(m_generator() >> 11U); // 53 bits
    return static_cast<double>(bits) * 0x1p-52 - 1;
}

double NormalNoise::next()
{
    if (m_hasSpare) {
        m_hasSpare = false;
        return m_spare;
    }
    for (;;) {
        const double u = uniform();
        const double v = uniform();
        const double square = u * u + v * v;
        if (square >= 1 || square == 0)
            continue;
        const double factor = std::sqrt(-2 * naturalLogarithm(square) / square);
        m_spare = v * factor;
        m_hasSpare = true;
        return u * factor;
    }
}

}
