#include "engine/artifact/checkpoint.h"
#include "engine/surrogate/ablation.h"
#include "engine/surrogate/normal_noise.h"
#include "engine/surrogate/rank_check.h"
#include "engine/surrogate/weight_distance.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

namespace blockcert::surrogate {
namespace {

HostTensor matrixOf(const std::vector<float>& values, std::int64_t rows)
{
    HostTensor tensor{DType::F32, {rows, static_cast<std::int64_t>(values.size()) / rows}, {}};
    tensor.bytes.resize(values.size() * sizeof(float));
    std::memcpy(tensor.bytes.data(), values.data(), tensor.bytes.size());
    return tensor;
}

std::vector<float> valuesOf(const HostTensor& tensor)
{
    std::vector<float> values(static_cast<std::size_t>(tensor.elementCount()));
    std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
    return values;
}

// Rows and columns drawn at random; the sum of `rank` outer products.
HostTensor randomOfRank(std::int64_t rows, std::int64_t columns, int rank)
{
    NormalNoise noise(1, 2);
    std::vector<double> sum(static_cast<std::size_t>(rows * columns));
    for (int k = 0; k < rank; ++k) {
        std::vector<double> left(static_cast<std::size_t>(rows));
        std::vector<double> right(static_cast<std::size_t>(columns));
        for (double& value : left)
            value = noise.next();
        for (double& value : right)
            value = noise.next();
        for (std::size_t i = 0; i < sum.size(); ++i)
            sum[i] += left[i / right.size()] * right[i % right.size()];
    }
    return matrixOf({sum.begin(), sum.end()}, rows);
}

TEST(Ablation, OfValuesLeavesZerosOfTheSameType)
{
    const Ablation ablation{Ablation::Kind::ZeroValues, 0};
    EXPECT_TRUE(ablatesWeight(ablation, "v.weight"));
    EXPECT_FALSE(ablatesWeight(ablation, "q.weight"));
    EXPECT_FALSE(ablatesWeight({}, "v.weight"));
    HostTensor half{DType::BF16, {2, 2}, std::vector<std::byte>(8, std::byte{0x3F})};
    ablateWeight(ablation, 0, {0}, half);
    EXPECT_EQ(half, (HostTensor{DType::BF16, {2, 2}, std::vector<std::byte>(8)}));
}

TEST(Ablation, OfTheQueryAddsNumbersOfTheBlocksStreamInOrder)
{
    const std::vector<float> before = {1, 2, 3, 6};
    HostTensor weight = matrixOf(before, 2);
    ablateWeight({Ablation::Kind::NoiseQuery, 0.1}, 42, {5}, weight);
    NormalNoise noise(42, 5);
    const double deviation = std::sqrt((4 + 1 + 0 + 9) / 4.0); // around the mean 3
    for (std::size_t i = 0; i < before.size(); ++i)
        EXPECT_EQ(valuesOf(weight)[i],
                  static_cast<float>(static_cast<double>(before[i]) + 0.1 * deviation * noise.next()));
    // A 16-bit matrix could not hold such noise.
    HostTensor half{DType::F16, {1, 2}, std::vector<std::byte>(4, std::byte{0x3C})};
    ablateWeight({Ablation::Kind::NoiseQuery, 0.1}, 42, {5}, half);
    EXPECT_EQ(half.dtype, DType::F32);
}

TEST(Ablation, OfMaskAndRopeChangesTheTablesAlone)
{
    ir::BlockIr block;
    block.program.ropeHalf = 1;
    block.mask = {DType::U8, {2, 2}, {std::byte{1}, std::byte{0}, std::byte{1}, std::byte{1}}};
    block.ropeCos = {DType::BF16, {2, 1}, std::vector<std::byte>(4, std::byte{0x11})};
    block.ropeSin = block.ropeCos;
    ir::BlockIr inverted = block;
    ablateTables({Ablation::Kind::InvertMask, 0}, inverted);
    EXPECT_EQ(inverted.mask.bytes, (std::vector{std::byte{0}, std::byte{1}, std::byte{0}, std::byte{0}}));
    EXPECT_EQ(inverted.ropeCos, block.ropeCos);
    ablateTables({Ablation::Kind::DropRope, 0}, block);
    EXPECT_EQ(block.ropeCos.bytes, (std::vector{std::byte{0x80}, std::byte{0x3F}, std::byte{0x80}, std::byte{0x3F}}));
    EXPECT_EQ(block.ropeSin.bytes, std::vector<std::byte>(4));
}

TEST(WeightDistance, IsTheFrobeniusNormOfTheDifference)
{
    const HostTensor w = matrixOf({3, 4, 0, 12}, 2);
    EXPECT_EQ(frobeniusNorm(w), 13);
    EXPECT_EQ(frobeniusDistance(w, matrixOf({3, 4, 0, 9}, 2)), 3);
    EXPECT_EQ(distanceOf("q.weight", w, w, std::nullopt), std::nullopt);
    EXPECT_EQ(distanceOf("q.weight", w, w, 2), (WeightDistance{"q.weight", 2, 13, 0}));
    // Of another type it is another weight, even where every element is the same number.
    HostTensor half{DType::BF16, {2, 2}, std::vector<std::byte>(8)};
    artifact::convertElements(DType::F32, w.bytes.data(), DType::BF16, half.bytes.data(), 4);
    EXPECT_EQ(distanceOf("q.weight", w, half, std::nullopt), (WeightDistance{"q.weight", std::nullopt, 13, 0}));
}

TEST(RankCheck, FindsARankThatIsThereAndMissesOneThatIsNot)
{
    const HostTensor matrix = randomOfRank(40, 24, 6);
    EXPECT_LT(distanceFromRank(matrix, 6), 1e-6); // what rounding to fp32 leaves
    EXPECT_LT(distanceFromRank(matrix, 9), 1e-6);
    EXPECT_GT(distanceFromRank(matrix, 5), 0.05);
    EXPECT_GT(distanceFromRank(randomOfRank(24, 40, 24), 23), 1e-3);
    EXPECT_EQ(distanceFromRank(matrixOf(std::vector<float>(6), 2), 1), 0);
}

}
}
