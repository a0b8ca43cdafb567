#include "engine/model/pull_back.h"

#include "engine/base/run_context.h"
#include "engine/model/parallel_tasks.h"

#include <ATen/ops/_softmax.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/rsqrt.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/sub.h>
#include <ATen/ops/tanh.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <numbers>

namespace blockcert::model {
namespace {

constexpr std::int64_t panelWidth = 192; // columns of one task's product
constexpr std::int64_t headRows = 128;   // logits in memory together

at::Tensor wide(const at::Tensor& tensor)
{
    return tensor.defined() ? tensor.to(at::kFloat) : tensor;
}

// Calls work(begin, count) for panels of columns, shared out among the threads; on a GPU for all columns at once.
template <class Work>
void forPanels(std::int64_t columns, const at::Tensor& like, const RunContext& context, Work work)
{
    if (!like.is_cpu()) {
        work(0, columns);
        return;
    }
    runTasks((columns + panelWidth - 1) / panelWidth, context, [&](std::int64_t task) {
        const std::int64_t begin = task * panelWidth;
        work(begin, std::min(panelWidth, columns - begin));
    });
}

// x · weightᵀ + bias, [S, out].
at::Tensor through(const at::Tensor& x, const Linear& layer, const RunContext& context)
{
    at::Tensor y = at::empty({x.size(0), layer.outputs()}, x.options());
    const at::Tensor weight = layer.weight().narrow(1, 0, layer.inputs());
    forPanels(layer.outputs(), x, context, [&](std::int64_t begin, std::int64_t count) {
        const at::Tensor panel = wide(weight.narrow(0, begin, count)).t();
        at::Tensor out = y.narrow(1, begin, count);
        if (layer.bias().defined())
            at::addmm_out(out, wide(layer.bias().narrow(0, begin, count)), x, panel);
        else
            at::mm_out(out, x, panel);
    });
    return y;
}

// The gradient at x of such a product: gradient · weight, [S, in].
at::Tensor backThrough(const at::Tensor& gradient, const Linear& layer, const RunContext& context)
{
    at::Tensor back = at::empty({gradient.size(0), layer.inputs()}, gradient.options());
    forPanels(layer.inputs(), gradient, context, [&](std::int64_t begin, std::int64_t count) {
        at::Tensor out = back.narrow(1, begin, count);
        at::mm_out(out, gradient, wide(layer.weight().narrow(1, begin, count)));
    });
    return back;
}

// RMSNorm or LayerNorm of rows, with what its derivative needs.
struct Normalised {
    at::Tensor unit;  // (x − mean) · scale, or x · scale
    at::Tensor scale; // [S, 1]
    at::Tensor value; // unit · weight (+ bias)
};

at::Tensor rowMean(const at::Tensor& rows)
{
    return rows.mean(at::IntArrayRef{-1}, true);
}

Normalised normalised(const at::Tensor& x, const Norm& norm)
{
    const bool centred = norm.bias.defined();
    const at::Tensor moved = centred ? at::sub(x, rowMean(x)) : x;
    Normalised result;
    result.scale = at::rsqrt(rowMean(at::mul(moved, moved)).add_(norm.epsilon));
    result.unit = at::mul(moved, result.scale);
    result.value = at::mul(result.unit, wide(norm.weight));
    if (centred)
        result.value.add_(wide(norm.bias));
    return result;
}

// ∂ at x from ∂ at the norm's value: scale · (u − unit · mean(u · unit)) with u = ∂ · weight, and for LayerNorm u less
// its mean.
at::Tensor backThrough(const at::Tensor& gradient, const Norm& norm, const Normalised& forward)
{
    const at::Tensor u = at::mul(gradient, wide(norm.weight));
    at::Tensor back = at::sub(u, at::mul(forward.unit, rowMean(at::mul(u, forward.unit))));
    if (norm.bias.defined())
        back.sub_(rowMean(u));
    return back.mul_(forward.scale);
}

// Pairs (i, i + headDim/2) of every head turned by the angle of the token's position, or back: [S, heads · headDim].
at::Tensor turned(const at::Tensor& x, const at::Tensor& cosine, const at::Tensor& sine, std::int64_t heads,
                  bool backwards)
{
    at::Tensor out = at::empty(x.sizes(), x.options());
    rotate(x.contiguous(), wide(cosine), backwards ? wide(sine).neg() : wide(sine), heads, out);
    return out;
}

class BlockPullBack {
public:
    BlockPullBack(const PullBackSetting& setting, const BlockWeights& weights, const RunContext& context)
        : m_setting(setting)
        , m_config(setting.config)
        , m_weights(weights)
        , m_context(context)
    {
    }

