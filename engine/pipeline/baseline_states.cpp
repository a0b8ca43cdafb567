#include "engine/pipeline/baseline_states.h"

#include "engine/base/run_context.h"
#include "engine/model/torch_guard.h"
#include "engine/model/transformer.h"

#include <ATen/ops/isfinite.h>

#include <algorithm>
#include <cmath>

namespace blockcert::pipeline {

namespace {

// Keeps the inputs of the wanted blocks.
class InputTaps : public model::Taps {
public:
    InputTaps(std::span<const LayerIndex> wanted, std::vector<at::Tensor>& kept)
        : m_wanted(wanted)
        , m_kept(kept)
    {
    }

    void blockInput(LayerIndex layer, const at::Tensor& tensor) override
    {
        if (std::binary_search(m_wanted.begin(), m_wanted.end(), layer))
            m_kept.push_back(tensor.clone());
    }

private:
    std::span<const LayerIndex> m_wanted;
    std::vector<at::Tensor>& m_kept;
};

class SublayerTaps : public model::Taps {
public:
    explicit SublayerTaps(BlockTrace& trace)
        : m_trace(trace)
    {
    }

    void attentionOutput(LayerIndex, const at::Tensor& tensor) override { m_trace.attention = tensor.clone(); }

    void mlpOutput(LayerIndex, const at::Tensor& tensor) override { m_trace.mlp = tensor.clone(); }

private:
    BlockTrace& m_trace;
};

BadPlace placeOfRow(const std::string& what, std::int64_t row, const model::Batch& batch)
{
    const auto after = std::upper_bound(batch.offset.begin(), batch.offset.end(), row);
    const std::int64_t prompt = after - batch.offset.begin() - 1;
    return {what, prompt, row - batch.begin(prompt)};
}

std::optional<BadPlace> firstBadRow(const std::string& what, const at::Tensor& rows, const model::Batch& batch)
{
    const at::Tensor good = at::isfinite(rows).all(1).cpu();
    const bool* flags = good.const_data_ptr<bool>();
    const bool* bad = std::find(flags, flags + good.numel(), false);
    if (bad == flags + good.numel())
        return std::nullopt;
    return placeOfRow(what, bad - flags, batch);
}

}

BaselineStates::BaselineStates(model::Transformer& transformer, std::span<const std::vector<TokenId>> prompts,
                               std::vector<LayerIndex> wanted, Losses losses, const RunContext& context)
    : m_transformer(transformer)
    , m_batch(model::batchOf(prompts))
    , m_ids(model::joined(prompts))
    , m_wanted(std::move(wanted))
{
    m_state = transformer.embed(m_ids, m_batch);
    if (losses == Losses::Skip)
        return;
    model::guarded([&] {
        InputTaps taps(m_wanted, m_inputs);
        model::ForwardOptions options;
        options.taps = &taps;
        const at::Tensor last = transformer.forwardFrom(LayerIndex{0}, m_state, m_batch, options, context);
        m_predictions = model::predict(transformer, last, m_batch, m_ids, context);
    });
}

BlockTrace BaselineStates::trace(LayerIndex layer, const RunContext& context)
{
    return model::guarded([&] {
        if (!m_inputs.empty()) {
            const auto place = std::lower_bound(m_wanted.begin(), m_wanted.end(), layer) - m_wanted.begin();
            m_state = std::move(m_inputs[static_cast<std::size_t>(place)]);
        } else if (m_next < layer) {
            model::ForwardOptions options;
            options.end = layer.value;
            m_state = m_transformer.forwardFrom(m_next, m_state, m_batch, options, context);
        }
        BlockTrace trace;
        trace.input = m_state;
        SublayerTaps taps(trace);
        model::ForwardOptions options;
        options.end = layer.value + 1;
        options.taps = &taps;
        trace.output = m_transformer.forwardFrom(layer, m_state, m_batch, options, context);
        m_state = trace.output;
        m_next = LayerIndex{layer.value + 1};
        return trace;
    });
}

std::optional<BadPlace> firstBadPlace(const BlockTrace& trace, const model::Predictions& predictions,
                                      const model::Batch& batch)
{
    return model::guarded([&]() -> std::optional<BadPlace> {
        if (auto bad = firstBadRow("the block's input of the baseline", trace.input, batch))
            return bad;
        if (auto bad = firstBadRow("the attention's output of the baseline", trace.attention, batch))
            return bad;
        if (auto bad = firstBadRow("the MLP's output of the baseline", trace.mlp, batch))
            return bad;
        if (auto bad = firstBadRow("the block's output of the baseline", trace.output, batch))
            return bad;
        for (std::size_t i = 0; i < predictions.topLogit.size(); ++i)
            if (!std::isfinite(predictions.topLogit[i]))
                return placeOfRow("a logit of the baseline", static_cast<std::int64_t>(i) / model::topCount, batch);
        std::size_t slot = 0;
        for (std::int64_t prompt = 0; !predictions.nll.empty() && prompt < batch.prompts(); ++prompt)
            for (std::int64_t token = 1; token < batch.count(prompt); ++token)
                if (!std::isfinite(predictions.nll[slot++]))
                    return BadPlace{"the loss of the baseline", prompt, token};
        return std::nullopt;
    });
}

model::Predictions predictionsOf(const model::Predictions& all, const model::Batch& batch, std::int64_t prompt)
{
    model::Predictions part;
    const auto slice = [](const auto& values, std::int64_t begin, std::int64_t end) {
        return std::decay_t<decltype(values)>(values.begin() + begin, values.begin() + end);
    };
    // Every prompt before this one predicts one token fewer than it has rows.
    part.nll = slice(all.nll, batch.begin(prompt) - prompt, batch.begin(prompt + 1) - prompt - 1);
    part.topId = slice(all.topId, batch.begin(prompt) * model::topCount, batch.begin(prompt + 1) * model::topCount);
    part.topLogit =
        slice(all.topLogit, batch.begin(prompt) * model::topCount, batch.begin(prompt + 1) * model::topCount);
    return part;
}

}
