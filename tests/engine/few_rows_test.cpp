// Loops in place of LibTorch's calls while a token is decoded: the same bits, operation by operation.
#include "engine/model/attention.h"
#include "engine/model/few_rows.h"
#include "engine/model/kv_cache.h"
#include "engine/model/row_operations.h"
#include "tests/engine/model_fixture.h"

#include <ATen/ops/randn.h>
#include <ATen/ops/zeros_like.h>

#include <cmath>
#include <limits>
#include <memory>
#include <vector>

namespace blockcert::test {
namespace {

class FewRows : public testing::TestWithParam<DType> {
protected:
    static at::Tensor numbers(std::int64_t rows, std::int64_t width)
    {
        return at::randn({rows, width}).mul(3).to(model::scalarTypeOf(GetParam()));
    }
};

INSTANTIATE_TEST_SUITE_P(Types, FewRows, testing::Values(DType::F32, DType::BF16, DType::F16));

TEST_P(FewRows, RoundAsTheCallsDo)
{
    for (const std::int64_t width : {64, 100, 576, 1536})
        for (const std::int64_t rows : {1, 3, 16}) {
            // Views, as the pass has them: rows of a wider tensor.
            const at::Tensor wide = numbers(rows, width + 8);
            const at::Tensor x = wide.narrow(1, 8, width);
            const at::Tensor other = numbers(rows, width);
            at::Tensor a = x.clone();
            at::Tensor b = x.clone();
            model::few_rows::add(a, other);
            EXPECT_TRUE(a.equal(b.add_(other)));
            model::few_rows::multiply(a, other);
            EXPECT_TRUE(a.equal(b.mul_(other)));
            model::few_rows::copy(x, a);
            EXPECT_TRUE(a.equal(x));
            const model::Norm norm{numbers(1, width).select(0, 0).contiguous(), {}, 1e-5};
            for (std::int64_t row = 0; row < rows; ++row) // as forRowChunks() calls it where rows are not chunks
                model::normalise(x.narrow(0, row, 1), norm, b.narrow(0, row, 1));
            model::few_rows::normalise(x, norm, a);
            EXPECT_TRUE(a.equal(b)) << width;
        }
    for (const std::int64_t half : {8, 12, 32}) {
        const at::Tensor x = numbers(3, 4 * 2 * half + 16).narrow(1, 16, 4 * 2 * half);
        const at::Tensor cosine = numbers(3, half);
        const at::Tensor sine = numbers(3, half);
        const at::Tensor a = x.clone();
        const at::Tensor b = x.clone();
        model::few_rows::rotate(x, cosine, sine, 4, a);
        model::rotate(x, cosine, sine, 4, b);
        EXPECT_TRUE(a.equal(b)) << half;
    }
}

// Queries of `count` tokens and what a cache holds of them.
struct Decoded {
    TransformerConfig config;
    model::Batch batch;
    model::AttentionInput input;
    std::unique_ptr<model::KvCache> cache;