    at::Tensor run(const at::Tensor& input, const at::Tensor& gradient)
    {
        const at::Tensor x = wide(input);
        const Normalised first = normalised(x, m_weights.attentionNorm);
        attend(through(first.value, m_weights.queryKeyValue, m_context));
        const at::Tensor middle = through(m_mixed, m_weights.output, m_context).add_(x);
        const at::Tensor atMiddle = pullBackMlp(middle, gradient);
        const at::Tensor atMixed = backThrough(atMiddle, m_weights.output, m_context);
        const at::Tensor atProjected = pullBackAttention(atMixed);
        const at::Tensor atFirst = backThrough(atProjected, m_weights.queryKeyValue, m_context);
        return backThrough(atFirst, m_weights.attentionNorm, first).add_(atMiddle);
    }

private:
    // ---- attention ------------------------------------------------------------------------------------------------

    [[nodiscard]] double scoreScale() const
    {
        const double depth = m_config.scaleAttentionByInverseLayer ? m_setting.layer.value + 1.0 : 1.0;
        return 1.0 / std::sqrt(static_cast<double>(m_config.headDim)) / depth;
    }

    [[nodiscard]] at::Tensor headOf(const at::Tensor& rows, std::int64_t head) const
    {
        return rows.narrow(1, head * m_config.headDim, m_config.headDim);
    }

    [[nodiscard]] at::Tensor attentionWeights(std::int64_t head, std::int64_t keyHead) const
    {
        at::Tensor scores = at::mm(headOf(m_query, head), headOf(m_key, keyHead).t()).mul_(scoreScale());
        const std::int64_t tokens = scores.size(0);
        scores.masked_fill_(m_setting.future.narrow(0, 0, tokens).narrow(1, 0, tokens),
                            -std::numeric_limits<float>::infinity());
        return at::_softmax(scores, -1, false);
    }

    // Calls work(keyHead) for every head of keys, shared out among the threads.
    template <class Work>
    void forKeyHeads(Work work)
    {
        if (!m_query.is_cpu()) {
            for (std::int64_t head = 0; head < m_config.kvHeads; ++head)
                work(head);
            return;
        }
        runTasks(m_config.kvHeads, m_context, work);
    }

    // Query, key and value of all heads, turned where the model turns them, and the values mixed.
    void attend(const at::Tensor& projected)
    {
        const std::int64_t queryWidth = m_config.queryWidth();
        const std::int64_t keyWidth = m_config.keyValueWidth();
        m_query = projected.narrow(1, 0, queryWidth);
        m_key = projected.narrow(1, queryWidth, keyWidth);
        m_value = projected.narrow(1, queryWidth + keyWidth, keyWidth);
        if (m_setting.cosine.defined()) {
            m_query = turned(m_query, m_setting.cosine, m_setting.sine, m_config.heads, false);
            m_key = turned(m_key, m_setting.cosine, m_setting.sine, m_config.kvHeads, false);
        }
        m_mixed = at::empty({projected.size(0), queryWidth}, projected.options());
        const std::int64_t sharing = m_config.heads / m_config.kvHeads;
        forKeyHeads([&](std::int64_t keyHead) {
            for (std::int64_t head = keyHead * sharing; head < (keyHead + 1) * sharing; ++head)
                headOf(m_mixed, head).copy_(at::mm(attentionWeights(head, keyHead), headOf(m_value, keyHead)));
        });
    }

    // From ∂ at the mixed values to ∂ at query, key and value as they were projected.
    at::Tensor pullBackAttention(const at::Tensor& gradient)
    {
        const std::int64_t queryWidth = m_config.queryWidth();
        const std::int64_t keyWidth = m_config.keyValueWidth();
        const std::int64_t tokens = gradient.size(0);
        const at::Tensor back = at::empty({tokens, queryWidth + 2 * keyWidth}, gradient.options());
        const at::Tensor atQuery = back.narrow(1, 0, queryWidth);
        const at::Tensor atKey = back.narrow(1, queryWidth, keyWidth);
        const at::Tensor atValue = back.narrow(1, queryWidth + keyWidth, keyWidth);
        const std::int64_t sharing = m_config.heads / m_config.kvHeads;
        forKeyHeads([&](std::int64_t keyHead) {
            const at::Tensor key = headOf(m_key, keyHead);
            const at::Tensor value = headOf(m_value, keyHead);
            at::Tensor sumKey = at::zeros({tokens, m_config.headDim}, gradient.options());
            at::Tensor sumValue = at::zeros({tokens, m_config.headDim}, gradient.options());
            for (std::int64_t head = keyHead * sharing; head < (keyHead + 1) * sharing; ++head) {
                const at::Tensor weights = attentionWeights(head, keyHead);
                const at::Tensor out = headOf(gradient, head);
                sumValue.add_(at::mm(weights.t(), out));
                at::Tensor atScores = at::mm(out, value.t());
                atScores.sub_(at::mul(atScores, weights).sum(at::IntArrayRef{-1}, true));
                atScores.mul_(weights).mul_(scoreScale());
                headOf(atQuery, head).copy_(at::mm(atScores, key));
                sumKey.add_(at::mm(atScores.t(), headOf(m_query, head)));
            }
            headOf(atKey, keyHead).copy_(sumKey);
            headOf(atValue, keyHead).copy_(sumValue);
        });
        if (m_setting.cosine.defined()) {
            atQuery.copy_(turned(atQuery, m_setting.cosine, m_setting.sine, m_config.heads, true));
            atKey.copy_(turned(atKey, m_setting.cosine, m_setting.sine, m_config.kvHeads, true));
        }
        return back;
    }

