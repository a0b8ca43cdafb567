// What the unedited model makes of some prompts: the states before its blocks and its predictions, kept as far as
// memory allows.
#pragma once

#include "engine/model/batch.h"
#include "engine/model/predictions.h"
#include "engine/model/transformer.h"
#include "engine/values/ids.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace blockcert::pipeline {

// Not thread-safe. Whoever has laid matrices over blocks takes them off before a call that runs such a block; what runs
// is said with each function.
class BaselineStates {
public:
    // Embeds the prompts; nothing else is run or kept.
    BaselineStates(model::Transformer& transformer, const std::vector<std::vector<TokenId>>& prompts);

    [[nodiscard]] const model::Batch& batch() const { return m_batch; }

    [[nodiscard]] const std::vector<TokenId>& ids() const { return m_ids; } // all prompts', one after the other

    // Runs all blocks once, and keeps the states before every block and after the last one, or, where that is more than
    // half of `bytes`, of as many blocks at equal distances as fit, and always the last. A quarter each is for outputs
    // of sublayers and for logits. Stage "prepare" (blocks).
    void keep(std::int64_t bytes, const RunContext& context);

    // The state [rows, d] before a block (L: after the last one): null unless it is kept, or run from the nearest kept
    // one below.
    [[nodiscard]] const at::Tensor* kept(LayerIndex layer) const;
    [[nodiscard]] at::Tensor before(LayerIndex layer, const RunContext& context);

    // Of a block that is run once: the state behind its attention and its MLP's output, [rows, d] each. Kept
    // until others need their place.
    struct Sublayers {
        at::Tensor middle;
        at::Tensor mlp;
    };

    [[nodiscard]] const Sublayers& sublayers(LayerIndex block, const RunContext& context);

    // From the state after the last block, made once.
    struct Known {
        model::Predictions predictions;
        at::Tensor logits;             // [rows, V] fp32 on the CPU; undefined where there is no room for them
        std::vector<double> logSumExp; // [rows], with the logits
    };

    // `end`: the state after the last block. Stage "predict" (tokens) where they are made now.
    [[nodiscard]] const Known& predictions(const at::Tensor& end, const RunContext& context);

    [[nodiscard]] std::int64_t bytes() const; // of all that is kept

private:
    model::Transformer& m_transformer;
    model::Batch m_batch;
    std::vector<TokenId> m_ids;
    std::int64_t m_quarter = 0;                // of the bytes that may be kept
    std::map<LayerIndex, at::Tensor> m_states; // always the one before block 0
    std::map<LayerIndex, Sublayers> m_sublayers;
    std::optional<Known> m_known;
};

}
