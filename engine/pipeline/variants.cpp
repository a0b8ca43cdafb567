#include "engine/pipeline/variants.h"

#include "engine/base/run_context.h"
#include "engine/model/torch_guard.h"
#include "engine/model/transformer.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/index_select.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

namespace blockcert::pipeline {

namespace {

// Variants are taken through a block together up to this many rows: a small set of prompts would otherwise spend its
// time on padding.
constexpr std::int64_t togetherRows = 1024;

// Rows of a row-major tensor in ordinary memory, compared bit for bit.
class RowBits {
public:
    explicit RowBits(const at::Tensor& rows)
        : m_rows(rows.contiguous())
        , m_bytes(static_cast<const std::byte*>(m_rows.const_data_ptr()))
        , m_size(static_cast<std::size_t>(m_rows.size(1)) * m_rows.element_size())
    {
        assert(m_rows.is_cpu());
    }

    [[nodiscard]] bool equal(std::int64_t row, const RowBits& other, std::int64_t otherRow) const
    {
        return std::memcmp(m_bytes + static_cast<std::size_t>(row) * m_size,
                           other.m_bytes + static_cast<std::size_t>(otherRow) * m_size, m_size) == 0;
    }

private:
    at::Tensor m_rows;
    const std::byte* m_bytes;
    std::size_t m_size;
};

}

void Variants::add(LayerIndex block, std::vector<std::int64_t> prompts, const std::vector<at::Tensor>& outputs)
{
    model::guarded([&] {
        const std::vector<std::int64_t>& lengths = m_baseline.lengths();
        std::vector<std::int64_t> differs = lengths; // prompts that are not asked for have no rows
        std::vector<model::SharedPrefix> prefixes(lengths.size());
        std::vector<std::int64_t> slot(lengths.size(), -1); // where a prompt's output is
        for (std::size_t i = 0; i < prompts.size(); ++i)
            slot[static_cast<std::size_t>(prompts[i])] = static_cast<std::int64_t>(i);
        std::vector<RowBits> bits;
        for (std::size_t i = 0; m_baseline.isShared() && i < prompts.size(); ++i)
            bits.emplace_back(outputs[i]);
        for (std::size_t i = 0; i < prompts.size(); ++i) {
            const auto prompt = static_cast<std::size_t>(prompts[i]);
            differs[prompt] = 0;
            if (!m_baseline.isShared())
                continue;
            const RowBits base(rowsOfPrompt(m_baseline.state(), m_baseline.tree(), prompts[i]));
            while (differs[prompt] < lengths[prompt] && bits[i].equal(differs[prompt], base, differs[prompt]))
                ++differs[prompt];
            const model::SharedPrefix& asIds = m_baseline.prefixes()[prompt];
            const std::int64_t there = slot[static_cast<std::size_t>(asIds.prompt)];
            if (asIds.shared == 0 || there < 0)
                continue;
            std::int64_t shared = 0;
            while (shared < asIds.shared && bits[i].equal(shared, bits[static_cast<std::size_t>(there)], shared))
                ++shared;
            prefixes[prompt] = {asIds.prompt, shared};
        }
        Variant variant{block, std::move(prompts), {}, {}};
        variant.tree = model::differingTree(m_baseline.tree(), lengths, prefixes, differs);
        variant.rows = at::empty({variant.tree.rows, m_baseline.state().size(1)}, m_baseline.state().options());
        for (std::size_t i = 0; i < variant.prompts.size(); ++i) {
            const model::Branch& branch = variant.tree.branches[static_cast<std::size_t>(variant.prompts[i])];
            if (branch.count > 0)
                variant.rows.narrow(0, branch.begin, branch.count)
                    .copy_(outputs[i].narrow(0, branch.start, branch.count));
        }
        m_variants.push_back(std::move(variant));
    });
}

std::int64_t Variants::tokensOf(const Variant& variant) const
{
    std::int64_t tokens = 0;
    for (const std::int64_t prompt : variant.prompts)
        tokens += m_baseline.lengths()[static_cast<std::size_t>(prompt)];
    return tokens;
}

void Variants::advance(const RunContext& context, const std::function<void(std::int64_t)>& done)
{
    model::guarded([&] {
        for (std::size_t first = 0; first < m_variants.size();) {
            std::int64_t rows = 0;
            std::int64_t tokens = 0;
            std::size_t end = first;
            while (end < m_variants.size() && (end == first || rows + m_variants[end].tree.rows <= togetherRows)) {
                rows += m_variants[end].tree.rows;
                tokens += tokensOf(m_variants[end]);
                ++end;
            }
            if (rows > 0)
                advanceTogether(first, end, context);
            m_blockRows.computed += rows;
            m_blockRows.skipped += tokens - rows;
            done(tokens);
            first = end;
        }
    });
}

void Variants::advanceTogether(std::size_t first, std::size_t end, const RunContext& context)
{
    model::Batch batch;
    model::Past past;
    past.other = m_baseline.keyValues();
    std::vector<at::Tensor> states;
    for (std::size_t i = first; i < end; ++i) {
        model::addTo(batch, past, m_variants[i].tree);
        states.push_back(m_variants[i].rows);
    }
    model::ForwardOptions options;
    options.end = m_baseline.next().value;
    options.past = &past;
    const at::Tensor advanced = m_transformer.forwardFrom(
        LayerIndex{options.end - 1}, states.size() == 1 ? states[0] : at::cat(states), batch, options, context);
    std::int64_t row = 0;
    for (std::size_t i = first; i < end; ++i) {
        Variant& variant = m_variants[i];
        const std::int64_t count = variant.tree.rows;
        variant.rows.copy_(advanced.narrow(0, row, count));
        row += count;
        if (m_baseline.isShared() && count > 0)
            dropSameRows(variant);
    }
}

void Variants::dropSameRows(Variant& variant)
{
    const RowBits own(variant.rows);
    const RowBits base(m_baseline.state());
    std::vector<std::int64_t> kept;
    model::RowTree tree = model::withoutSameRows(
        variant.tree, m_baseline.tree(),
        [&](std::int64_t row, std::int64_t baseRow) { return own.equal(row, base, baseRow); }, kept);
    if (tree.rows == variant.tree.rows)
        return;
    const at::Tensor index =
        at::from_blob(kept.data(), {static_cast<std::int64_t>(kept.size())}, at::TensorOptions().dtype(at::kLong));
    variant.rows = at::index_select(variant.rows, 0, index);
    variant.tree = std::move(tree);
}

std::vector<model::Predictions> Variants::predict(const Variant& variant, const std::vector<model::Predictions>& base,
                                                  const RunContext& context)
{
    return model::guarded([&] {
        const std::vector<model::RowTarget> targets = targetsOf(variant.tree, variant.prompts, m_baseline.prompts());
        model::RowPredictions rows;
        if (variant.tree.rows > 0)
            rows = model::predictRows(m_transformer, variant.rows, targets, context);
        m_headRows.computed += variant.tree.rows;
        m_headRows.skipped += tokensOf(variant) - variant.tree.rows;
        std::vector<model::Predictions> predictions;
        for (const std::int64_t prompt : variant.prompts) {
            const auto index = static_cast<std::size_t>(prompt);
            predictions.push_back(
                predictionsOf(variant.tree, prompt, m_baseline.prompts()[index], targets, rows, &base[index]));
        }
        return predictions;
    });
}

}
