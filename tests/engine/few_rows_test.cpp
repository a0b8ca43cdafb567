// Loops in place of LibTorch's calls while a token is decoded: the same bits, operation by operation.
#include "engine/model/attention.h"
#include "engine/model/few_rows.h"
#include "engine/model/kv_cache.h"
#include "engine/model/row_operations.h"
#include "tests/engine/model_fixture.h"

#include <ATen/ops/randn.h>

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

// Heads that share keys together, from a cache, against each head by itself.
TEST_P(FewRows, DecodeHeadsTogetherAsAlone)
{
    TransformerConfig config;
    config.architecture = Architecture::Llama;
    config.layers = 1;
    config.heads = 6;
    config.kvHeads = 2;
    for (const std::int32_t width : {16, 24, 64}) {
        config.headDim = width;
        for (const std::int64_t count : {1, 2, 37}) {
            model::Batch batch;
            batch.add(count);
            const std::int64_t capacity[] = {count};
            model::KvCache cache(config, capacity, GetParam(), at::Device(at::kCPU));
            model::AttentionInput input;
            input.query = numbers(count, config.queryWidth());
            input.own = {numbers(count, config.keyValueWidth()), numbers(count, config.keyValueWidth())};
            input.endPrompt = 1;
            input.decoding = true;
            cache.append({0}, batch, 0, 1, input.own.keys, input.own.values);
            const at::Tensor alone = numbers(count, config.queryWidth());
            const at::Tensor together = alone.clone();
            model::attend(input, batch, config, {0}, alone, RunContext());
            input.cache = &cache;
            model::attend(input, batch, config, {0}, together, RunContext());
            EXPECT_TRUE(together.equal(alone)) << width << " wide, " << count << " tokens";
        }
    }
}

}
}
