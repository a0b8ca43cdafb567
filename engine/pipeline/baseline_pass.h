// The baseline's forward pass, one block at a time, with what each block did where that is asked for.
#pragma once

#include "engine/model/past.h"
#include "engine/model/predictions.h"
#include "engine/model/row_tree.h"
#include "engine/values/ids.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace blockcert {
class RunContext;
}

namespace blockcert::model {
class Taps;
class Transformer;
}

namespace blockcert::pipeline {

// A block as the baseline ran it, in its dtype: [rows of the pass, d], or [tokens, d] of one prompt.
struct BlockTrace {
    at::Tensor input;
    at::Tensor attention; // sublayer outputs before their residual additions
    at::Tensor mlp;
    at::Tensor output;
};

// Where a value is that may not be used.
struct BadPlace {
    std::string what; // "the block's input"
    std::int64_t prompt = 0;
    std::int64_t token = 0;
};

// Prompts are numbered within the pass. Beginnings that prompts share are computed once where that changes no bit.
class BaselinePass {
public:
    // `share`: shared beginnings are one set of rows, if the model is batch-invariant. Throws what embed() throws.
    BaselinePass(model::Transformer& transformer, std::vector<std::vector<TokenId>> prompts, bool share);

    [[nodiscard]] const std::vector<std::vector<TokenId>>& prompts() const { return m_prompts; }

    [[nodiscard]] const std::vector<std::int64_t>& lengths() const { return m_lengths; }

    [[nodiscard]] const std::vector<model::SharedPrefix>& prefixes() const { return m_prefixes; }

    [[nodiscard]] const model::RowTree& tree() const { return m_tree; }

    [[nodiscard]] bool isShared() const { return m_share; }

    // The block that runs next, and its input [rows, d].
    [[nodiscard]] LayerIndex next() const { return m_next; }

    [[nodiscard]] const at::Tensor& state() const { return m_state; }

    // Goes on from a state that was saved: [rows, d].
    void restore(LayerIndex next, at::Tensor state);

    // Runs the next block.
    void step(const RunContext& context);
    [[nodiscard]] BlockTrace tracedStep(const RunContext& context);

    // Of the block that ran last.
    [[nodiscard]] const model::KeyValues& keyValues() const { return m_keyValues; }

    // After the last block: every prompt's losses and highest ids.
    [[nodiscard]] std::vector<model::Predictions> predict(const RunContext& context);

private:
    void run(model::Taps* taps, const RunContext& context);

    model::Transformer& m_transformer;
    std::vector<std::vector<TokenId>> m_prompts;
    bool m_share;
    std::vector<std::int64_t> m_lengths;
    std::vector<model::SharedPrefix> m_prefixes;
    model::RowTree m_tree;
    model::Batch m_batch;
    model::Past m_past;
    at::Tensor m_state;
    LayerIndex m_next;
    model::KeyValues m_keyValues;
};

// One prompt's rows of a tensor of the pass.
[[nodiscard]] at::Tensor rowsOfPrompt(const at::Tensor& rows, const model::RowTree& tree, std::int64_t prompt);
[[nodiscard]] BlockTrace traceOfPrompt(const BlockTrace& trace, const model::RowTree& tree, std::int64_t prompt);

// The first value of the trace that is NaN or infinite.
[[nodiscard]] std::optional<BadPlace> firstBadPlace(const BlockTrace& trace, const model::RowTree& tree);
// The same of losses and logits, prompt by prompt.
[[nodiscard]] std::optional<BadPlace> firstBadPlace(std::span<const model::Predictions> predictions);

// What has to be predicted from the rows a tree has for itself: for the given prompts the next token of each position.
// Sorted, each once.
[[nodiscard]] std::vector<model::RowTarget> targetsOf(const model::RowTree& tree, std::span<const std::int64_t> prompts,
                                                      std::span<const std::vector<TokenId>> ids);

// One prompt's predictions put together from those of the tree's own rows and, where its positions are rows of another
// pass, from `other`: the same prompt's predictions in that one.
[[nodiscard]] model::Predictions predictionsOf(const model::RowTree& tree, std::int64_t prompt,
                                               const std::vector<TokenId>& ids,
                                               std::span<const model::RowTarget> targets,
                                               const model::RowPredictions& own, const model::Predictions* other);

}