    // ---- MLP ------------------------------------------------------------------------------------------------------

    // From ∂ at the block's output to ∂ at the sum of input and attention.
    at::Tensor pullBackMlp(const at::Tensor& middle, const at::Tensor& gradient)
    {
        const Normalised second = normalised(middle, m_weights.mlpNorm);
        const at::Tensor raised = through(second.value, m_weights.up, m_context);
        const at::Tensor atActive = backThrough(gradient, m_weights.down, m_context);
        const at::Tensor atRaised = m_config.architecture == Architecture::Llama ? pullBackSwiglu(raised, atActive)
                                                                                 : pullBackGelu(raised, atActive);
        const at::Tensor atSecond = backThrough(atRaised, m_weights.up, m_context);
        return backThrough(atSecond, m_weights.mlpNorm, second).add_(gradient);
    }

    // silu(gate) · up; gate lies before up.
    [[nodiscard]] at::Tensor pullBackSwiglu(const at::Tensor& raised, const at::Tensor& gradient) const
    {
        const std::int64_t ff = m_config.dFf;
        const at::Tensor gate = raised.narrow(1, 0, ff);
        const at::Tensor up = raised.narrow(1, ff, ff);
        const at::Tensor gated = at::sigmoid(gate);
        const at::Tensor silu = at::mul(gate, gated);
        at::Tensor back = at::empty({raised.size(0), 2 * ff}, raised.options());
        // silu′ = σ + silu · (1 − σ)
        const at::Tensor slope = at::sub(silu, at::mul(silu, gated)).add_(gated);
        back.narrow(1, 0, ff).copy_(slope.mul_(up).mul_(gradient));
        back.narrow(1, ff, ff).copy_(at::mul(silu, gradient));
        return back;
    }

    // 0.5 · x · (1 + tanh(c · (x + 0.044715 · x³))), c = √(2/π)
    [[nodiscard]] static at::Tensor pullBackGelu(const at::Tensor& x, const at::Tensor& gradient)
    {
        const double c = std::sqrt(2.0 * std::numbers::inv_pi);
        const at::Tensor square = at::mul(x, x);
        const at::Tensor bend = at::tanh(at::mul(x, at::mul(square, 0.044715).add_(1.0)).mul_(c));
        const at::Tensor inner = at::mul(square, 3 * 0.044715).add_(1.0).mul_(c); // derivative of tanh's argument
        at::Tensor slope = at::sub(inner, at::mul(inner, at::mul(bend, bend))).mul_(x);
        return slope.add_(bend).add_(1.0).mul_(0.5).mul_(gradient);
    }

    const PullBackSetting& m_setting;
    const TransformerConfig& m_config;
    const BlockWeights& m_weights;
    const RunContext& m_context;
    at::Tensor m_query; // [S, heads · headDim], turned
    at::Tensor m_key;   // [S, kvHeads · headDim], turned
    at::Tensor m_value; // [S, kvHeads · headDim]
    at::Tensor m_mixed; // [S, heads · headDim]
};

}

at::Tensor pullBackBlock(const PullBackSetting& setting, const BlockWeights& weights, const at::Tensor& input,
                         const at::Tensor& gradient, const RunContext& context)
{
    assert(gradient.scalar_type() == at::kFloat && input.sizes() == gradient.sizes());
    return BlockPullBack(setting, weights, context).run(input, gradient);
}

at::Tensor pullBackHead(const Norm& finalNorm, const Linear& head, const at::Tensor& state,
                        std::span<const TokenId> ids, const RunContext& context)
{
    const at::Tensor rows = wide(state);
    at::Tensor gradient = at::zeros(rows.sizes(), rows.options());
    const std::int64_t predicting = rows.size(0) - 1; // the last token predicts nothing that is measured
    for (std::int64_t begin = 0; begin < predicting; begin += headRows) {
        context.step();
        const std::int64_t count = std::min(headRows, predicting - begin);
        const Normalised normed = normalised(rows.narrow(0, begin, count), finalNorm);
        at::Tensor atLogits = at::_softmax(through(normed.value, head, context), -1, false);
        for (std::int64_t row = 0; row < count; ++row)
            atLogits.select(0, row).select(0, ids[static_cast<std::size_t>(begin + row) + 1]).sub_(1.0);
        gradient.narrow(0, begin, count).copy_(backThrough(backThrough(atLogits, head, context), finalNorm, normed));
    }
    return gradient;
}

}
