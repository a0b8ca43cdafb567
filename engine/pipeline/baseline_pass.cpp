#include "engine/pipeline/baseline_pass.h"

#include "engine/base/run_context.h"
#include "engine/model/parallel_tasks.h"
#include "engine/model/torch_guard.h"
#include "engine/model/transformer.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/sum.h>

#include <algorithm>
#include <atomic>
#include <cassert>
#include <cmath>
#include <numeric>
#include <utility>

namespace blockcert::pipeline {

namespace {

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

// A sum carries every infinity and every NaN along. It may overflow by itself, so only a finite one says something.
bool isSurelyFinite(const at::Tensor& rows)
{
    const at::ScalarType wide = rows.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
    return std::isfinite(at::sum(rows, wide).item<double>());
}

std::optional<BadPlace> firstBadRow(const std::string& what, const at::Tensor& rows, const model::RowTree& tree)
{
    constexpr std::int64_t chunkRows = 64;
    if (isSurelyFinite(rows))
        return std::nullopt;
    const std::int64_t count = rows.size(0);
    std::atomic<std::int64_t> first = count;
    model::runTasks((count + chunkRows - 1) / chunkRows, RunContext{}, [&](std::int64_t task) {
        const std::int64_t begin = task * chunkRows;
        const at::Tensor part = rows.narrow(0, begin, std::min(chunkRows, count - begin));
        const at::Tensor good = at::isfinite(part).all(1).cpu();
        const bool* flags = good.const_data_ptr<bool>();
        const std::int64_t bad = std::find(flags, flags + good.numel(), false) - flags;
        std::int64_t known = first;
        while (bad < good.numel() && begin + bad < known && !first.compare_exchange_weak(known, begin + bad)) {
        }
    });
    const std::int64_t row = first;
    if (row == count)
        return std::nullopt;
    for (std::size_t p = 0; p < tree.branches.size(); ++p) {
        const model::Branch& branch = tree.branches[p];
        if (row < branch.begin + branch.count)
            return BadPlace{what, static_cast<std::int64_t>(p), branch.start + row - branch.begin};
    }
    return std::nullopt;
}

}

BaselinePass::BaselinePass(model::Transformer& transformer, std::vector<std::vector<TokenId>> prompts, bool share)
    : m_transformer(transformer)
    , m_prompts(std::move(prompts))
    , m_share(share && transformer.batchInvariant())
    , m_prefixes(model::sharedPrefixes(m_prompts, m_share))
{
    for (const std::vector<TokenId>& prompt : m_prompts)
        m_lengths.push_back(static_cast<std::int64_t>(prompt.size()));
    m_tree = model::treeOf(m_lengths, m_prefixes);
    model::addTo(m_batch, m_past, m_tree);
    std::vector<TokenId> ids;
    for (std::size_t p = 0; p < m_prompts.size(); ++p)
        ids.insert(ids.end(), m_prompts[p].begin() + m_tree.branches[p].start, m_prompts[p].end());
    m_state = transformer.embed(ids, m_batch);
}

void BaselinePass::restore(LayerIndex next, at::Tensor state)
{
    assert(state.sizes() == m_state.sizes());
    m_next = next;
    m_state = std::move(state);
}

void BaselinePass::run(model::Taps* taps, const RunContext& context)
{
    model::ForwardOptions options;
    options.end = m_next.value + 1;
    options.taps = taps;
    options.past = &m_past;
    options.kept = &m_keyValues;
    m_state = m_transformer.forwardFrom(m_next, m_state, m_batch, options, context);
    ++m_next.value;
}

void BaselinePass::step(const RunContext& context)
{
    run(nullptr, context);
}

BlockTrace BaselinePass::tracedStep(const RunContext& context)
{
    return model::guarded([&] {
        BlockTrace trace;
        trace.input = m_state;
        SublayerTaps taps(trace);
        run(&taps, context);
        trace.output = m_state;
        return trace;
    });
}

std::vector<model::Predictions> BaselinePass::predict(const RunContext& context)
{
    std::vector<std::int64_t> all(m_prompts.size());
    std::iota(all.begin(), all.end(), 0);
    const std::vector<model::RowTarget> targets = targetsOf(m_tree, all, m_prompts);
    const model::RowPredictions rows = model::predictRows(m_transformer, m_state, targets, context);
    std::vector<model::Predictions> predictions;
    for (const std::int64_t p : all)
        predictions.push_back(predictionsOf(m_tree, p, m_prompts[static_cast<std::size_t>(p)], targets, rows, nullptr));
    return predictions;
}

at::Tensor rowsOfPrompt(const at::Tensor& rows, const model::RowTree& tree, std::int64_t prompt)
{
    std::vector<at::Tensor> pieces;
    tree.forEachPiece(prompt, [&](std::int64_t, const model::PastPiece& piece) {
        assert(piece.ofThisPass);
        pieces.push_back(rows.narrow(0, piece.begin, piece.count));
    });
    return pieces.size() == 1 ? pieces.front() : at::cat(pieces);
}

BlockTrace traceOfPrompt(const BlockTrace& trace, const model::RowTree& tree, std::int64_t prompt)
{
    return {rowsOfPrompt(trace.input, tree, prompt), rowsOfPrompt(trace.attention, tree, prompt),
            rowsOfPrompt(trace.mlp, tree, prompt), rowsOfPrompt(trace.output, tree, prompt)};
}

std::optional<BadPlace> firstBadPlace(const BlockTrace& trace, const model::RowTree& tree)
{
    return model::guarded([&]() -> std::optional<BadPlace> {
        if (auto bad = firstBadRow("the block's input of the baseline", trace.input, tree))
            return bad;
        if (auto bad = firstBadRow("the attention's output of the baseline", trace.attention, tree))
            return bad;
        if (auto bad = firstBadRow("the MLP's output of the baseline", trace.mlp, tree))
            return bad;
        return firstBadRow("the block's output of the baseline", trace.output, tree);
    });
}

std::optional<BadPlace> firstBadPlace(std::span<const model::Predictions> predictions)
{
    for (std::size_t p = 0; p < predictions.size(); ++p) {
        const auto prompt = static_cast<std::int64_t>(p);
        const model::Predictions& own = predictions[p];
        for (std::size_t i = 0; i < own.topLogit.size(); ++i)
            if (!std::isfinite(own.topLogit[i]))
                return BadPlace{"a logit of the baseline", prompt, static_cast<std::int64_t>(i) / model::topCount};
        for (std::size_t t = 0; t < own.nll.size(); ++t)
            if (!std::isfinite(own.nll[t]))
                return BadPlace{"the loss of the baseline", prompt, static_cast<std::int64_t>(t) + 1};
    }
    return std::nullopt;
}

std::vector<model::RowTarget> targetsOf(const model::RowTree& tree, std::span<const std::int64_t> prompts,
                                        std::span<const std::vector<TokenId>> ids)
{
    std::vector<model::RowTarget> targets;
    for (const std::int64_t prompt : prompts) {
        const std::vector<TokenId>& tokens = ids[static_cast<std::size_t>(prompt)];
        tree.forEachPiece(prompt, [&](std::int64_t position, const model::PastPiece& piece) {
            for (std::int64_t i = 0; piece.ofThisPass && i < piece.count; ++i)
                if (position + i + 1 < static_cast<std::int64_t>(tokens.size()))
                    targets.push_back({piece.begin + i, tokens[static_cast<std::size_t>(position + i + 1)]});
        });
    }
    std::sort(targets.begin(), targets.end());
    targets.erase(std::unique(targets.begin(), targets.end()), targets.end());
    return targets;
}

model::Predictions predictionsOf(const model::RowTree& tree, std::int64_t prompt, const std::vector<TokenId>& ids,
                                 std::span<const model::RowTarget> targets, const model::RowPredictions& own,
                                 const model::Predictions* other)
{
    model::Predictions predictions;
    if (other != nullptr)
        predictions = *other;
    predictions.nll.resize(ids.size() - 1);
    predictions.topId.resize(ids.size() * model::topCount);
    predictions.topLogit.resize(ids.size() * model::topCount);
    tree.forEachPiece(prompt, [&](std::int64_t position, const model::PastPiece& piece) {
        assert(piece.ofThisPass || other != nullptr);
        for (std::int64_t i = 0; piece.ofThisPass && i < piece.count; ++i) {
            const auto token = static_cast<std::size_t>(position + i);
            const auto row = static_cast<std::size_t>(piece.begin + i);
            std::copy_n(own.topId.begin() + static_cast<std::ptrdiff_t>(row * model::topCount), model::topCount,
                        predictions.topId.begin() + static_cast<std::ptrdiff_t>(token * model::topCount));
            std::copy_n(own.topLogit.begin() + static_cast<std::ptrdiff_t>(row * model::topCount), model::topCount,
                        predictions.topLogit.begin() + static_cast<std::ptrdiff_t>(token * model::topCount));
            if (token + 1 == ids.size())
                continue;
            const auto target =
                std::lower_bound(targets.begin(), targets.end(), model::RowTarget{piece.begin + i, ids[token + 1]});
            predictions.nll[token] = own.nll[static_cast<std::size_t>(target - targets.begin())];
        }
    });
    return predictions;
}

}
