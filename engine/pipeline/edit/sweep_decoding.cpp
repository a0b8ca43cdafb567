#include "engine/pipeline/edit/sweep_decoding.h"

#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/model/parallel_tasks.h"
#include "engine/model/torch_guard.h"

#include <ATen/ops/cat.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace blockcert::pipeline {

using generate::Choice;
using generate::Completion;
using model::Batch;

namespace {

// What the logits may take that are in memory together: enough rows for each weight of the head to be used often.
constexpr std::int64_t logitBytes = std::int64_t{32} << 20;
constexpr std::int64_t leastLogitRows = 64;

double largestDistance(const at::Tensor& a, const at::Tensor& b)
{
    const at::Tensor difference = a.to(at::kDouble).sub_(b.to(at::kDouble));
    const double squares = difference.mul_(difference).sum({1}).max().item<double>();
    if (!std::isfinite(squares))
        throw NumericError("The edited model gives a state that is not finite; use smaller strengths.");
    return std::sqrt(squares);
}

}

SweepDecoding::SweepDecoding(model::Transformer& transformer, std::vector<std::vector<TokenId>> prompts,
                             const generate::GreedyOptions& options, const RunContext& context)
    : m_transformer(transformer)
    , m_prompts(std::move(prompts))
    , m_options(options)
    , m_capacity(generate::capacitiesOf(m_prompts, options.maxNew, transformer.config().context))
    , m_batch(model::batchOf(m_prompts))
    , m_baseCache(transformer.config(), m_capacity, transformer.dtype(), transformer.device())
    , m_cache(transformer.config(), m_capacity, transformer.dtype(), transformer.device())
{
    model::guarded([&] { decodeBaseline(context); });
}

bool SweepDecoding::append(std::int64_t prompt, Completion& completion, const Choice& choice) const
{
    const auto index = static_cast<std::size_t>(prompt);
    return generate::extend(completion, choice, prompt, m_prompts[index].size(), m_capacity[index], m_options);
}

std::vector<Choice> SweepDecoding::choose(const at::Tensor& states, const RunContext& context)
{
    std::vector<Choice> choices;
    const auto rowBytes = static_cast<std::int64_t>(m_transformer.config().vocab * sizeof(float));
    const std::int64_t logitRows = std::max(leastLogitRows, logitBytes / rowBytes);
    for (std::int64_t begin = 0; begin < states.size(0); begin += logitRows) {
        const std::int64_t count = std::min(logitRows, states.size(0) - begin);
        const at::Tensor logits = m_transformer.logits(states.narrow(0, begin, count), true, context)
                                      .to(at::Device(at::kCPU), at::kFloat)
                                      .contiguous();
        const std::size_t known = choices.size();
        choices.resize(known + static_cast<std::size_t>(count));
        model::runTasks(count, context, [&](std::int64_t row) {
            choices[known + static_cast<std::size_t>(row)] = generate::highestLogit(logits.select(0, row));
        });
    }
    return choices;
}

void SweepDecoding::decodeBaseline(const RunContext& context)
{
    const auto prompts = static_cast<std::int64_t>(m_prompts.size());
    m_below = m_transformer.embed(model::joined(m_prompts), m_batch);
    m_block = {0};
    model::ForwardOptions options;
    options.cache = &m_baseCache;
    m_finalState = m_transformer.forwardFrom(m_block, m_below, m_batch, options, context);
    m_finalNormed = m_transformer.finalNorm(m_finalState, context);
    m_baseline.assign(m_prompts.size(), {});

    std::vector<std::int64_t> live(m_prompts.size());
    std::iota(live.begin(), live.end(), 0);
    std::vector<at::Tensor> last;
    for (std::int64_t p = 0; p < prompts; ++p)
        last.push_back(m_finalState.narrow(0, m_batch.begin(p + 1) - 1, 1));
    at::Tensor states = at::cat(last);
    Progress progress{"baseline", 0, prompts * m_options.maxNew, {}, {}, "tokens", ""};
    options.decoding = true;
    while (true) {
        const std::vector<Choice> choices = choose(states, context);
        std::vector<std::int64_t> next;
        for (std::size_t row = 0; row < live.size(); ++row)
            if (append(live[row], m_baseline[static_cast<std::size_t>(live[row])], choices[row]))
                next.push_back(live[row]);
        progress.done += static_cast<std::int64_t>(live.size());
        context.step(progress);
        live = std::move(next);
        if (live.empty())
            break;
        Batch batch;
        std::vector<TokenId> fed;
        for (const std::int64_t p : live) {
            const auto index = static_cast<std::size_t>(p);
            batch.add(1, static_cast<std::int64_t>(m_prompts[index].size() + m_baseline[index].ids.size()) - 1);
            fed.push_back(m_baseline[index].ids.back());
        }
        m_baseCache.select(live);
        states = m_transformer.forwardFrom({0}, m_transformer.embed(fed, batch), batch, options, context);
    }
    m_baseDrafts = draftsAtTheBottom();
}