    [[nodiscard]] at::Tensor attend() const
    {
        const at::Tensor out = at::zeros_like(input.query);
        model::attend(input, batch, config, {0}, out, RunContext());
        return out;
    }
};

class DecodeHeads : public FewRows {
protected:
    static Decoded decoded(std::int32_t width, std::int64_t count)
    {
        Decoded made;
        made.config.architecture = Architecture::Llama;
        made.config.layers = 1;
        made.config.heads = 6;
        made.config.kvHeads = 2;
        made.config.headDim = width;
        made.batch.add(count);
        const std::int64_t capacity[] = {count};
        made.cache = std::make_unique<model::KvCache>(made.config, capacity, GetParam(), at::Device(at::kCPU));
        // Scores of about one, so that no head sees a single position only.
        const auto small = [](std::int64_t rows, std::int64_t columns) { return numbers(rows, columns).div_(3); };
        made.input.query = small(count, made.config.queryWidth());
        made.input.own = {small(count, made.config.keyValueWidth()), small(count, made.config.keyValueWidth())};
        made.input.endPrompt = 1;
        made.input.decoding = true;
        made.cache->append({0}, made.batch, 0, 1, made.input.own.keys, made.input.own.values);
        return made;
    }
};

INSTANTIATE_TEST_SUITE_P(Types, DecodeHeads, testing::Values(DType::F32, DType::BF16, DType::F16));

// Attention of one head of one query in doubles, and how far a computation in floats that rounds to the type of unit
// roundoff `unit` may be from it, whatever the order of its sums (Higham, Accuracy and Stability of Numerical
// Algorithms, 3.1: a sum of n products is off by at most n u / (1 - n u) of the sum of their magnitudes).
struct Bounded {
    std::vector<double> value; // [width]
    std::vector<double> error;
};

Bounded attendInDoubles(const double* query, const at::Tensor& keys, const at::Tensor& values, double unit)
{
    constexpr double single = 0x1p-24;
    const auto sumError = [](std::size_t terms) {
        const double share = static_cast<double>(terms) * single;
        return share / (1 - share);
    };
    const auto count = static_cast<std::size_t>(keys.size(0));
    const auto width = static_cast<std::size_t>(keys.size(1));
    const double scale = 1 / std::sqrt(static_cast<double>(width));
    std::vector<double> score(count);
    double most = -std::numeric_limits<double>::infinity();
    double off = 0; // of a score, at most
    for (std::size_t j = 0; j < count; ++j) {
        const double* key = keys.data_ptr<double>() + j * width;
        double magnitudes = 0;
        for (std::size_t i = 0; i < width; ++i) {
            score[j] += query[i] * key[i] * scale;
            magnitudes += std::abs(query[i] * key[i]) * scale;
        }
        most = std::max(most, score[j]);
        // The sum, its rounding, the scale's and the product's, and the subtraction of the largest score.
        off = std::max(off, magnitudes * (sumError(width + 1) + 2 * unit + 2 * single) + 2 * magnitudes * single);
    }
    double total = 0;
    for (double& value : score)
        total += value = std::exp(value - most);
    // Every weight is off by its own score's error and by that of their sum; exp, sum and division round, then the
    // type.
    const double weightError = std::expm1(2 * off) * (1 + unit) + sumError(count + 8) + 2 * unit;
    constexpr double leastHalf = 0x1p-24; // what a weight loses where float16 ends
    Bounded result{std::vector<double>(width), std::vector<double>(width)};
    for (std::size_t i = 0; i < width; ++i) {
        double magnitudes = 0;
        double lost = 0;
        for (std::size_t j = 0; j < count; ++j) {
            const double value = values.data_ptr<double>()[j * width + i];
            result.value[i] += score[j] / total * value;
            magnitudes += score[j] / total * std::abs(value);
            lost += std::abs(value) * (unit > single ? leastHalf : 0);
        }
        result.error[i] = (magnitudes * (weightError + sumError(count + 1)) + lost) * (1 + unit) + unit * magnitudes;
    }
    return result;
}

// The loops, from a cache, and LibTorch's products and softmax: both as near to the exact result as floats allow.
TEST_P(DecodeHeads, IsAsExactAsItsTypeAllows)
{
    const double unit = GetParam() == DType::F32 ? 0x1p-24 : GetParam() == DType::F16 ? 0x1p-11 : 0x1p-8;
    for (const std::int32_t width : {16, 24, 64, 100, 128})
        for (const std::int64_t count : {1, 2, 37}) {
            Decoded made = decoded(width, count);
            const at::Tensor theirs = made.attend().to(at::kDouble);
            made.input.cache = made.cache.get();
            const at::Tensor ours = made.attend().to(at::kDouble);
            const std::int64_t perKey = made.config.heads / made.config.kvHeads;
            for (std::int64_t head = 0; head < made.config.heads; ++head)
                for (std::int64_t token = 0; token < count; ++token) {
                    const auto seen = [&](const at::Tensor& rows) {
                        return rows.to(at::kDouble)
                            .narrow(0, 0, token + 1)
                            .narrow(1, head / perKey * width, width)
                            .contiguous();
                    };
                    const at::Tensor query = made.input.query[token].narrow(0, head * width, width).to(at::kDouble);
                    const Bounded exact = attendInDoubles(query.data_ptr<double>(), seen(made.input.own.keys),
                                                          seen(made.input.own.values), unit);
                    for (std::int32_t i = 0; i < width; ++i) {
                        const auto at = static_cast<std::size_t>(i);
                        const auto distance = [&](const at::Tensor& from) {
                            return std::abs(from[token][head * width + i].item<double>() - exact.value[at]);
                        };
                        ASSERT_LE(distance(ours), exact.error[at]) << width << " wide, token " << token;
                        ASSERT_LE(distance(theirs), exact.error[at]) << width << " wide, token " << token;
                    }
                }
        }
}

// What a sweep relies on: a draft that is checked with its successors has the bits of one that is decoded by itself.
TEST_P(DecodeHeads, ATokensBitsAreTheSameAloneAndWithItsSuccessors)
{
    for (const std::int32_t width : {24, 64, 100}) {
        constexpr std::int64_t count = 37;
        Decoded made = decoded(width, count);
        made.input.cache = made.cache.get();
        const at::Tensor together = made.attend();
        const at::Tensor queries = made.input.query;
        for (std::int64_t token = 0; token < count; ++token) {
            made.batch = {};
            made.batch.add(1, token);
            made.input.query = queries.narrow(0, token, 1);
            EXPECT_TRUE(made.attend().equal(together.narrow(0, token, 1))) << width << " wide, token " << token;
        }
    }
}

}
}
