// Normal random numbers that have the same bits on every machine: a named generator and correctly rounded operations.
#pragma once

#include <cstdint>
#include <random>

namespace blockcert::surrogate {

// Marsaglia's polar method over std::mt19937_64. The logarithm is computed here from sums, products and quotients,
// because libm's may differ in its last bit from machine to machine; std::normal_distribution is not specified at all.
class NormalNoise {
public:
    // Two streams of one seed share nothing that can be seen.
    NormalNoise(std::uint64_t seed, std::uint64_t stream);

    // Mean 0, standard deviation 1.
    [[nodiscard]] double next();

private:
    [[nodiscard]] double uniform(); // in (−1, 1), on a grid of 2⁻⁵²

    std::mt19937_64 m_generator;
    double m_spare = 0;
    bool m_hasSpare = false;
};

// ln x for a finite x > 0 that is not subnormal, within 2 units in the last place.
[[nodiscard]] double naturalLogarithm(double x);

}
