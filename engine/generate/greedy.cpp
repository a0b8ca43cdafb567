#include "engine/generate/greedy.h"

#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/model/batch.h"
#include "engine/model/kv_cache.h"
#include "engine/model/torch_guard.h"
#include "engine/model/transformer.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/cat.h>

#include <algorithm>
#include <cmath>
#include <string>

namespace blockcert::generate {

using model::Batch;

namespace {

class Decoding {
public:
    Decoding(model::Transformer& transformer, std::span<const std::vector<TokenId>> prompts,
             const GreedyOptions& options, const RunContext& context)
        : m_transformer(transformer)
        , m_prompts(prompts)
        , m_options(options)
        , m_context(context)
        , m_capacity(capacitiesOf(prompts, options.maxNew, transformer.config().context))
        , m_cache(transformer.config(), m_capacity, transformer.dtype(), transformer.device())
        , m_completions(prompts.size())
    {
        m_progress.stage = "generate";
        m_progress.unit = "tokens";
        m_progress.total = static_cast<std::int64_t>(prompts.size()) * options.maxNew;
    }

    std::vector<Completion> run()
    {
        if (m_prompts.empty() || m_options.maxNew <= 0)
            return std::move(m_completions);
        take(readPrompts());
        while (!m_live.empty())
            take(readLastTokens());
        return std::move(m_completions);
    }

private:
    // Logits [prompt, V] of what follows each prompt.
    at::Tensor readPrompts()
    {
        const Batch batch = model::batchOf(m_prompts);
        model::ForwardOptions options;
        options.cache = &m_cache;
        options.taps = m_options.taps;
        const at::Tensor state = m_transformer.forwardFrom(
            LayerIndex{0}, m_transformer.embed(model::joined(m_prompts), batch), batch, options, m_context);
        std::vector<at::Tensor> last;
        for (std::int64_t p = 0; p < batch.prompts(); ++p) {
            m_live.push_back(p);
            last.push_back(state.narrow(0, batch.begin(p + 1) - 1, 1));
        }
        return m_transformer.logits(at::cat(last), true, m_context);
    }

    // The same after one more token of each live prompt.
    at::Tensor readLastTokens()
    {
        Batch batch;
        std::vector<TokenId> ids;
        for (const std::int64_t slot : m_live) {
            const auto index = static_cast<std::size_t>(slot);
            const auto length = m_prompts[index].size() + m_completions[index].ids.size();
            batch.add(1, static_cast<std::int64_t>(length) - 1);
            ids.push_back(m_completions[index].ids.back());
        }
        m_cache.select(m_live);
        model::ForwardOptions options;
        options.cache = &m_cache;
        options.taps = m_options.taps;
        options.decoding = true;
        const at::Tensor state =
            m_transformer.forwardFrom(LayerIndex{0}, m_transformer.embed(ids, batch), batch, options, m_context);
        return m_transformer.logits(state, true, m_context);
    }

    // Appends each live prompt's next token and drops the prompts that have ended.
    void take(const at::Tensor& logits)
    {
        std::vector<std::int64_t> live;
        for (std::size_t row = 0; row < m_live.size(); ++row) {
            const auto index = static_cast<std::size_t>(m_live[row]);
            Completion& completion = m_completions[index];
            const Choice choice = highestLogit(logits.select(0, static_cast<std::int64_t>(row)));
            const bool goesOn =
                extend(completion, choice, m_live[row], m_prompts[index].size(), m_capacity[index], m_options);
            if (goesOn)
                live.push_back(m_live[row]);
            else
                m_progress.done += m_options.maxNew - static_cast<std::int64_t>(completion.ids.size());
        }
        m_progress.done += static_cast<std::int64_t>(m_live.size());
        m_live = std::move(live);
        m_context.step(m_progress);
    }

    model::Transformer& m_transformer;
    std::span<const std::vector<TokenId>> m_prompts;
    const GreedyOptions& m_options;
    const RunContext& m_context;
    std::vector<std::int64_t> m_capacity;
    model::KvCache m_cache;
    std::vector<Completion> m_completions;
    std::vector<std::int64_t> m_live; // prompts that have not ended
    Progress m_progress;
};

}

std::vector<std::int64_t> capacitiesOf(std::span<const std::vector<TokenId>> prompts, std::int64_t maxNew,
                                       std::int64_t context)
{
    std::vector<std::int64_t> capacity;
    for (std::size_t p = 0; p < prompts.size(); ++p) {
        const auto length = static_cast<std::int64_t>(prompts[p].size());
        if (length == 0 || length >= context)
            throw UsageError("prompt " + std::to_string(p) + " has " + std::to_string(length) +
                             " tokens; to be continued it needs at least one and fewer than the context of " +
                             std::to_string(context));
        capacity.push_back(std::min(context, length + maxNew));
    }
    return capacity;
}

bool extend(Completion& completion, const Choice& choice, std::int64_t prompt, std::size_t promptTokens,
            std::int64_t capacity, const GreedyOptions& options)
{
    if (!std::isfinite(choice.margin))
        throw NumericError("The model gives logits that are not finite, so that there is no token " +
                           std::to_string(completion.ids.size()) + " to choose behind prompt " +
                           std::to_string(prompt) + ".");
    completion.ids.push_back(choice.id);
    completion.margin.push_back(choice.margin);
    completion.stopped = std::find(options.stop.begin(), options.stop.end(), choice.id) != options.stop.end();
    const bool goesOn = !completion.stopped && static_cast<std::int64_t>(completion.ids.size()) < options.maxNew &&
                        static_cast<std::int64_t>(promptTokens + completion.ids.size()) < capacity;
    if (options.grown)
        options.grown(prompt, completion, goesOn);
    return goesOn;
}

std::vector<Completion> generateGreedy(model::Transformer& transformer, std::span<const std::vector<TokenId>> prompts,
                                       const GreedyOptions& options, const RunContext& context)
{
    return model::guarded([&] { return Decoding(transformer, prompts, options, context).run(); });
}

}
