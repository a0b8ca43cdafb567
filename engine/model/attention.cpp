#include "engine/model/attention.h"

#include "engine/base/run_context.h"
#include "engine/model/decode_attention.h"
#include "engine/model/kv_cache.h"
#include "engine/model/parallel_tasks.h"
#include "engine/values/transformer_config.h"

#include <ATen/ops/_softmax.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cassert>
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

// One head of one prompt.
class HeadAttention {
public:
    HeadAttention(const AttentionInput& input, const Batch& batch, const TransformerConfig& config, LayerIndex layer,
                  std::int64_t prompt, std::int64_t head, std::int64_t heads = 1)
        : m_input(input)
        , m_config(config)
        , m_layer(layer)
        , m_prompt(prompt)
        , m_width(config.headDim)
        , m_begin(batch.begin(prompt))
        , m_count(batch.count(prompt))
        , m_start(batch.start[static_cast<std::size_t>(prompt)])
        , m_queries(input.query.narrow(0, m_begin - batch.begin(input.firstPrompt), m_count)
                        .narrow(1, head * m_width, heads * m_width))
        , m_query(heads == 1 ? m_queries : m_queries.narrow(1, 0, m_width))
        , m_column(head / (config.heads / config.kvHeads) * m_width)
    {
    }

    // Keys and values where they lie: on a GPU all queries at once, else one by one, so that a token's bits are the
    // same whether it is decoded alone or checked together with its successors.
    void decode(const at::Tensor& out) const
    {
        const std::int64_t end = m_start + m_count;
        const at::Tensor keys = (m_input.cache == nullptr ? m_input.own.keys.narrow(0, m_begin, m_count)
                                                          : m_input.cache->keys(m_layer, m_prompt, end))
                                    .narrow(1, m_column, m_width);
        const at::Tensor values = (m_input.cache == nullptr ? m_input.own.values.narrow(0, m_begin, m_count)
                                                            : m_input.cache->values(m_layer, m_prompt, end))
                                      .narrow(1, m_column, m_width);
        const std::int64_t step = out.is_cpu() ? 1 : m_count;
        for (std::int64_t first = 0; first < m_count; first += step) {
            const std::int64_t seen = m_start + first + step;
            const at::Tensor weights = attentionWeights(m_query.narrow(0, first, step), keys.narrow(0, 0, seen),
                                                        m_input, m_start + first, m_config, m_layer);
            out.narrow(0, first, step).copy_(product(weights, values.narrow(0, 0, seen)));
        }
    }

    // decode() of this head and its neighbours that share its keys. `out` [queries, heads · width], this head's columns
    // first.
    void decodeTogether(const at::Tensor& out, std::int64_t heads) const
    {
        const std::int64_t end = m_start + m_count;
        decodeHeads({m_queries, m_input.cache->keys(m_layer, m_prompt, end).narrow(1, m_column, m_width),
                     m_input.cache->values(m_layer, m_prompt, end).narrow(1, m_column, m_width), heads},
                    out);
    }

    void inTiles(const at::Tensor& out, const RunContext& context) const
    {
        const std::int64_t end = m_start + m_count;
        const std::int64_t extent = (end + attentionTile - 1) / attentionTile * attentionTile;
        const at::Tensor keys = at::empty({extent, m_width}, m_query.options());
        const at::Tensor values = at::empty({extent, m_width}, m_query.options());
        gather(keys, values);
        if (extent > end) {
            keys.narrow(0, end, extent - end).zero_();
            values.narrow(0, end, extent - end).zero_();
        }
        const at::Tensor tile = at::zeros({attentionTile, m_width}, m_query.options());
        for (std::int64_t first = m_start / attentionTile * attentionTile; first < end; first += attentionTile) {
            context.step();
            const std::int64_t from = std::max(first, m_start);
            const std::int64_t rows = std::min(first + attentionTile, end) - from;
            if (rows < attentionTile)
                tile.zero_();
            tile.narrow(0, from - first, rows).copy_(m_query.narrow(0, from - m_start, rows));
            const std::int64_t seen = first + attentionTile;
            const at::Tensor weights =
                attentionWeights(tile, keys.narrow(0, 0, seen), m_input, first, m_config, m_layer);
            out.narrow(0, from - m_start, rows)
                .copy_(product(weights, values.narrow(0, 0, seen)).narrow(0, from - first, rows));
        }
    }

private:
    // This head's columns of all positions up to the last query.
    void gather(const at::Tensor& keys, const at::Tensor& values) const
    {
        std::int64_t position = 0;
        const auto take = [&](const at::Tensor& allKeys, const at::Tensor& allValues, std::int64_t begin,
                              std::int64_t count) {
            keys.narrow(0, position, count).copy_(allKeys.narrow(0, begin, count).narrow(1, m_column, m_width));
            values.narrow(0, position, count).copy_(allValues.narrow(0, begin, count).narrow(1, m_column, m_width));
            position += count;
        };
        if (m_input.cache != nullptr && m_start > 0)
            take(m_input.cache->keys(m_layer, m_prompt, m_start), m_input.cache->values(m_layer, m_prompt, m_start), 0,
                 m_start);
        if (m_input.past != nullptr)
            for (const PastPiece& piece : m_input.past->pieces[static_cast<std::size_t>(m_prompt)]) {
                const KeyValues& source = piece.ofThisPass ? m_input.own : m_input.past->other;
                take(source.keys, source.values, piece.begin, piece.count);
            }
        assert(position == m_start);
        take(m_input.own.keys, m_input.own.values, m_begin, m_count);
    }

    const AttentionInput& m_input;
    const TransformerConfig& m_config;
    LayerIndex m_layer;
    std::int64_t m_prompt;
    std::int64_t m_width;
    std::int64_t m_begin; // the prompt's first row in the batch
    std::int64_t m_count;
    std::int64_t m_start; // its position
    at::Tensor m_queries; // [count, heads · width] of this head and those that decodeTogether() takes with it
    at::Tensor m_query;   // [count, width]
    std::int64_t m_column;
};

}

void attend(const AttentionInput& input, const Batch& batch, const TransformerConfig& config, LayerIndex layer,
            at::Tensor out, const RunContext& context)
{
    const std::int64_t firstRow = batch.begin(input.firstPrompt);
    if (input.decoding && input.cache != nullptr && canDecodeHeads(config, out)) {
        const std::int64_t shared = config.heads / config.kvHeads;
        runTasks((input.endPrompt - input.firstPrompt) * config.kvHeads, context, [&](std::int64_t task) {
            const std::int64_t prompt = input.firstPrompt + task / config.kvHeads;
            const std::int64_t head = task % config.kvHeads * shared;
            const HeadAttention attention(input, batch, config, layer, prompt, head, shared);
            attention.decodeTogether(out.narrow(0, batch.begin(prompt) - firstRow, batch.count(prompt))
                                         .narrow(1, head * config.headDim, shared * config.headDim),
                                     shared);
        });
        return;
    }
    runTasks((input.endPrompt - input.firstPrompt) * config.heads, context, [&](std::int64_t task) {
        const std::int64_t prompt = input.firstPrompt + task / config.heads;
        const std::int64_t head = task % config.heads;
        const HeadAttention attention(input, batch, config, layer, prompt, head);
        const at::Tensor place = out.narrow(0, batch.begin(prompt) - firstRow, batch.count(prompt))
                                     .narrow(1, head * config.headDim, config.headDim);
        if (input.decoding || !out.is_cpu())
            attention.decode(place);
        else
            attention.inTiles(place, context);
    });
}

}
