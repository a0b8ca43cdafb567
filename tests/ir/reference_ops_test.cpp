#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/ir/reference_ops.h"
#include "engine/ir/share_out.h"
#include "engine/ir/tile_kernel.h"
#include "tests/ir/small_blocks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <set>

namespace blockcert::ir {

namespace {

// One sum after the other, as slow and as plain as it can be written.
std::vector<double> naiveLinear(const std::vector<double>& in, const std::vector<double>& weight,
                                const std::vector<double>& bias, std::size_t inputs)
{
    const std::size_t rows = in.size() / inputs;
    const std::size_t outputs = weight.size() / inputs;
    std::vector<double> out(rows * outputs);
    for (std::size_t t = 0; t < rows; ++t)
        for (std::size_t o = 0; o < outputs; ++o) {
            double sum = 0;
            for (std::size_t i = 0; i < inputs; ++i) {
                const volatile double product = weight[o * inputs + i] * in[t * inputs + i];
                sum = sum + product;
            }
            out[t * outputs + o] = bias.empty() ? sum : sum + bias[o];
        }
    return out;
}

TEST(Linear, HasTheBitsOfTheNaiveLoopForOddShapesTypesAndThreads)
{
    struct Shape {
        std::int64_t rows, inputs, outputs;
    };

    Numbers numbers(3);
    for (const Shape shape :
         {Shape{1, 1, 1}, {5, 3, 33}, {4, 64, 32}, {7, 600, 31}, {13, 513, 100}, {66, 40, 257}, {70, 300, 230}}) {
        const auto in = numbers.doubles(static_cast<std::size_t>(shape.rows * shape.inputs));
        const auto bias = numbers.doubles(static_cast<std::size_t>(shape.outputs));
        const auto single = numbers.floats(static_cast<std::size_t>(shape.outputs * shape.inputs));
        const auto wide = numbers.doubles(single.size());
        const std::vector<std::int64_t> extents = {shape.outputs, shape.inputs};
        const PackedMatrix packedSingle(tensorOf(DType::F32, extents, single));
        const PackedMatrix packedWide(tensorOf(DType::F64, extents, wide), 2);
        for (const int threads : {1, 2, 5}) {
            EXPECT_EQ(linearRows(in, packedSingle, {}, threads, RunContext()),
                      naiveLinear(in, {single.begin(), single.end()}, {}, static_cast<std::size_t>(shape.inputs)));
            EXPECT_EQ(linearRows(in, packedWide, bias, threads, RunContext()),
                      naiveLinear(in, wide, bias, static_cast<std::size_t>(shape.inputs)));
        }
    }
}

TEST(Linear, KeepsBitsWhereSummationOrderAndContractionWouldShow)
{
    // 2⁵³ + 1 − 2⁵³ is 0 from left to right and 1 in any other order; 1/3 · 3 − 1 is 0 only if the product is rounded.
    const PackedMatrix order(tensorOf<double>(DType::F64, {1, 3}, {0x1p53, 1, -0x1p53}));
    EXPECT_EQ(linearRows(std::vector<double>{1, 1, 1}, order, {}, 1, RunContext()), std::vector<double>{0});
    const PackedMatrix contraction(tensorOf<double>(DType::F64, {1, 2}, {-1, 3}));
    EXPECT_EQ(linearRows(std::vector<double>{1, 1.0 / 3}, contraction, {}, 1, RunContext()), std::vector<double>{0});
}

TEST(Linear, StopsBetweenPanels)
{
    std::stop_source stop;
    const RunContext context(stop.get_token(), {});
    const PackedMatrix matrix(tensorOf(DType::F32, {100, 2}, std::vector<float>(200, 1)));
    const std::vector<double> in = {1, 2};
    EXPECT_NO_THROW((void)linearRows(in, matrix, {}, 2, context));
    stop.request_stop();
    EXPECT_THROW((void)linearRows(in, matrix, {}, 2, context), Cancelled);
}

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
using Kernel = void (*)(const double*, std::size_t, const double*, std::size_t, double*);

[[gnu::target("arch=x86-64")]] void plainKernel(const double* panel, std::size_t inputs, const double* in,
                                                std::size_t stride, double* sums)
{
    accumulateTileBody<tileTokens>(panel, inputs, in, stride, sums);
}

[[gnu::target("arch=x86-64-v3")]] void avx2Kernel(const double* panel, std::size_t inputs, const double* in,
                                                  std::size_t stride, double* sums)
{
    accumulateTileBody<tileTokens>(panel, inputs, in, stride, sums);
}

[[gnu::target("arch=x86-64-v4")]] void avx512Kernel(const double* panel, std::size_t inputs, const double* in,
                                                    std::size_t stride, double* sums)
{
    accumulateTileBody<tileTokens>(panel, inputs, in, stride, sums);
}

TEST(TileKernel, HasTheSameBitsOnEveryInstructionSet)
{
    constexpr std::size_t inputs = 777;
    Numbers numbers(5);
    const auto panel = numbers.doubles(inputs * panelWidth);
    const auto in = numbers.doubles(inputs * tileTokens);
    const auto start = numbers.doubles(tileTokens * panelWidth);
    std::vector<double> expected = start;
    accumulate(panel.data(), inputs, in.data(), inputs, tileTokens, expected.data());
    const auto check = [&](Kernel kernel) {
        std::vector<double> sums = start;
        kernel(panel.data(), inputs, in.data(), inputs, sums.data());
        EXPECT_EQ(sums, expected);
    };
    check(plainKernel);
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        check(avx2Kernel);
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl"))
        check(avx512Kernel);
}
#endif

TEST(Widening, IsExactForEveryHalfAndBrainFloat)
{
    std::vector<std::uint16_t> all(65536);
    for (std::size_t i = 0; i < all.size(); ++i)
        all[i] = static_cast<std::uint16_t>(i);
    const Rows half = widened(tensorOf(DType::F16, {65536}, all));
    const Rows brain = widened(tensorOf(DType::BF16, {65536}, all));
    for (std::size_t i = 0; i < all.size(); ++i) {
        const double sign = i >= 32768 ? -1 : 1;
        const auto exponent = static_cast<int>(i >> 10 & 31);
        const auto mantissa = static_cast<double>(i & 1023);
        if (exponent == 31)
            EXPECT_EQ(std::isnan(half[i]), mantissa != 0) << i;
        else
            EXPECT_EQ(half[i], sign * (exponent == 0 ? mantissa * 0x1p-24 : std::ldexp(1024 + mantissa, exponent - 25)))
                << i;
        const auto wideExponent = static_cast<int>(i >> 7 & 255);
        const auto wideMantissa = static_cast<double>(i & 127);
        if (wideExponent == 255)
            EXPECT_EQ(std::isnan(brain[i]), wideMantissa != 0) << i;
        else
            EXPECT_EQ(brain[i], sign * (wideExponent == 0 ? wideMantissa * 0x1p-133
                                                          : std::ldexp(128 + wideMantissa, wideExponent - 134)))
                << i;
    }
    EXPECT_EQ(half[0x7c00], INFINITY);
    EXPECT_EQ(brain[0xff80], -INFINITY);
}

TEST(Norms, AreWithinAFewUlpOfLongDouble)
{
    constexpr std::size_t width = 97;
    Numbers numbers(11);
    const auto in = numbers.doubles(3 * width);
    const auto weight = numbers.doubles(width);
    const auto bias = numbers.doubles(width);
    const Rows rms = rmsNormRows(in, weight, 1e-5);
    const Rows layer = layerNormRows(in, weight, bias, 1e-5);
    for (std::size_t row = 0; row < 3; ++row) {
        long double sum = 0;
        long double squares = 0;
        for (std::size_t i = 0; i < width; ++i) {
            sum += in[row * width + i];
            squares += static_cast<long double>(in[row * width + i]) * in[row * width + i];
        }
        const long double mean = sum / width;
        const long double variance = squares / width - mean * mean;
        for (std::size_t i = 0; i < width; ++i) {
            const long double x = in[row * width + i];
            // width additions, each off by at most 2⁻⁵³ relative, on values of order 1
            EXPECT_NEAR(rms[row * width + i], static_cast<double>(x / sqrtl(squares / width + 1e-5L) * weight[i]),
                        width * 0x1p-52);
            EXPECT_NEAR(layer[row * width + i],
                        static_cast<double>((x - mean) / sqrtl(variance + 1e-5L) * weight[i] + bias[i]),
                        width * 0x1p-52);
        }
    }
}

TEST(Activations, AreWithinAFewUlpOfLongDouble)
{
    for (double x = -40; x <= 40; x += 0.0137) {
        const long double wide = x;
        const long double silued = wide / (1 + expl(-wide));
        const long double gelued =
            0.5L * wide * (1 + tanhl(sqrtl(2 / M_PIl) * (wide + 0.044715L * wide * wide * wide)));
        // exp within 1 ulp, then an addition and a division
        EXPECT_NEAR(silu(x), static_cast<double>(silued), 4 * 0x1p-53 * std::fabs(static_cast<double>(silued))) << x;
        // 1 + tanh loses digits where tanh is near −1: absolute, relative to |x|
        EXPECT_NEAR(geluNew(x), static_cast<double>(gelued), 8 * 0x1p-53 * std::fabs(x)) << x;
    }
    EXPECT_EQ(silu(-1e300), 0);
    EXPECT_EQ(silu(1e300), 1e300);
    EXPECT_EQ(geluNew(1e300), 1e300);
    EXPECT_EQ(geluNew(-1e300), 0);
}

TEST(Losses, AreNegativeLogProbabilitiesInNats)
{
    // Logits 0, log 2, log 5: probabilities 1/8, 2/8, 5/8.
    const PackedMatrix head(tensorOf<double>(DType::F64, {3, 1}, {0, std::log(2.0), std::log(5.0)}));
    std::vector<double> in(40, 1.0);
    std::vector<TokenId> target;
    for (int t = 0; t < 40; ++t)
        target.push_back(t % 3);
    const auto loss = lossRows(in, head, target, 2, RunContext());
    for (std::size_t t = 0; t < 40; ++t)
        EXPECT_NEAR(loss[t], std::log(8.0 / std::vector<double>{1, 2, 5}[t % 3]), 4e-16) << t; // 2 ulp of about 2
    EXPECT_EQ(loss, lossRows(in, head, target, 1, RunContext()));
    target[7] = 3;
    EXPECT_THROW((void)lossRows(in, head, target, 2, RunContext()), ShapeError);
}

TEST(Losses, SurviveLargeLogits)
{
    const PackedMatrix head(tensorOf<double>(DType::F64, {2, 1}, {1, -1}));
    const auto loss = lossRows(std::vector<double>{5000, 5000}, head, std::vector<TokenId>{0, 1}, 1, RunContext());
    EXPECT_EQ(loss, (std::vector<double>{0, 10000}));
}

TEST(SharingOut, CallsEveryTaskOnceOnAnyNumberOfThreads)
{
    for (const int threads : {0, 1, 2, 7}) {
        std::vector<std::atomic<int>> calls(100);
        shareOut(threads, 100, [&](std::int64_t i) { ++calls[static_cast<std::size_t>(i)]; });
        for (const auto& count : calls)
            EXPECT_EQ(count, 1);
    }
    shareOut(3, 0, [](std::int64_t) { FAIL(); });
}

TEST(SharingOut, HandsOnTheFirstExceptionAndStops)
{
    std::atomic<int> calls = 0;
    EXPECT_THROW(shareOut(2, 100000,
                          [&](std::int64_t) {
                              ++calls;
                              throw NumericError("no");
                          }),
                 NumericError);
    EXPECT_LE(calls, 2);
}

}

}
