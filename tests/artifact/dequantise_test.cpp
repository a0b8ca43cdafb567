#include "engine/artifact/half_bits.h"
#include "engine/base/error.h"
#include "tests/artifact/model_fixture.h"

#include <cmath>
#include <limits>

namespace blockcert::artifact {
namespace {

using test::valuesOf;

class QuantisedTypes : public testing::TestWithParam<DType> {};

TEST_P(QuantisedTypes, AreDequantisedBitForBitAsTheGgufPackageDoes)
{
    const auto file = SafetensorsFile::open(test::testData() / "gguf" / "blocks.safetensors");
    const std::string name(nameOf(GetParam()));
    const HostTensor blocks = file.read(name + ".blocks");
    const auto expected = valuesOf<std::uint32_t>(file.read(name + ".values"));
    ASSERT_EQ(blocks.shape[1], storageBlock(GetParam()).bytes);
    std::vector<std::uint32_t> actual(expected.size());
    dequantise(GetParam(), blocks.bytes.data(), static_cast<std::int64_t>(actual.size()),
               reinterpret_cast<float*>(actual.data()));
    EXPECT_EQ(actual, expected);
}

INSTANTIATE_TEST_SUITE_P(All, QuantisedTypes,
                         testing::Values(DType::Q4_0, DType::Q4_1, DType::Q5_0, DType::Q5_1, DType::Q8_0, DType::Q4_K,
                                         DType::Q5_K, DType::Q6_K),
                         [](const auto& test) { return std::string(nameOf(test.param)); });

TEST(Dequantise, RefusesElementsThatAreNotWholeBlocks)
{
    const std::vector<std::byte> block(18);
    std::vector<float> target(32);
    EXPECT_THROW(dequantise(DType::Q4_0, block.data(), 31, target.data()), ShapeError);
}

TEST(Dequantise, RefusesIntegers)
{
    const std::vector<std::byte> bytes(8);
    std::vector<float> target(1);
    EXPECT_THROW(dequantise(DType::I64, bytes.data(), 1, target.data()), UnsupportedError);
}

// The value of a finite half from its definition.
double meaningOfHalf(std::uint16_t half)
{
    const int exponent = (half >> 10) & 31;
    const int mantissa = half & 0x3FF;
    const double magnitude = exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
    return (half & 0x8000) != 0 ? -magnitude : magnitude;
}

TEST(ConvertElements, WidensEveryHalfExactly)
{
    for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
        const auto half = static_cast<std::uint16_t>(bits);
        const float value = floatOfHalf(half);
        if ((bits & 0x7C00U) != 0x7C00U) {
            ASSERT_EQ(static_cast<double>(value), meaningOfHalf(half)) << bits;
            ASSERT_EQ(std::signbit(value), (bits & 0x8000U) != 0) << bits;
        } else if ((bits & 0x3FFU) == 0) {
            ASSERT_TRUE(std::isinf(value)) << bits;
        } else {
            ASSERT_TRUE(std::isnan(value)) << bits;
        }
    }
}

TEST(ConvertElements, NarrowsEveryHalfBackToItself)
{
    for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
        const bool isNan = (bits & 0x7C00U) == 0x7C00U && (bits & 0x3FFU) != 0;
        const std::uint32_t expected = isNan ? bits | 0x0200U : bits;
        ASSERT_EQ(halfOfFloat(floatOfHalf(static_cast<std::uint16_t>(bits))), expected) << bits;
    }
}

TEST(ConvertElements, NarrowsEveryBrainFloatBackToItself)
{
    for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
        const bool isNan = (bits & 0x7F80U) == 0x7F80U && (bits & 0x7FU) != 0;
        const std::uint32_t expected = isNan ? bits | 0x0040U : bits;
        ASSERT_EQ(brainOfFloat(floatOfBrain(static_cast<std::uint16_t>(bits))), expected) << bits;
    }
}

std::uint16_t converted(double value, DType to)
{
    std::uint16_t result = 0;
    convertElements(DType::F64, reinterpret_cast<const std::byte*>(&value), to, reinterpret_cast<std::byte*>(&result),
                    1);
    return result;
}

