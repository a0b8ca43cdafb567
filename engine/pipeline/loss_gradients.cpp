#include "engine/pipeline/loss_gradients.h"

#include "engine/base/run_context.h"
#include "engine/model/transformer.h"
#include "engine/model/weights.h"
#include "engine/pipeline/baseline_pass.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace blockcert::pipeline {

namespace {

// A row back through a block, and through the head there and back, as so many rows forward through a block.
constexpr std::int64_t backwardWeight = 3;

class GradientPass {
public:
    GradientPass(model::Transformer& transformer, const std::vector<std::vector<TokenId>>& prompts,
                 std::span<const LayerIndex> blocks, bool share, const RunContext& context)
        : m_transformer(transformer)
        , m_prompts(prompts)
        , m_blocks(blocks)
        , m_context(context)
        , m_layers(transformer.config().layers)
        , m_baseline(transformer, prompts, share)
    {
        const TransformerConfig& config = transformer.config();
        const std::int64_t block = model::countParameters(config).block;
        m_headWeight = std::max<std::int64_t>(1, backwardWeight * config.vocab * config.dModel / block);
        for (const std::vector<TokenId>& prompt : prompts)
            m_tokens += static_cast<std::int64_t>(prompt.size());
        m_progress.stage = "gradient";
        m_progress.unit = "rows";
        m_progress.total =
            m_tokens * (m_layers + m_headWeight + backwardWeight * (m_layers - 1 - blocks.front().value));
    }

    std::optional<BadPlace> forward()
    {
        report(0);
        m_states.resize(static_cast<std::size_t>(m_layers));
        while (m_baseline.next().value < m_layers) {
            const LayerIndex layer = m_baseline.next();
            if (m_blocks.front() < layer)
                m_states[static_cast<std::size_t>(layer.value)] = m_baseline.state();
            m_baseline.step(m_context);
            m_result.forwardRows += m_baseline.tree().rows;
            report(m_tokens);
        }
        const std::vector<model::Predictions> predictions = m_baseline.predict(m_context);
        for (const model::Predictions& prompt : predictions)
            m_result.lossBase.push_back(prompt.nll);
        return firstBadPlace(predictions);
    }

    LossGradients backward()
    {
        std::vector<at::Tensor> gradients;
        for (std::size_t p = 0; p < m_prompts.size(); ++p) {
            gradients.push_back(m_transformer.lossGradient(rowsOf(m_baseline.state(), p), m_prompts[p], m_context));
            m_result.headRows += gradients.back().size(0);
            report(m_headWeight * gradients.back().size(0));
        }
        for (LayerIndex layer{m_layers - 1};; --layer.value) {
            if (std::binary_search(m_blocks.begin(), m_blocks.end(), layer))
                m_result.atOutput[layer] = gradients;
            if (layer == m_blocks.front())
                return std::move(m_result);
            m_transformer.prefetch(layer);
            at::Tensor& state = m_states[static_cast<std::size_t>(layer.value)];
            for (std::size_t p = 0; p < m_prompts.size(); ++p) {
                gradients[p] = m_transformer.pullBack(layer, rowsOf(state, p), gradients[p], m_context);
                m_result.backwardRows += gradients[p].size(0);
                report(backwardWeight * gradients[p].size(0));
            }
            state = at::Tensor();
            m_transformer.release(layer);
        }
    }

private:
    [[nodiscard]] at::Tensor rowsOf(const at::Tensor& rows, std::size_t prompt) const
    {
        return rowsOfPrompt(rows, m_baseline.tree(), static_cast<std::int64_t>(prompt));
    }

    void report(std::int64_t rows)
    {
        m_progress.done += rows;
        m_context.step(m_progress);
    }

    model::Transformer& m_transformer;
    const std::vector<std::vector<TokenId>>& m_prompts;
    std::span<const LayerIndex> m_blocks;
    const RunContext& m_context;
    std::int32_t m_layers;
    std::int64_t m_headWeight = 1;
    std::int64_t m_tokens = 0;
    BaselinePass m_baseline;
    std::vector<at::Tensor> m_states; // [L] input of each block behind the first one that is asked for
    Progress m_progress;
    LossGradients m_result;
};

}

std::optional<LossGradients> lossGradients(model::Transformer& transformer,
                                           const std::vector<std::vector<TokenId>>& prompts,
                                           std::span<const LayerIndex> blocks, bool share, std::optional<BadPlace>& bad,
                                           const RunContext& context)
{
    assert(!blocks.empty() && std::is_sorted(blocks.begin(), blocks.end()));
    GradientPass pass(transformer, prompts, blocks, share, context);
    bad = pass.forward();
    if (bad)
        return std::nullopt;
    return pass.backward();
}

}
