#include "engine/model/block_forward.h"

#include "engine/model/attention.h"
#include "engine/model/kv_cache.h"
#include "engine/model/skinny_linear.h"
#include "engine/model/transformer.h"

#include <ATen/ops/add.h>

namespace blockcert::model {
namespace {

void normaliseRows(const Pass& pass, const at::Tensor& x, const Norm& norm, at::Tensor& out, const RunContext& context)
{
    forRowChunks(pass.batch.rows(), x.size(1), x.is_cpu(), context, [&](std::int64_t begin, std::int64_t count) {
        normalise(x.narrow(0, begin, count), norm, out.narrow(0, begin, count));
    });
}

// [padded rows, d], the attention sublayer's output before the residual addition.
at::Tensor attentionSublayer(const Pass& pass, const BlockWeights& weights, LayerIndex layer, const at::Tensor& normed,
                             const RunContext& context)
{
    const TransformerConfig& config = pass.config;
    const std::int64_t rows = normed.size(0);
    const std::int64_t queryWidth = config.queryWidth();
    const std::int64_t keyWidth = config.keyValueWidth();
    at::Tensor projected = pass.workspace.take("qkv", rows, queryWidth + 2 * keyWidth);
    applyLinear(pass, normed, weights.queryKeyValue, projected, context);

    AttentionInput input;
    input.query = projected.narrow(1, 0, queryWidth);
    input.key = projected.narrow(1, queryWidth, keyWidth);
    input.value = projected.narrow(1, queryWidth + keyWidth, keyWidth);
    input.future = pass.future;
    if (config.architecture == Architecture::Llama) {
        const at::Tensor query = pass.workspace.take("query", rows, queryWidth);
        const at::Tensor key = pass.workspace.take("key", rows, keyWidth);
        forRowChunks(
            pass.batch.rows(), queryWidth, normed.is_cpu(), context, [&](std::int64_t begin, std::int64_t count) {
                const at::Tensor cosine = pass.cosine.narrow(0, begin, count);
                const at::Tensor sine = pass.sine.narrow(0, begin, count);
                rotate(input.query.narrow(0, begin, count), cosine, sine, config.heads, query.narrow(0, begin, count));
                rotate(input.key.narrow(0, begin, count), cosine, sine, config.kvHeads, key.narrow(0, begin, count));
            });
        input.query = query;
        input.key = key;
    }
    if (pass.cache != nullptr)
        pass.cache->append(layer, pass.batch, input.key, input.value);

    const at::Tensor mixed = pass.workspace.take("mixed", rows, queryWidth);
    attend(input, pass.batch, config, layer, pass.cache, mixed, context);
    at::Tensor out = pass.workspace.take("attention", rows, config.dModel);
    applyLinear(pass, mixed, weights.output, out, context);
    return out;
}

at::Tensor mlpSublayer(const Pass& pass, const BlockWeights& weights, const at::Tensor& normed,
                       const RunContext& context)
{
    const std::int64_t rows = normed.size(0);
    const std::int64_t ff = pass.config.dFf;
    const bool gated = pass.config.architecture == Architecture::Llama;
    at::Tensor raised = pass.workspace.take("raised", rows, gated ? 2 * ff : ff);
    applyLinear(pass, normed, weights.up, raised, context);
    const at::Tensor active = pass.workspace.take("active", rows, ff);
    forRowChunks(pass.batch.rows(), ff, normed.is_cpu(), context, [&](std::int64_t begin, std::int64_t count) {
        const at::Tensor in = raised.narrow(0, begin, count);
        if (gated)
            swiglu(in.narrow(1, 0, ff), in.narrow(1, ff, ff), active.narrow(0, begin, count));
        else
            geluNew(in, active.narrow(0, begin, count));
    });
    at::Tensor out = pass.workspace.take("mlp", rows, pass.config.dModel);
    applyLinear(pass, active, weights.down, out, context);
    return out;
}

// state += change, then out = norm(state), in one sweep over the rows.
void addAndNormalise(const Pass& pass, at::Tensor& state, const at::Tensor& change, const Norm& norm, at::Tensor& out,
                     const RunContext& context)
{
    forRowChunks(pass.batch.rows(), state.size(1), state.is_cpu(), context,
                 [&](std::int64_t begin, std::int64_t count) {
                     at::Tensor rows = state.narrow(0, begin, count);
                     rows.add_(change.narrow(0, begin, count));
                     normalise(rows, norm, out.narrow(0, begin, count));
                 });
}

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
    const std::int64_t rows = pass.batch.rows();
    at::Tensor normed = pass.workspace.take("normed", state.size(0), pass.config.dModel);
    if (pass.taps != nullptr)
        pass.taps->blockInput(layer, state.narrow(0, 0, rows));
    normaliseRows(pass, state, weights.attentionNorm, normed, context);

    const at::Tensor attention = attentionSublayer(pass, weights, layer, normed, context);
    if (pass.taps != nullptr)
        pass.taps->attentionOutput(layer, attention.narrow(0, 0, rows));
    addAndNormalise(pass, state, attention, weights.mlpNorm, normed, context);

    const at::Tensor mlp = mlpSublayer(pass, weights, normed, context);
    if (pass.taps != nullptr)
        pass.taps->mlpOutput(layer, mlp.narrow(0, 0, rows));
    forRowChunks(rows, state.size(1), state.is_cpu(), context, [&](std::int64_t begin, std::int64_t count) {
        state.narrow(0, begin, count).add_(mlp.narrow(0, begin, count));
    });
    if (pass.taps != nullptr)
        pass.taps->blockOutput(layer, state.narrow(0, 0, rows));
}

}