std::vector<SweepDecoding::Draft> SweepDecoding::draftsAtTheBottom() const
{
    std::vector<Draft> drafts;
    for (std::size_t p = 0; p < m_prompts.size(); ++p) {
        const std::vector<TokenId>& ids = m_baseline[p].ids;
        Draft draft{ids, {}};
        if (ids.size() > 1) {
            Batch batch;
            const std::vector<TokenId> fed(ids.begin(), ids.end() - 1);
            batch.add(static_cast<std::int64_t>(fed.size()), static_cast<std::int64_t>(m_prompts[p].size()));
            draft.below = m_transformer.embed(fed, batch);
        }
        drafts.push_back(std::move(draft));
    }
    return drafts;
}

void SweepDecoding::enter(LayerIndex block, const RunContext& context)
{
    model::guarded([&] {
        // What is known about the block entered before is given up only when all of this one is there.
        const bool down = block < m_block;
        const LayerIndex from = down ? LayerIndex{0} : m_block;
        at::Tensor below = down ? m_transformer.embed(model::joined(m_prompts), m_batch) : m_below;
        std::vector<Draft> drafts = down ? draftsAtTheBottom() : m_baseDrafts;
        if (block > from) {
            model::ForwardOptions options;
            options.end = block.value;
            below = m_transformer.forwardFrom(from, below, m_batch, options, context);
            // The completions' states, as decoding made them.
            options.cache = &m_baseCache;
            options.decoding = true;
            Batch batch;
            std::vector<std::int64_t> slots;
            std::vector<at::Tensor> states;
            for (std::size_t p = 0; p < m_prompts.size(); ++p) {
                if (!drafts[p].below.defined())
                    continue;
                slots.push_back(static_cast<std::int64_t>(p));
                states.push_back(drafts[p].below);
                batch.add(states.back().size(0), static_cast<std::int64_t>(m_prompts[p].size()));
            }
            if (!slots.empty()) {
                m_baseCache.select(slots);
                const at::Tensor all = m_transformer.forwardFrom(from, at::cat(states), batch, options, context);
                for (std::size_t i = 0; i < slots.size(); ++i)
                    drafts[static_cast<std::size_t>(slots[i])].below =
                        all.narrow(0, batch.begin(static_cast<std::int64_t>(i)),
                                   batch.count(static_cast<std::int64_t>(i)))
                            .clone();
            }
        }
        m_below = std::move(below);
        m_baseDrafts = std::move(drafts);
        m_block = block;
        restart();
    });
}

void SweepDecoding::restart()
{
    m_cache.copyFrom(m_baseCache);
    m_drafts = m_baseDrafts;
    m_whole = true;
}

SweptEdit SweepDecoding::run(model::Taps& taps, const RunContext& context)
{
    return model::guarded([&] {
        if (!m_whole)
            restart();
        m_whole = false;
        SweptEdit swept;
        swept.completions.assign(m_prompts.size(), {});
        m_newBelow.assign(m_prompts.size(), {});
        m_takenOver.assign(m_prompts.size(), 0);

        std::vector<std::int64_t> all(m_prompts.size());
        std::iota(all.begin(), all.end(), 0);
        m_cache.select(all);
        model::ForwardOptions options;
        options.cache = &m_cache;
        options.taps = &taps;
        const at::Tensor state = m_transformer.forwardFrom(m_block, m_below, m_batch, options, context);
        swept.finalPre = largestDistance(state, m_finalState);
        swept.finalPost = largestDistance(m_transformer.finalNorm(state, context), m_finalNormed);
        std::vector<at::Tensor> last;
        for (const std::int64_t p : all)
            last.push_back(state.narrow(0, m_batch.begin(p + 1) - 1, 1));
        const std::vector<Choice> choices = choose(at::cat(last), context);

        std::vector<std::int64_t> agreeing; // the first token is the draft's, and more of it is to be checked
        std::vector<std::int64_t> live;
        for (const std::int64_t p : all) {
            const auto index = static_cast<std::size_t>(p);
            const Draft& draft = m_drafts[index];
            ++swept.drafted;
            const bool same = choices[index].id == draft.ids.front();
            swept.accepted += same ? 1 : 0;
            if (!append(p, swept.completions[index], choices[index]))
                continue;
            if (same && draft.below.defined())
                agreeing.push_back(p);
            else
                live.push_back(p);
        }
        check(taps, std::move(agreeing), swept, live, context);
        goOn(taps, std::move(live), swept, context);

        for (std::size_t p = 0; p < m_prompts.size(); ++p) {
            std::vector<at::Tensor> below;
            if (m_takenOver[p] > 0)
                below.push_back(m_drafts[p].below.narrow(0, 0, m_takenOver[p]));
            below.insert(below.end(), m_newBelow[p].begin(), m_newBelow[p].end());
            Draft next{swept.completions[p].ids, {}};
            if (!below.empty())
                next.below = at::cat(below);
            m_drafts[p] = std::move(next);
        }
        m_whole = true;
        return swept;
    });
}

