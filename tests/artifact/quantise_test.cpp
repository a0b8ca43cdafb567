// Rounding to quantised types against the gguf package, bit for bit.
#include "engine/base/error.h"
#include "tests/artifact/model_fixture.h"

#include <cmath>
#include <cstring>
#include <limits>

namespace blockcert::artifact {
namespace {

using test::valuesOf;

SafetensorsFile reference()
{
    return SafetensorsFile::open(test::testData() / "gguf" / "quantised.safetensors");
}

class Quantise : public testing::TestWithParam<DType> {};

TEST_P(Quantise, GivesTheBlocksOfTheGgufPackageBitForBit)
{
    const SafetensorsFile file = reference();
    const HostTensor numbers = file.read("numbers");
    const HostTensor expected = file.read(std::string(nameOf(GetParam())) + ".blocks");
    ASSERT_EQ(expected.shape[1], storageBlock(GetParam()).bytes);
    const auto values = valuesOf<float>(numbers);
    for (std::int64_t row = 0; row < expected.shape[0]; ++row) {
        std::vector<std::byte> block(static_cast<std::size_t>(expected.shape[1]));
        quantise(GetParam(), values.data() + 32 * row, 32, block.data());
        EXPECT_EQ(std::memcmp(block.data(), expected.bytes.data() + row * expected.shape[1], block.size()), 0)
            << "row " << row;
    }
}

TEST_P(Quantise, AndBackGivesTheValuesOfTheGgufPackageBitForBit)
{
    const SafetensorsFile file = reference();
    HostTensor numbers = file.read("numbers");
    roundTrip(GetParam(), numbers);
    const HostTensor expected = file.read(std::string(nameOf(GetParam())) + ".values");
    EXPECT_EQ(numbers.dtype, DType::F32);
    EXPECT_EQ(valuesOf<std::uint32_t>(numbers), valuesOf<std::uint32_t>(expected));
}

TEST_P(Quantise, TakesSixteenBitMatricesAsTheirExactValues)
{
    HostTensor numbers = reference().read("numbers");
    HostTensor half{DType::BF16, numbers.shape, std::vector<std::byte>(numbers.bytes.size() / 2)};
    convertElements(DType::F32, numbers.bytes.data(), DType::BF16, half.bytes.data(), numbers.elementCount());
    convertElements(DType::BF16, half.bytes.data(), DType::F32, numbers.bytes.data(), numbers.elementCount());
    roundTrip(GetParam(), numbers);
    roundTrip(GetParam(), half);
    EXPECT_EQ(half, numbers);
}

TEST_P(Quantise, MakesNothingOfWhatIsNotFinite)
{
    std::vector<float> values(32, 1.0F);
    values[3] = std::numeric_limits<float>::infinity();
    values[9] = std::numeric_limits<float>::quiet_NaN();
    std::vector<std::byte> block(static_cast<std::size_t>(storageBlock(GetParam()).bytes));
    quantise(GetParam(), values.data(), 32, block.data()); // the sanitisers are the judges
}

TEST_P(Quantise, RefusesRowsThatAreNotWholeBlocks)
{
    HostTensor odd{DType::F32, {2, 48}, std::vector<std::byte>(2 * 48 * 4)};
    EXPECT_THROW(roundTrip(GetParam(), odd), ShapeError);
    HostTensor vector{DType::F32, {32}, std::vector<std::byte>(32 * 4)};
    EXPECT_THROW(roundTrip(GetParam(), vector), ShapeError);
    std::vector<std::byte> block(64);
    const std::vector<float> values(33);
    EXPECT_THROW(quantise(GetParam(), values.data(), 33, block.data()), ShapeError);
}

INSTANTIATE_TEST_SUITE_P(All, Quantise, testing::Values(DType::Q8_0, DType::Q5_1, DType::Q4_0, DType::Q4_1),
                         [](const auto& test) { return std::string(nameOf(test.param)); });

TEST(QuantiseTypes, ThatAreNotAmongTheFourAreRefused)
{
    const std::vector<float> values(256);
    std::vector<std::byte> block(1024);
    for (const DType dtype : {DType::Q5_0, DType::Q4_K, DType::F32})
        EXPECT_THROW(quantise(dtype, values.data(), 256, block.data()), UnsupportedError);
}

}
}
