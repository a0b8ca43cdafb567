#include "engine/pipeline/edit/edit_lab.h"

#include "engine/base/run_context.h"
#include "engine/model/device.h"
#include "engine/pipeline/edit/edit_source.h"

#include <algorithm>

namespace blockcert::pipeline {

namespace {

constexpr std::int64_t mostStateBytes = std::int64_t{1} << 30U;
constexpr std::int64_t mostCacheBytes = std::int64_t{2} << 30U;
constexpr std::int64_t mostProgramBytes = std::int64_t{256} << 20U;

}

EditLab& EditLab::of(ModelCache::State& state, model::Transformer& transformer)
{
    if (auto* kept = dynamic_cast<EditLab*>(state.kept().get()))
        return *kept;
    auto made = std::make_unique<EditLab>(transformer);
    EditLab& lab = *made;
    state.kept() = std::move(made);
    return lab;
}

EditLab::EditLab(model::Transformer& transformer)
    : m_transformer(transformer)
    , m_available(model::memoryNow().availableBytes)
{
}

BaselineStates& EditLab::states(const Prompts& prompts, const RunContext& context)
{
    const auto found =
        std::find_if(m_states.begin(), m_states.end(), [&](const auto& set) { return set.first == prompts; });
    if (found != m_states.end()) {
        m_states.splice(m_states.begin(), m_states, found);
        return *m_states.front().second;
    }
    // A set takes at most half: the prompts and the held-out ones are needed together.
    const std::int64_t budget = m_available > 0 ? std::min(mostStateBytes, m_available / 4) : mostStateBytes;
    auto made = std::make_unique<BaselineStates>(m_transformer, prompts);
    made->keep(budget / 2, context);
    m_states.emplace_front(prompts, std::move(made));
    std::int64_t sum = 0;
    std::size_t sets = 0;
    for (auto set = m_states.begin(); set != m_states.end();) {
        sum += set->second->bytes();
        set = ++sets > 2 && sum > budget ? m_states.erase(set) : std::next(set);
    }
    return *m_states.front().second;
}

std::int64_t EditLab::cacheBytes(const Prompts& prompts, std::int64_t maxNew) const
{
    const TransformerConfig& config = m_transformer.config();
    std::int64_t positions = 0;
    for (const std::vector<TokenId>& prompt : prompts)
        positions += std::min<std::int64_t>(config.context, static_cast<std::int64_t>(prompt.size()) + maxNew);
    // Keys and values, in two caches.
    return 4 * positions * config.layers * config.keyValueWidth() * storageBlock(m_transformer.dtype()).bytes;
}

EditLab::Completions& EditLab::completions(const Prompts& prompts, const generate::GreedyOptions& options,
                                           const RunContext& context)
{
    const auto found = std::find_if(m_completions.begin(), m_completions.end(), [&](const Completions& known) {
        return known.prompts == prompts && known.options.maxNew == options.maxNew && known.options.stop == options.stop;
    });
    if (found != m_completions.end()) {
        m_completions.splice(m_completions.begin(), m_completions, found);
        return m_completions.front();
    }
    const std::int64_t budget = m_available > 0 ? std::min(mostCacheBytes, m_available / 4) : mostCacheBytes;
    const RunContext quiet = context.reportingTo({});
    std::list<Completions> made(1);
    Completions& own = made.front();
    own.prompts = prompts;
    own.options = options;
    own.options.grown = {};
    if (!prompts.empty()) {
        if (cacheBytes(prompts, options.maxNew) <= budget) {
            own.decoding.emplace(m_transformer, prompts, options, quiet);
            own.before = own.decoding->baseline();
        } else {
            own.before = generate::generateGreedy(m_transformer, prompts, options, quiet);
        }
    }
    m_completions.splice(m_completions.begin(), made);
    std::int64_t sum = 0;
    for (auto known = m_completions.begin(); known != m_completions.end();) {
        sum += known->decoding ? cacheBytes(known->prompts, known->options.maxNew) : 0;
        known = sum > budget ? m_completions.erase(known) : std::next(known);
    }
    return m_completions.front();
}

std::vector<generate::Completion> EditLab::edited(Completions& completions, EditSession& session, const Grown& grown,
                                                  const RunContext& context)
{
    if (completions.prompts.empty() || session.first().value >= m_transformer.config().layers)
        return completions.before;
    const RunContext quiet = context.reportingTo({});
    if (!completions.decoding) {
        generate::GreedyOptions options = completions.options;
        options.taps = session.taps();
        options.grown = grown;
        return generate::generateGreedy(m_transformer, completions.prompts, options, quiet);
    }
    if (completions.entered != session.first()) {
        completions.entered.reset();
        completions.decoding->enter(session.first(), quiet);
        completions.entered = session.first();
    }
    completions.decoding->watch(grown);
    std::vector<generate::Completion> after = completions.decoding->run(*session.taps(), quiet).completions;
    completions.decoding->watch({});
    return after;
}

const std::map<LayerIndex, ir::BlockIr>& EditLab::blocks(const artifact::Checkpoint& checkpoint,
                                                         const std::vector<LayerIndex>& wanted,
                                                         const RunContext& context)
{
    std::vector<LayerIndex> missing;
    for (const LayerIndex block : wanted)
        if (!m_blocks.contains(block))
            missing.push_back(block);
    if (missing.empty())
        return m_blocks;
    for (auto& [layer, block] : modelBlocks(checkpoint, missing, m_transformer.dtype(), context))
        m_blocks.insert_or_assign(layer, std::move(block));
    return m_blocks;
}

void EditLab::dropLargePrograms()
{
    std::int64_t bytes = 0;
    for (const auto& [layer, block] : m_blocks)
        for (const auto& [role, weight] : block.weights)
            bytes += static_cast<std::int64_t>(weight.bytes.size());
    if (bytes > mostProgramBytes)
        m_blocks.clear();
}

}