// One pass over all tokens of the drafts: each gives the token that follows it, which is taken as long as the draft
// says the same; the first that differs is taken, too.
void SweepDecoding::check(model::Taps& taps, std::vector<std::int64_t> prompts, SweptEdit& swept,
                          std::vector<std::int64_t>& live, const RunContext& context)
{
    if (prompts.empty())
        return;
    Batch batch;
    std::vector<at::Tensor> states;
    for (const std::int64_t p : prompts) {
        const auto index = static_cast<std::size_t>(p);
        states.push_back(m_drafts[index].below);
        batch.add(states.back().size(0), static_cast<std::int64_t>(m_prompts[index].size()));
    }
    m_cache.select(prompts);
    model::ForwardOptions options;
    options.cache = &m_cache;
    options.taps = &taps;
    options.decoding = true;
    const at::Tensor state = m_transformer.forwardFrom(m_block, at::cat(states), batch, options, context);
    const std::vector<Choice> choices = choose(state, context);
    for (std::size_t i = 0; i < prompts.size(); ++i) {
        const auto index = static_cast<std::size_t>(prompts[i]);
        const Draft& draft = m_drafts[index];
        Completion& completion = swept.completions[index];
        const std::int64_t begin = batch.begin(static_cast<std::int64_t>(i));
        bool goesOn = true;
        for (std::int64_t k = 0; k < batch.count(static_cast<std::int64_t>(i)); ++k) {
            const auto row = static_cast<std::size_t>(begin + k);
            m_takenOver[index] = k + 1; // token k was fed and is the draft's
            ++swept.drafted;
            goesOn = append(prompts[i], completion, choices[row]);
            const bool same = choices[row].id == draft.ids[static_cast<std::size_t>(k) + 1];
            swept.accepted += same ? 1 : 0;
            if (!same || !goesOn)
                break;
        }
        if (goesOn)
            live.push_back(prompts[i]);
    }
}

// Token by token where no draft is left: through the blocks below without the edit, then through the others with it.
void SweepDecoding::goOn(model::Taps& taps, std::vector<std::int64_t> live, SweptEdit& swept, const RunContext& context)
{
    model::ForwardOptions below;
    below.end = m_block.value;
    below.cache = &m_cache;
    below.decoding = true;
    model::ForwardOptions above = below;
    above.end = -1;
    above.taps = &taps;
    while (!live.empty()) {
        context.step();
        Batch batch;
        std::vector<TokenId> fed;
        for (const std::int64_t prompt : live) {
            const auto index = static_cast<std::size_t>(prompt);
            const Completion& completion = swept.completions[index];
            batch.add(1, static_cast<std::int64_t>(m_prompts[index].size() + completion.ids.size()) - 1);
            fed.push_back(completion.ids.back());
        }
        m_cache.select(live);
        const at::Tensor states =
            m_transformer.forwardFrom({0}, m_transformer.embed(fed, batch), batch, below, context);
        for (std::size_t i = 0; i < live.size(); ++i)
            m_newBelow[static_cast<std::size_t>(live[i])].push_back(states.narrow(0, static_cast<std::int64_t>(i), 1));
        const std::vector<Choice> choices =
            choose(m_transformer.forwardFrom(m_block, states, batch, above, context), context);
        std::vector<std::int64_t> next;
        for (std::size_t i = 0; i < live.size(); ++i)
            if (append(live[i], swept.completions[static_cast<std::size_t>(live[i])], choices[i]))
                next.push_back(live[i]);
        live = std::move(next);
    }
}

}
