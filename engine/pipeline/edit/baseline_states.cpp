#include "engine/pipeline/edit/baseline_states.h"

#include "engine/base/run_context.h"
#include "engine/model/torch_guard.h"
#include "engine/pipeline/stitch_divergence.h"

#include <ATen/ops/empty.h>

#include <algorithm>

namespace blockcert::pipeline {

namespace {

// The sublayers' outputs of the one block that runs.
class SublayerTaps : public model::Taps {
public:
    explicit SublayerTaps(BaselineStates::Sublayers& into)
        : m_into(into)
    {
    }

    void blockInput(LayerIndex, const at::Tensor& rows) override { m_into.middle = rows.clone(); }

    void attentionOutput(LayerIndex, const at::Tensor& rows) override { m_into.middle.add_(rows); }

    void mlpOutput(LayerIndex, const at::Tensor& rows) override { m_into.mlp = rows.clone(); }

private:
    BaselineStates::Sublayers& m_into;
};

std::int64_t bytesOf(const at::Tensor& tensor)
{
    return tensor.defined() ? tensor.numel() * tensor.element_size() : 0;
}

}

BaselineStates::BaselineStates(model::Transformer& transformer, const std::vector<std::vector<TokenId>>& prompts)
    : m_transformer(transformer)
    , m_batch(model::batchOf(prompts))
    , m_ids(model::joined(prompts))
{
    m_states.emplace(LayerIndex{0}, transformer.embed(m_ids, m_batch));
}

void BaselineStates::keep(std::int64_t bytes, const RunContext& context)
{
    model::guarded([&] {
        const std::int32_t layers = m_transformer.config().layers;
        at::Tensor state = m_states.at(LayerIndex{0});
        m_quarter = bytes / 4;
        const std::int64_t states =
            std::clamp<std::int64_t>(2 * m_quarter / std::max<std::int64_t>(1, bytesOf(state)) - 1, 1, layers);
        const auto stride = static_cast<std::int32_t>((layers + states - 1) / states);
        Progress progress{"prepare", 0, layers, {}, {}, "blocks", ""};
        context.step(progress);
        for (std::int32_t layer = 0; layer < layers; ++layer) {
            model::ForwardOptions options;
            options.end = layer + 1;
            state = m_transformer.forwardFrom(LayerIndex{layer}, state, m_batch, options, context);
            if ((layer + 1) % stride == 0 || layer + 1 == layers)
                m_states.insert_or_assign(LayerIndex{layer + 1}, state);
            progress.done = layer + 1;
            progress.block = layer;
            context.step(progress);
        }
    });
}

const at::Tensor* BaselineStates::kept(LayerIndex layer) const
{
    const auto found = m_states.find(layer);
    return found == m_states.end() ? nullptr : &found->second;
}

at::Tensor BaselineStates::before(LayerIndex layer, const RunContext& context)
{
    const auto& [nearest, state] = *std::prev(m_states.upper_bound(layer));
    if (nearest == layer)
        return state;
    model::ForwardOptions options;
    options.end = layer.value;
    return m_transformer.forwardFrom(nearest, state, m_batch, options, context);
}

const BaselineStates::Sublayers& BaselineStates::sublayers(LayerIndex block, const RunContext& context)
{
    if (const auto found = m_sublayers.find(block); found != m_sublayers.end())
        return found->second;
    return model::guarded([&]() -> const Sublayers& {
        Sublayers sublayers;
        SublayerTaps taps(sublayers);
        model::ForwardOptions options;
        options.end = block.value + 1;
        options.taps = &taps;
        (void)m_transformer.forwardFrom(block, before(block, context), m_batch, options, context);
        std::int64_t sum = bytesOf(sublayers.middle) + bytesOf(sublayers.mlp);
        for (const auto& [other, kept] : m_sublayers)
            sum += bytesOf(kept.middle) + bytesOf(kept.mlp);
        if (sum > m_quarter)
            m_sublayers.clear();
        return m_sublayers.emplace(block, std::move(sublayers)).first->second;
    });
}

const BaselineStates::Known& BaselineStates::predictions(const at::Tensor& end, const RunContext& context)
{
    if (m_known)
        return *m_known;
    return model::guarded([&]() -> const Known& {
        Known known;
        const std::int64_t rows = m_batch.rows();
        const std::int64_t vocabulary = m_transformer.config().vocab;
        model::LogitsSeen seen;
        if (rows * vocabulary * 4 <= m_quarter) {
            known.logits = at::empty({rows, vocabulary}, at::kFloat);
            known.logSumExp.resize(static_cast<std::size_t>(rows));
            auto* values = known.logits.mutable_data_ptr<float>();
            seen = [&known, values, vocabulary](std::int64_t row, std::span<const float> logits) {
                std::copy(logits.begin(), logits.end(), values + row * vocabulary);
                known.logSumExp[static_cast<std::size_t>(row)] = logSumExp(logits);
            };
        }
        known.predictions = model::predict(m_transformer, end, m_batch, m_ids, context, seen);
        context.step(Progress{"predict", rows, rows, {}, {}, "tokens", ""});
        m_known = std::move(known);
        return *m_known;
    });
}

std::int64_t BaselineStates::bytes() const
{
    std::int64_t sum = m_known ? bytesOf(m_known->logits) : 0;
    for (const auto& [layer, state] : m_states)
        sum += bytesOf(state);
    for (const auto& [block, sublayers] : m_sublayers)
        sum += bytesOf(sublayers.middle) + bytesOf(sublayers.mlp);
    return sum;
}

}
