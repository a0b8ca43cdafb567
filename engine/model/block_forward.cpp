#include "engine/model/block_forward.h"

#include "engine/model/attention.h"
#include "engine/model/decode_block.h"
#include "engine/model/few_rows.h"
#include "engine/model/kv_cache.h"
#include "engine/model/skinny_linear.h"
#include "engine/model/transformer.h"

#include <ATen/ops/add.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/silu.h>

#include <algorithm>
#include <vector>

namespace blockcert::model {
namespace {

// Whole prompts: first … end − 1, which are `rows` rows from row `begin` on.
struct Group {
    std::int64_t first = 0;
    std::int64_t end = 0;
    std::int64_t begin = 0;
    std::int64_t rows = 0;
};

std::vector<Group> groupsOf(const Batch& batch, std::int64_t groupRows)
{
    std::vector<Group> groups;
    for (std::int64_t prompt = 0; prompt < batch.prompts(); ++prompt) {
        if (groups.empty() || groups.back().rows + batch.count(prompt) > groupRows)
            groups.push_back({prompt, prompt, batch.begin(prompt), 0});
        groups.back().end = prompt + 1;
        groups.back().rows += batch.count(prompt);
    }
    return groups;
}

// One residual block on the rows of a pass, group by group.
class BlockForward {
public:
    BlockForward(const Pass& pass, const BlockWeights& weights, LayerIndex layer, at::Tensor& state,
                 const RunContext& context)
        : m_pass(pass)
        , m_weights(weights)
        , m_layer(layer)
        , m_state(state)
        , m_context(context)
        , m_own(keysAndValues())
    {
    }

    // normed = norm(state), [padded rows of the group, d]; padding holds what was there.
    at::Tensor normalised(const Group& group, const Norm& norm) const
    {
        at::Tensor out = take("normed", group, m_pass.config.dModel);
        const at::Tensor rows = rowsOf(m_state, group);
        if (isFew(group) && !norm.bias.defined()) {
            few_rows::normalise(rows, norm, out);
            return out;
        }
        few_rows::normaliseRows(rows, norm, out, m_context);
        return out;
    }

    // Where attention finds what the projections gave.
    struct Projected {
        at::Tensor query; // rawQuery itself without rotation
        at::Tensor keys;
        at::Tensor values;
        at::Tensor rawQuery;
        at::Tensor rawKey;
        at::Tensor rawValue;
        bool rotated = false;
    };

    // Rows begin … begin + count − 1 of the group, as plain loops.
    void rotateInLoops(const Group& group, const Projected& all, std::int64_t begin, std::int64_t count) const
    {
        const TransformerConfig& config = m_pass.config;
        const auto rows = [begin, count](const at::Tensor& tensor) { return tensor.narrow(0, begin, count); };
        few_rows::copy(rows(all.rawValue), rows(all.values));
        if (!all.rotated)
            return few_rows::copy(rows(all.rawKey), rows(all.keys));
        const at::Tensor cosine = m_pass.cosine.narrow(0, group.begin + begin, count);
        const at::Tensor sine = m_pass.sine.narrow(0, group.begin + begin, count);
        few_rows::rotate(rows(all.rawQuery), cosine, sine, config.heads, rows(all.query));
        few_rows::rotate(rows(all.rawKey), cosine, sine, config.kvHeads, rows(all.keys));
    }

    void rotateInCalls(const Group& group, const Projected& all, std::int64_t begin, std::int64_t count) const
    {
        const TransformerConfig& config = m_pass.config;
        const auto rows = [begin, count](const at::Tensor& tensor) { return tensor.narrow(0, begin, count); };
        rows(all.values).copy_(rows(all.rawValue));
        if (!all.rotated) {
            rows(all.keys).copy_(rows(all.rawKey));
            return;
        }
        const at::Tensor cosine = m_pass.cosine.narrow(0, group.begin + begin, count);
        const at::Tensor sine = m_pass.sine.narrow(0, group.begin + begin, count);
        rotate(rows(all.rawQuery), cosine, sine, config.heads, rows(all.query));
        rotate(rows(all.rawKey), cosine, sine, config.kvHeads, rows(all.keys));
    }

