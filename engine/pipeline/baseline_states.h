// What the baseline computes around each block that is certified, with the values that are not finite.
#pragma once

#include "engine/model/batch.h"
#include "engine/model/predictions.h"
#include "engine/values/ids.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace blockcert {
class RunContext;
}

namespace blockcert::model {
class Transformer;
}

namespace blockcert::pipeline {

// A block as the baseline ran it, [rows, d] in its dtype, prompts one after the other.
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

// Gives the traces of ascending blocks. Without losses the model is run once, from one wanted block to the next; with
// losses it is run through once first, keeping the wanted inputs, because a cell holds the baseline's losses too.
class BaselineStates {
public:
    enum class Losses : bool { Skip, Measure };

    // `wanted` is ascending. Throws what embed() throws.
    BaselineStates(model::Transformer& transformer, std::span<const std::vector<TokenId>> prompts,
                   std::vector<LayerIndex> wanted, Losses losses, const RunContext& context);

    [[nodiscard]] const model::Batch& batch() const { return m_batch; }

    [[nodiscard]] const std::vector<TokenId>& ids() const { return m_ids; }

    // Empty unless losses are measured.
    [[nodiscard]] const model::Predictions& predictions() const { return m_predictions; }

    // Blocks must be asked for in ascending order.
    [[nodiscard]] BlockTrace trace(LayerIndex layer, const RunContext& context);

private:
    model::Transformer& m_transformer;
    model::Batch m_batch;
    std::vector<TokenId> m_ids;
    std::vector<LayerIndex> m_wanted;
    std::vector<at::Tensor> m_inputs; // of the wanted blocks, if kept
    at::Tensor m_state;               // input of block m_next
    LayerIndex m_next;
    model::Predictions m_predictions;
};

// The first value that is NaN or infinite: of the trace, or of the losses where they are measured.
[[nodiscard]] std::optional<BadPlace> firstBadPlace(const BlockTrace& trace, const model::Predictions& predictions,
                                                    const model::Batch& batch);

// One prompt's part of the predictions of a batch.
[[nodiscard]] model::Predictions predictionsOf(const model::Predictions& all, const model::Batch& batch,
                                               std::int64_t prompt);

}