std::uint16_t converted(float value, DType to)
{
    std::uint16_t result = 0;
    convertElements(DType::F32, reinterpret_cast<const std::byte*>(&value), to, reinterpret_cast<std::byte*>(&result),
                    1);
    return result;
}

// Halfway between two neighbours the even one wins; the next representable number on either side decides otherwise.
// From F64 the deciding difference is far below one ulp of F32, so a detour through F32 would be found out.
void expectNearestEven(DType to, std::uint16_t lower, double lowerValue, double upperValue)
{
    const double middle = (lowerValue + upperValue) / 2;
    const auto upper = static_cast<std::uint16_t>(lower + 1);
    const std::uint16_t even = lower % 2 == 0 ? lower : upper;
    ASSERT_EQ(converted(middle, to), even) << lower;
    ASSERT_EQ(converted(std::nextafter(middle, 0.0), to), lower) << lower;
    ASSERT_EQ(converted(std::nextafter(middle, 1e300), to), upper) << lower;
    const auto middleFloat = static_cast<float>(middle);
    ASSERT_EQ(static_cast<double>(middleFloat), middle);
    ASSERT_EQ(converted(middleFloat, to), even) << lower;
    ASSERT_EQ(converted(std::nextafter(middleFloat, 0.0F), to), lower) << lower;
    ASSERT_EQ(converted(std::nextafter(middleFloat, std::numeric_limits<float>::infinity()), to), upper) << lower;
    ASSERT_EQ(converted(-middle, to), even | 0x8000);
}

TEST(ConvertElements, RoundsToTheNearestHalfAndTiesToEven)
{
    for (std::uint16_t bits = 0; bits < 0x7C00; ++bits) {
        const double upper = bits == 0x7BFF ? 65536.0 : meaningOfHalf(static_cast<std::uint16_t>(bits + 1));
        expectNearestEven(DType::F16, bits, meaningOfHalf(bits), upper);
    }
}

TEST(ConvertElements, RoundsToTheNearestBrainFloatAndTiesToEven)
{
    for (std::uint16_t bits = 0x0001; bits < 0x7F80; ++bits) {
        const double lower = static_cast<double>(floatOfBrain(bits));
        const double upper = bits == 0x7F7F ? std::ldexp(1.0, 128)
                                            : static_cast<double>(floatOfBrain(static_cast<std::uint16_t>(bits + 1)));
        expectNearestEven(DType::BF16, bits, lower, upper);
    }
}

TEST(ConvertElements, MakesANanQuietAndKeepsItsSign)
{
    const auto signalling = std::bit_cast<float>(0xFF800001U);
    EXPECT_EQ(converted(signalling, DType::BF16), 0xFFC0);
    EXPECT_EQ(converted(signalling, DType::F16), 0xFE00);
    EXPECT_EQ(converted(std::numeric_limits<double>::quiet_NaN(), DType::F16) & 0x7E00, 0x7E00);
}

TEST(ConvertElements, KeepsInfinityAndOverflowsToIt)
{
    EXPECT_EQ(converted(-std::numeric_limits<double>::infinity(), DType::BF16), 0xFF80);
    EXPECT_EQ(converted(1e300, DType::F16), 0x7C00);
    EXPECT_EQ(converted(1e300, DType::BF16), 0x7F80);
    EXPECT_EQ(converted(1e-300, DType::F16), 0x0000);
}

TEST(ConvertElements, ReadsElementsAtOddAddresses)
{
    std::vector<std::byte> bytes(1 + 2 * sizeof(float));
    const std::vector<float> values = {1.5F, -2.0F};
    std::memcpy(bytes.data() + 1, values.data(), 2 * sizeof(float));
    std::vector<double> widened(2);
    convertElements(DType::F32, bytes.data() + 1, DType::F64, reinterpret_cast<std::byte*>(widened.data()), 2);
    EXPECT_EQ(widened, (std::vector<double>{1.5, -2.0}));
}

}
}
