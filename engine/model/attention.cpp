#include "engine/model/attention.h"

#include "engine/model/kv_cache.h"
#include "engine/model/parallel_tasks.h"
#include "engine/values/transformer_config.h"

#include <ATen/ops/_softmax.h>
#include <ATen/ops/mm.h>

#include <cmath>
#include <limits>

namespace blockcert::model {
namespace {

// fp16 products are summed in fp32 and rounded once (see tiledLinear).
at::Tensor product(const at::Tensor& a, const at::Tensor& b)
{
    if (a.scalar_type() == at::kHalf && a.is_cpu())
        return at::mm(a.to(at::kFloat), b.to(at::kFloat)).to(at::kHalf);
    return at::mm(a, b);
}

void hideFuture(at::Tensor& scores, const at::Tensor& future, std::int64_t start)
{
    const std::int64_t queries = scores.size(0);
    if (queries == 1)
        return; // a single query is the last position: everything there is, is its past
    scores.masked_fill_(future.narrow(0, start, queries).narrow(1, 0, scores.size(1)),
                        -std::numeric_limits<float>::infinity());
}

// [query, key] in the model's dtype, rows summing to one.
at::Tensor attentionWeights(const at::Tensor& query, const at::Tensor& key, const AttentionInput& input,
                            std::int64_t start, const TransformerConfig& config, LayerIndex layer)
{
    const double root = std::sqrt(static_cast<double>(config.headDim));
    const double depth = config.scaleAttentionByInverseLayer ? layer.value + 1.0 : 1.0;
    const at::ScalarType type = query.scalar_type();
    if (config.upcastAttention) {
        at::Tensor scores = at::mm(query.to(at::kFloat), key.to(at::kFloat).t()).mul_(1.0 / root / depth);
        hideFuture(scores, input.future, start);
        return at::_softmax(scores, -1, false).to(type);
    }
    at::Tensor scores = product(query, key.t());
    if (config.architecture == Architecture::Gpt2) {
        scores.div_(root);
        if (config.scaleAttentionByInverseLayer)
            scores.div_(depth);
        hideFuture(scores, input.future, start);
        return at::_softmax(scores, -1, false);
    }
    scores.mul_(1.0 / root);
    hideFuture(scores, input.future, start);
    return at::_softmax(scores.to(at::kFloat), -1, false).to(type);
}

}

void attend(const AttentionInput& input, const Batch& batch, const TransformerConfig& config, LayerIndex layer,
            const KvCache* cache, at::Tensor out, const RunContext& context)
{
    const std::int64_t width = config.headDim;
    const std::int64_t sharing = config.heads / config.kvHeads; // query heads per key head
    runTasks(batch.prompts() * config.heads, context, [&](std::int64_t task) {
        const std::int64_t prompt = task / config.heads;
        const std::int64_t head = task % config.heads;
        const std::int64_t begin = batch.begin(prompt);
        const std::int64_t count = batch.count(prompt);
        const std::int64_t start = batch.start[static_cast<std::size_t>(prompt)];
        const at::Tensor keys =
            cache == nullptr ? input.key.narrow(0, begin, count) : cache->keys(layer, prompt, start + count);
        const at::Tensor values =
            cache == nullptr ? input.value.narrow(0, begin, count) : cache->values(layer, prompt, start + count);

        const at::Tensor query = input.query.narrow(0, begin, count).narrow(1, head * width, width);
        const std::int64_t column = head / sharing * width;
        const at::Tensor weights = attentionWeights(query, keys.narrow(1, column, width), input, start, config, layer);
        out.narrow(0, begin, count)
            .narrow(1, head * width, width)
            .copy_(product(weights, values.narrow(1, column, width)));
    });
}

}