    // The attention sublayer's output before the residual addition, [padded rows of the group, d].
    at::Tensor attention(const Group& group) const
    {
        const TransformerConfig& config = m_pass.config;
        const std::int64_t queryWidth = config.queryWidth();
        const std::int64_t keyWidth = config.keyValueWidth();
        at::Tensor projected = take("qkv", group, queryWidth + 2 * keyWidth);
        applyLinear(m_pass, normalised(group, m_weights.attentionNorm), m_weights.queryKeyValue, projected, m_context);

        Projected rows;
        rows.keys = rowsOf(m_own.keys, group);
        rows.values = rowsOf(m_own.values, group);
        rows.rawQuery = projected.narrow(1, 0, queryWidth);
        rows.rawKey = projected.narrow(1, queryWidth, keyWidth);
        rows.rawValue = projected.narrow(1, queryWidth + keyWidth, keyWidth);
        rows.rotated = config.architecture == Architecture::Llama;
        rows.query = rows.rotated ? take("query", group, queryWidth) : rows.rawQuery;
        const auto inLoops = [&](std::int64_t begin, std::int64_t count) { rotateInLoops(group, rows, begin, count); };
        if (isFew(group))
            inLoops(0, group.rows);
        else if (few_rows::isBetter(projected, queryWidth))
            forRowGroups(group.rows, m_context, inLoops);
        else
            forRowChunks(group.rows, queryWidth, projected.is_cpu(), m_context,
                         [&](std::int64_t begin, std::int64_t count) { rotateInCalls(group, rows, begin, count); });
        AttentionInput input;
        input.query = rows.query;
        if (m_pass.cache != nullptr)
            m_pass.cache->append(m_layer, m_pass.batch, group.first, group.end, m_own.keys, m_own.values);

        input.own = m_own;
        input.future = m_pass.future;
        input.cache = m_pass.cache;
        input.past = m_pass.past;
        input.firstPrompt = group.first;
        input.endPrompt = group.end;
        input.decoding = m_pass.decoding;
        const at::Tensor mixed = take("mixed", group, queryWidth);
        attend(input, m_pass.batch, config, m_layer, mixed, m_context);
        if (m_pass.taps != nullptr)
            m_pass.taps->headOutputs(m_layer, mixed.narrow(0, 0, group.rows));
        at::Tensor out = take("sublayer", group, config.dModel);
        applyLinear(m_pass, mixed, m_weights.output, out, m_context);
        return out;
    }

    at::Tensor mlp(const Group& group) const
    {
        const std::int64_t ff = m_pass.config.dFf;
        const bool gated = m_pass.config.architecture == Architecture::Llama;
        at::Tensor raised = take("raised", group, gated ? 2 * ff : ff);
        applyLinear(m_pass, normalised(group, m_weights.mlpNorm), m_weights.up, raised, m_context);
        const at::Tensor active = take("active", group, ff);
        forRowChunks(group.rows, ff, raised.is_cpu(), m_context, [&](std::int64_t begin, std::int64_t count) {
            const at::Tensor in = raised.narrow(0, begin, count);
            at::Tensor part = active.narrow(0, begin, count);
            if (gated && isFew(group)) {
                at::silu_out(part, in.narrow(1, 0, ff));
                few_rows::multiply(part, in.narrow(1, ff, ff));
            } else if (gated) {
                swiglu(in.narrow(1, 0, ff), in.narrow(1, ff, ff), part);
            } else {
                geluNew(in, part);
            }
        });
        at::Tensor out = take("sublayer", group, m_pass.config.dModel);
        applyLinear(m_pass, active, m_weights.down, out, m_context);
        return out;
    }

