// Loops in place of LibTorch's calls while a token is decoded: the same bits, operation by operation.
#include "engine/model/attention.h"
#include "engine/model/few_rows.h"
#include "engine/model/kv_cache.h"
#include "engine/model/row_operations.h"
#include "tests/engine/model_fixture.h"

#include <ATen/ops/randn.h>
#include <ATen/ops/zeros_like.h>

#include <memory>

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
        for (const std::int64_t rows : {1, 3}) {
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
        made.input.query = numbers(count, made.config.queryWidth());
        made.input.own = {numbers(count, made.config.keyValueWidth()), numbers(count, made.config.keyValueWidth())};
        made.input.endPrompt = 1;
        made.input.decoding = true;
        made.cache->append({0}, made.batch, 0, 1, made.input.own.keys, made.input.own.values);
        return made;
    }
};

INSTANTIATE_TEST_SUITE_P(Types, DecodeHeads, testing::Values(DType::F32, DType::BF16, DType::F16));

// The loops, from a cache, against LibTorch's products and softmax, head by head. Sums have another order there; in 16
// bits that moves single roundings of a score, a weight or a result.
TEST_P(DecodeHeads, AsLibTorchDoes)
{
    const double unit = GetParam() == DType::F32 ? 0x1p-24 : GetParam() == DType::F16 ? 0x1p-11 : 0x1p-8;
    for (const std::int32_t width : {16, 24, 64, 100, 128})
        for (const std::int64_t count : {1, 2, 37}) {
            Decoded made = decoded(width, count);
            const at::Tensor theirs = made.attend();
            made.input.cache = made.cache.get();
            const at::Tensor ours = made.attend();
            const double largest = made.input.own.values.abs().max().to(at::kDouble).item<double>();
            const at::Tensor difference = ours.to(at::kDouble).sub(theirs.to(at::kDouble)).abs();
            EXPECT_LT(difference.max().item<double>(), 32 * unit * largest) << width << " wide, " << count << " tokens";
            EXPECT_LT(difference.mean().item<double>(), unit * largest) << width << " wide, " << count << " tokens";
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
