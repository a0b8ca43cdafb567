#include "engine/model/decode_attention.h"

#include "engine/base/error.h"
#include "engine/model/dot_rows.h"
#include "engine/values/transformer_config.h"

#include <ATen/ops/from_blob.h>
#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <vector>

namespace blockcert::model {
namespace {

using namespace dots;

constexpr std::int64_t columns = 4 * lanes; // of the values that are mixed at once

// Up to rowGroup rows, each a head of a query; rows that are missing are zero and see what the first sees.
struct Group {
    const void* keys;
    const void* values;
    std::int64_t keyStride; // in elements
    std::int64_t valueStride;
    std::int64_t width;
    float scale;
    const float* query;                      // [rowGroup, width]
    std::array<std::int64_t, rowGroup> seen; // positions
    std::array<float*, rowGroup> score;      // [positions] each
    std::array<float*, rowGroup> mixed;      // [width] each
};

// To the model's type and back.
template <class Format>
inline __attribute__((always_inline)) float rounded(float value)
{
    if constexpr (std::is_same_v<Format, Float32>)
        return value;
    else if constexpr (std::is_same_v<Format, BFloat16>)
        return static_cast<float>(static_cast<c10::BFloat16>(value));
    else
        return static_cast<float>(static_cast<c10::Half>(value));
}

template <class Format, std::int64_t Positions>
inline __attribute__((always_inline)) void scorePositions(const Group& group, std::int64_t position)
{
    const auto* keys = static_cast<const typename Format::Element*>(group.keys) + position * group.keyStride;
    float results[rowGroup][outputGroup];
    dotRows<Format, rowGroup, Positions>(keys, group.keyStride, group.query, group.width, results);
    for (std::int64_t r = 0; r < rowGroup; ++r)
        for (std::int64_t k = 0; k < Positions; ++k)
            group.score[static_cast<std::size_t>(r)][position + k] =
                rounded<Format>(rounded<Format>(results[r][k]) * group.scale);
}

// Scores of the positions seen to weights that sum to one.
template <class Format>
inline __attribute__((always_inline)) void softmax(float* score, std::int64_t seen)
{
    float most = score[0];
    for (std::int64_t i = 1; i < seen; ++i)
        most = std::max(most, score[i]);
    double sum = 0;
    for (std::int64_t i = 0; i < seen; ++i) {
        score[i] = std::exp(score[i] - most);
        sum += static_cast<double>(score[i]);
    }
    const auto total = static_cast<float>(sum);
    for (std::int64_t i = 0; i < seen; ++i)
        score[i] = rounded<Format>(score[i] / total);
}

// mixed[row][column …] += weight · values for positions begin … end − 1, one after the other.
template <class Format, std::int64_t Rows, std::int64_t Vectors>
inline __attribute__((always_inline)) void mixColumns(const Group& group, std::size_t row, std::int64_t column,
                                                      std::int64_t begin, std::int64_t end)
{
    const auto* values = static_cast<const typename Format::Element*>(group.values) + column;
    Floats sums[Rows][Vectors];
    for (std::int64_t r = 0; r < Rows; ++r)
        std::memcpy(sums[r], group.mixed[row + static_cast<std::size_t>(r)] + column, sizeof(sums[r]));
    for (std::int64_t i = begin; i < end; ++i) {
        Floats value[Vectors];
        for (std::int64_t v = 0; v < Vectors; ++v)
            Format::load(values + i * group.valueStride + v * lanes, value[v]);
        for (std::int64_t r = 0; r < Rows; ++r) {
            const float weight = group.score[row + static_cast<std::size_t>(r)][i];
            for (std::int64_t v = 0; v < Vectors; ++v)
                sums[r][v] += value[v] * weight;
        }
    }
    for (std::int64_t r = 0; r < Rows; ++r)
        std::memcpy(group.mixed[row + static_cast<std::size_t>(r)] + column, sums[r], sizeof(sums[r]));
}

template <class Format, std::int64_t Rows>
inline __attribute__((always_inline)) void mixRows(const Group& group, std::size_t row, std::int64_t begin,
                                                   std::int64_t end)
{
    std::int64_t column = 0;
    for (; column + columns <= group.width; column += columns)
        mixColumns<Format, Rows, columns / lanes>(group, row, column, begin, end);
    for (; column + lanes <= group.width; column += lanes)
        mixColumns<Format, Rows, 1>(group, row, column, begin, end);
    const auto* values = static_cast<const typename Format::Element*>(group.values);
    for (; column < group.width; ++column)
        for (std::size_t r = row; r < row + Rows; ++r)
            for (std::int64_t i = begin; i < end; ++i)
                group.mixed[r][column] += Format::one(values[i * group.valueStride + column]) * group.score[r][i];
}

template <class Format>
inline __attribute__((always_inline)) void decodeGroup(const Group& group)
{
    std::int64_t least = group.seen[0];
    std::int64_t most = group.seen[0];
    for (const std::int64_t seen : group.seen) {
        least = std::min(least, seen);
        most = std::max(most, seen);
    }
    std::int64_t position = 0;
    for (; position + outputGroup <= most; position += outputGroup)
        scorePositions<Format, outputGroup>(group, position);
    for (; position < most; ++position)
        scorePositions<Format, 1>(group, position);
    for (std::size_t r = 0; r < rowGroup; ++r)
        softmax<Format>(group.score[r], group.seen[r]);
    mixRows<Format, rowGroup>(group, 0, 0, least);
    for (std::size_t r = 0; r < rowGroup; ++r)
        if (group.seen[r] > least)
            mixRows<Format, 1>(group, r, least, group.seen[r]);
}

BLOCKCERT_CLONES void decodeFloat32(const Group& group)
{
    decodeGroup<Float32>(group);
}

BLOCKCERT_CLONES void decodeBFloat16(const Group& group)
{
    decodeGroup<BFloat16>(group);
}

#if defined(__x86_64__)
__attribute__((target("arch=x86-64-v4"))) void decodeFloat16In512(const Group& group)
{
    decodeGroup<Float16In512>(group);
}

__attribute__((target("arch=x86-64-v3"))) void decodeFloat16In256(const Group& group)
{
    decodeGroup<Float16In256>(group);
}
#endif

void decodeFloat16Anywhere(const Group& group)
{
    decodeGroup<Float16>(group);
}

using Decode = void (*)(const Group&);

Decode decodeFor(at::ScalarType type)
{
    switch (type) {
    case at::kFloat: return decodeFloat32;
    case at::kBFloat16: return decodeBFloat16;
    case at::kHalf: return BLOCKCERT_FOR_FLOAT16(decodeFloat16);
    default: throw UnsupportedError("Decoding works in fp32, bf16 and fp16.");
    }
}

// LibTorch's product of a tensor and a number rounds the number to the tensor's type.
float roundedTo(at::ScalarType type, float value)
{
    if (type == at::kHalf)
        return static_cast<float>(static_cast<c10::Half>(value));
    return type == at::kBFloat16 ? static_cast<float>(static_cast<c10::BFloat16>(value)) : value;
}

}

bool canDecodeHeads(const TransformerConfig& config, const at::Tensor& x)
{
    const at::ScalarType type = x.scalar_type();
    return x.is_cpu() && config.architecture == Architecture::Llama && !config.upcastAttention &&
           (type == at::kFloat || type == at::kBFloat16 || type == at::kHalf);
}

void decodeHeads(const HeadsInMemory& work)
{
    const std::int64_t rows = work.queries * work.heads;
    const std::int64_t width = work.width;
    std::vector<float> scores(static_cast<std::size_t>(rowGroup * work.positions));
    std::vector<float> padded; // queries of a group that is not full
    std::vector<float> unused;

    const Decode decode = decodeFor(work.type);
    const auto scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(width)));
    Group group{
        work.keys, work.values, work.keyStride, work.valueStride, width, roundedTo(work.type, scale), nullptr, {},
        {},        {}};
    std::fill_n(work.result, rows * width, 0.0F);
    for (std::int64_t row = 0; row < rows; row += rowGroup) {
        const std::int64_t count = std::min(rowGroup, rows - row);
        group.query = work.query + row * width;
        if (count < rowGroup) {
            padded.assign(static_cast<std::size_t>(rowGroup * width), 0.0F);
            unused.resize(static_cast<std::size_t>(width));
            std::copy_n(group.query, count * width, padded.begin());
            group.query = padded.data();
        }
        for (std::int64_t r = 0; r < rowGroup; ++r) {
            const auto index = static_cast<std::size_t>(r);
            const std::int64_t of = r < count ? row + r : row;
            group.seen[index] = work.positions - work.queries + of / work.heads + 1;
            group.score[index] = scores.data() + r * work.positions;
            group.mixed[index] = r < count ? work.result + of * width : unused.data();
        }
        decode(group);
    }
}

void decodeHeads(const SharedHeads& work, const at::Tensor& out)
{
    const std::int64_t queries = work.query.size(0);
    const std::int64_t width = work.keys.size(1);
    const std::int64_t row = work.heads * width;
    const at::Tensor query = work.query.to(at::kFloat).contiguous();
    const bool direct = out.scalar_type() == at::kFloat && (queries == 1 || out.is_contiguous());
    std::vector<float> wide(static_cast<std::size_t>(direct ? 0 : queries * row));
    float* const result = direct ? out.mutable_data_ptr<float>() : wide.data();
    decodeHeads({query.const_data_ptr<float>(), work.keys.const_data_ptr(), work.values.const_data_ptr(),
                 work.keys.stride(0), work.values.stride(0), work.keys.scalar_type(), queries, work.heads,
                 work.keys.size(0), width, result});
    if (direct)
        return;
    for (std::int64_t i = 0; i < queries; ++i)
        out.select(0, i).copy_(at::from_blob(result + i * row, {row}, at::kFloat));
}

}