    // state += change, for the rows of a group.
    void add(const Group& group, const at::Tensor& change) const
    {
        const at::Tensor rows = rowsOf(m_state, group);
        const auto part = [](const at::Tensor& all, std::int64_t begin, std::int64_t count) {
            return all.narrow(0, begin, count);
        };
        if (isFew(group))
            return few_rows::add(rows, change);
        if (few_rows::isBetter(rows, rows.size(1)))
            return forRowGroups(group.rows, m_context, [&](std::int64_t begin, std::int64_t count) {
                few_rows::add(part(rows, begin, count), part(change, begin, count));
            });
        forRowChunks(group.rows, rows.size(1), rows.is_cpu(), m_context, [&](std::int64_t begin, std::int64_t count) {
            part(rows, begin, count).add_(part(change, begin, count));
        });
    }

    // Without taps each group goes through the whole block; with them a sublayer's output is shown for all rows.
    void run() const
    {
        const std::vector<Group> groups = groupsOf(m_pass.batch, groupRowsOf(m_pass.config));
        if (m_pass.taps == nullptr) {
            for (const Group& group : groups) {
                add(group, attention(group));
                add(group, mlp(group));
            }
            return;
        }
        m_pass.taps->blockInput(m_layer, m_state);
        const at::Tensor all = m_pass.workspace.take("tapped", m_state.size(0), m_state.size(1));
        for (const Group& group : groups)
            rowsOf(all, group).copy_(attention(group).narrow(0, 0, group.rows));
        m_pass.taps->attentionOutput(m_layer, all);
        for (const Group& group : groups)
            add(group, rowsOf(all, group));
        for (const Group& group : groups)
            rowsOf(all, group).copy_(mlp(group).narrow(0, 0, group.rows));
        m_pass.taps->mlpOutput(m_layer, all);
        for (const Group& group : groups)
            add(group, rowsOf(all, group));
        m_pass.taps->blockOutput(m_layer, m_state);
    }

private:
    static at::Tensor rowsOf(const at::Tensor& all, const Group& group)
    {
        return all.narrow(0, group.begin, group.rows);
    }

    // Decoding, where a loop is faster than a call.
    [[nodiscard]] bool isFew(const Group& group) const
    {
        return m_pass.decoding && few_rows::fits(m_state, group.rows);
    }

    [[nodiscard]] at::Tensor take(const char* name, const Group& group, std::int64_t width) const
    {
        const bool exact = m_pass.decoding || !m_state.is_cpu();
        return m_pass.workspace.take(name, exact ? group.rows : m_pass.tiling.padded(group.rows), width);
    }

    [[nodiscard]] KeyValues keysAndValues() const
    {
        const std::int64_t rows = m_state.size(0);
        const std::int64_t width = m_pass.config.keyValueWidth();
        if (m_pass.kept == nullptr)
            return {m_pass.workspace.take("keys", rows, width), m_pass.workspace.take("values", rows, width)};
        KeyValues& kept = *m_pass.kept;
        for (at::Tensor* tensor : {&kept.keys, &kept.values})
            if (!tensor->defined() || tensor->size(0) != rows || tensor->size(1) != width)
                *tensor = at::empty({rows, width}, m_state.options());
        return kept;
    }

    const Pass& m_pass;
    const BlockWeights& m_weights;
    LayerIndex m_layer;
    at::Tensor& m_state;
    const RunContext& m_context;
    KeyValues m_own;
};

}

std::int64_t groupRowsOf(const TransformerConfig& config)
{
    constexpr std::int64_t elements = std::int64_t{6} << 20; // of a result of the MLP's width
    return std::clamp<std::int64_t>(elements / std::max<std::int64_t>(1, config.dFf), 512, 1024);
}

void applyLinear(const Pass& pass, const at::Tensor& x, const Linear& layer, at::Tensor& y, const RunContext& context)
{
    if (pass.decoding && x.is_cpu())
        skinnyLinear(x, layer, y, context);
    else
        tiledLinear(x, layer, y, pass.tiling, context);
}

void forwardBlock(const Pass& pass, const BlockWeights& weights, LayerIndex layer, at::Tensor& state,
                  const RunContext& context)
{
    if (canDecodeBlock(pass, weights, state))
        decodeBlock(pass, weights, layer, state, context);
    else
        BlockForward(pass, weights, layer, state, context).run();
}

}
