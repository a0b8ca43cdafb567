// The wave: models with one block replaced each, carried together through the baseline's blocks, so that exact losses
// of all of them need every weight once.
#pragma once

#include "engine/model/predictions.h"
#include "engine/model/row_tree.h"
#include "engine/pipeline/baseline_pass.h"
#include "engine/values/ids.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <vector>

namespace blockcert {
class RunContext;
}

namespace blockcert::pipeline {

// The model whose block `block` is a surrogate, between two blocks of the baseline.
struct Variant {
    LayerIndex block;
    std::vector<std::int64_t> prompts; // those of the pass it is about, ascending
    model::RowTree tree;               // rows it has for itself; the others are the baseline's, bit for bit
    at::Tensor rows;                   // [tree.rows, d]
};

// One token through one block, or through the head.
struct RowCount {
    std::int64_t computed = 0;
    std::int64_t skipped = 0; // known without computing: equal to the baseline's, or shared by prompts

    friend bool operator==(const RowCount&, const RowCount&) = default;
};

// Rows that are bit-equal to the baseline's and have only such rows before them are not carried, and beginnings that
// prompts share are carried once, if the pass shares rows; bits do not depend on it.
class Variants {
public:
    Variants(model::Transformer& transformer, const BaselinePass& baseline)
        : m_transformer(transformer)
        , m_baseline(baseline)
    {
    }

    // After the baseline's pass through `block`: the surrogate's outputs, rounded to the baseline's dtype, [tokens, d]
    // for each of the prompts.
    void add(LayerIndex block, std::vector<std::int64_t> prompts, const std::vector<at::Tensor>& outputs);

    void restore(std::vector<Variant> variants) { m_variants = std::move(variants); }

    // Takes every variant through the block that the baseline ran last; `done` hears of tokens that are through,
    // skipped ones included.
    void advance(const RunContext& context, const std::function<void(std::int64_t)>& done);

    [[nodiscard]] const std::vector<Variant>& all() const { return m_variants; }

    // After the last block: for each of the variant's prompts. `base` are the baseline's, for all prompts of the pass.
    [[nodiscard]] std::vector<model::Predictions>
    predict(const Variant& variant, const std::vector<model::Predictions>& base, const RunContext& context);

    [[nodiscard]] std::int64_t tokensOf(const Variant& variant) const;

    [[nodiscard]] const RowCount& blockRows() const { return m_blockRows; }

    [[nodiscard]] const RowCount& headRows() const { return m_headRows; }

private:
    void advanceTogether(std::size_t first, std::size_t end, const RunContext& context);
    void dropSameRows(Variant& variant);

    model::Transformer& m_transformer;
    const BaselinePass& m_baseline;
    std::vector<Variant> m_variants; // ascending blocks
    RowCount m_blockRows;
    RowCount m_headRows;
};

}
