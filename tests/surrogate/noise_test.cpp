#include "engine/base/atomic_file.h"
#include "engine/base/strict_json.h"
#include "engine/surrogate/normal_noise.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <vector>

namespace blockcert::surrogate {
namespace {

TEST(NormalNoise, IsWhatAMersenneTwisterWrittenInPythonGives)
{
    const std::filesystem::path file =
        std::filesystem::path(std::getenv("BLOCKCERT_TEST_DATA")) / "surrogate" / "noise.json";
    const Json json = parseStrictJson(readWholeFile(file, 1U << 20U), file.string());
    NormalNoise noise(json.at("seed"), json.at("stream"));
    for (const Json& number : json.at("numbers")) {
        const double expected = number;
        EXPECT_NEAR(noise.next(), expected, 4e-16 * std::abs(expected)); // libm's logarithm against ours
    }
}

TEST(NormalNoise, HasTheDistributionOfNormalNumbers)
{
    // Kolmogorov–Smirnov over 200 000 numbers: 1.95 / √n is exceeded once in a thousand seeds, and this one is fixed.
    NormalNoise noise(0, 0);
    std::vector<double> numbers(200'000);
    for (double& number : numbers)
        number = noise.next();
    std::sort(numbers.begin(), numbers.end());
    double widest = 0;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        const double share = std::erfc(-numbers[i] / std::sqrt(2.0)) / 2;
        const auto n = static_cast<double>(numbers.size());
        widest = std::max(
            {widest, std::abs(share - static_cast<double>(i) / n), std::abs(static_cast<double>(i + 1) / n - share)});
    }
    EXPECT_LT(widest, 1.95 / std::sqrt(200'000.0));
}

TEST(NormalNoise, OfOtherSeedsAndStreamsIsUncorrelated)
{
    constexpr int count = 100'000;
    const auto correlation = [](NormalNoise a, NormalNoise b) {
        double sum = 0;
        for (int i = 0; i < count; ++i)
            sum += a.next() * b.next();
        return sum / count;
    };
    const double fiveStandardErrors = 5 / std::sqrt(static_cast<double>(count));
    EXPECT_LT(std::abs(correlation({0, 0}, {0, 1})), fiveStandardErrors);
    EXPECT_LT(std::abs(correlation({0, 0}, {1, 0})), fiveStandardErrors);
    EXPECT_LT(std::abs(correlation({0, 1}, {1, 0})), fiveStandardErrors);
}

TEST(NaturalLogarithm, IsThatOfTheMathematicsLibraryToTheLastBits)
{
    NormalNoise noise(3, 0);
    const auto check = [](double x) {
        const double expected = std::log(x);
        EXPECT_LE(std::abs(naturalLogarithm(x) - expected),
                  2 * std::numeric_limits<double>::epsilon() * std::abs(expected))
            << x;
    };
    for (int i = 0; i < 100'000; ++i)
        check(std::exp(10 * noise.next()));
    for (const double x : {1e-300, 0x1p-52, 0.5, 0.70710678118654746, 0.70710678118654757, 0.9999999999999999,
                           1.0000000000000002, 1.4142135623730951, 2.0, 1e300})
        check(x);
    EXPECT_EQ(naturalLogarithm(1), 0);
}

}
}
