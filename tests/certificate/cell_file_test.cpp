#include "engine/artifact/checkpoint.h"
#include "engine/base/error.h"
#include "engine/certificate/cell_file.h"
#include "engine/certificate/widen.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

namespace blockcert::certificate {
namespace {

constexpr CellShape threeTokens{3, 2, 2, DType::F32, LossMode::Exact};

HostTensor floats(std::vector<std::int64_t> shape, float first)
{
    HostTensor tensor{DType::F32, std::move(shape), {}};
    tensor.bytes.resize(static_cast<std::size_t>(tensor.elementCount()) * 4);
    for (std::int64_t i = 0; i < tensor.elementCount(); ++i) {
        const float value = first + static_cast<float>(i);
        std::memcpy(tensor.bytes.data() + 4 * i, &value, 4);
    }
    return tensor;
}

CellRecord cellOfThreeTokens()
{
    CellRecord cell;
    cell.block = {4};
    cell.prompt = {7};
    cell.input = floats({3, 2}, 1);
    cell.output = floats({3, 2}, 2);
    cell.attentionOutput = floats({3, 2}, 3);
    cell.mlpOutput = floats({3, 2}, 4);
    cell.mask = {DType::U8, {3, 3}, std::vector<std::byte>(9, std::byte{1})};
    cell.error = {1, 2, 3};
    cell.errorAttention = {4, 5, 6};
    cell.errorMlp = {7, 8, 9};
    cell.outputNorm = {1, 1, 1};
    cell.attentionMargin = {1, 2, 3, 4, 5, 6};
    cell.lossBase = {0.5, 0.25};
    cell.lossStitched = {0.5, 0.125};
    cell.topIdBase = std::vector<std::int32_t>(15, 1);
    cell.topIdStitched = std::vector<std::int32_t>(15, 2);
    cell.topLogitBase = std::vector<double>(15, 0.5);
    cell.topLogitStitched = std::vector<double>(15, 0.75);
    return cell;
}

bool same(const CellRecord& a, const CellRecord& b)
{
    const auto key = [](const CellRecord& c) {
        return std::tie(c.block, c.prompt, c.error, c.errorAttention, c.errorMlp, c.outputNorm, c.attentionMargin,
                        c.lossBase, c.lossStitched, c.topIdBase, c.topIdStitched, c.topLogitBase, c.topLogitStitched);
    };
    return key(a) == key(b) && a.input == b.input && a.output == b.output && a.attentionOutput == b.attentionOutput &&
           a.mlpOutput == b.mlpOutput && a.mask == b.mask;
}

TEST(Widen, FindsWhatIsNotFiniteInEveryFloatingType)
{
    for (const DType dtype : {DType::F64, DType::F32, DType::BF16, DType::F16})
        for (const std::int64_t count : {1, 255, 256, 257, 1000})
            for (const double bad :
                 {std::numeric_limits<double>::quiet_NaN(), -std::numeric_limits<double>::infinity()}) {
                std::vector<double> values(static_cast<std::size_t>(count), 3.5);
                values[0] = -60000; // a large half
                const auto tensorOfValues = [&] {
                    HostTensor tensor{dtype, {count}, {}};
                    tensor.bytes.resize(static_cast<std::size_t>(count * storageBlock(dtype).bytes));
                    artifact::convertElements(DType::F64, reinterpret_cast<const std::byte*>(values.data()), dtype,
                                              tensor.bytes.data(), count);
                    return tensor;
                };
                EXPECT_EQ(firstNotFinite(tensorOfValues()), values.size()) << nameOf(dtype);
                values.back() = bad;
                EXPECT_EQ(firstNotFinite(tensorOfValues()), values.size() - 1) << nameOf(dtype) << " " << count;
            }
}

TEST(CellFile, GivesTheCellBack)
{
    const CellRecord cell = cellOfThreeTokens();
    const auto read = decodeCell(encodeCell(cell, threeTokens, "me"), {4}, {7}, threeTokens, "me");
    ASSERT_TRUE(read.has_value());
    EXPECT_TRUE(same(*read, cell));
}

TEST(CellFile, NoticesEveryFlippedByte)
{
    const std::string bytes = encodeCell(cellOfThreeTokens(), threeTokens, "me");
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        std::string damaged = bytes;
        damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
        ASSERT_FALSE(decodeCell(damaged, {4}, {7}, threeTokens, "me").has_value()) << i;
    }
}

TEST(CellFile, NoticesEveryTruncation)
{
    const std::string bytes = encodeCell(cellOfThreeTokens(), threeTokens, "me");
    for (std::size_t size = 0; size < bytes.size(); ++size)
        ASSERT_FALSE(decodeCell(bytes.substr(0, size), {4}, {7}, threeTokens, "me").has_value()) << size;
    EXPECT_FALSE(decodeCell(bytes + "x", {4}, {7}, threeTokens, "me").has_value());
}

TEST(CellFile, BelongsToOneBlockPromptShapeAndOrigin)
{
    const std::string bytes = encodeCell(cellOfThreeTokens(), threeTokens, "me");
    EXPECT_FALSE(decodeCell(bytes, {5}, {7}, threeTokens, "me").has_value());
    EXPECT_FALSE(decodeCell(bytes, {4}, {6}, threeTokens, "me").has_value());
    EXPECT_FALSE(decodeCell(bytes, {4}, {7}, threeTokens, "another program").has_value());
    EXPECT_TRUE(decodeCell(bytes, {4}, {7}, threeTokens, "").has_value());
    CellShape other = threeTokens;
    other.loss = LossMode::None;
    EXPECT_FALSE(decodeCell(bytes, {4}, {7}, other, "me").has_value());
    other = threeTokens;
    other.baselineDtype = DType::BF16;
    EXPECT_FALSE(decodeCell(bytes, {4}, {7}, other, "me").has_value());
}

TEST(CellFile, NamesPromptAndTokenOfAValueThatIsNotFinite)
{
    const auto message = [](const CellRecord& cell) -> std::string {
        try {
            static_cast<void>(encodeCell(cell, threeTokens, "me"));
        } catch (const NumericError& error) {
            return error.what();
        }
        return "no error";
    };
    CellRecord cell = cellOfThreeTokens();
    const float nan = std::numeric_limits<float>::quiet_NaN();
    std::memcpy(cell.output.bytes.data() + std::size_t{4} * 5, &nan, 4); // row 2, column 1
    EXPECT_EQ(message(cell), "block 4, prompt 7, token 2: output is not a finite number.");
    cell = cellOfThreeTokens();
    cell.attentionMargin[4] = std::numeric_limits<double>::infinity(); // head 1, token 1
    EXPECT_EQ(message(cell), "block 4, prompt 7, token 1: attention_margin is not a finite number.");
    cell = cellOfThreeTokens();
    cell.lossBase[1] = nan;
    EXPECT_EQ(message(cell), "block 4, prompt 7, token 2: loss_base is not a finite number.");
}

TEST(CellFile, RefusesARecordOfAnotherShape)
{
    CellRecord cell = cellOfThreeTokens();
    cell.error.pop_back();
    EXPECT_THROW(static_cast<void>(encodeCell(cell, threeTokens, "")), ShapeError);
    cell = cellOfThreeTokens();
    cell.lossBase.clear();
    cell.lossStitched.clear();
    EXPECT_THROW(static_cast<void>(encodeCell(cell, threeTokens, "")), ShapeError);
    cell = cellOfThreeTokens();
    cell.input.shape = {2, 3};
    EXPECT_THROW(static_cast<void>(encodeCell(cell, threeTokens, "")), ShapeError);
}

TEST(CellFile, NeedsNoTopIdsForAPromptOfOneToken)
{
    CellRecord cell;
    cell.input = cell.output = cell.attentionOutput = cell.mlpOutput = floats({1, 2}, 1);
    cell.mask = {DType::U8, {1, 1}, {std::byte{1}}};
    cell.error = cell.errorAttention = cell.errorMlp = cell.outputNorm = {1};
    cell.attentionMargin = {0, 0};
    const CellShape one{1, 2, 2, DType::F32, LossMode::Exact};
    const auto read = decodeCell(encodeCell(cell, one, "me"), {0}, {0}, one, "me");
    ASSERT_TRUE(read.has_value());
    EXPECT_TRUE(same(*read, cell));
}

}
}
