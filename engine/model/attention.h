// Causal self-attention, prompt by prompt and head by head, with the rounding order of the released models.
#pragma once

#include "engine/model/batch.h"
#include "engine/model/past.h"
#include "engine/values/ids.h"

#include <ATen/core/Tensor.h>

namespace blockcert {
class RunContext;
struct TransformerConfig;
}

namespace blockcert::model {

class KvCache;

// Queries are taken this many positions at a time, from position 0 on, and see the keys up to the end of their tile:
// the shape of every product, and with it every bit of a row, depends on the row's position alone. Neither the prompt's
// length nor where the pass begins has an influence. The mask has to reach to a multiple of this.
constexpr std::int64_t attentionTile = 32;

// Prompts firstPrompt … endPrompt − 1 of a batch.
struct AttentionInput {
    at::Tensor query;               // [rows of these prompts, heads · headDim], rotated where the model rotates
    KeyValues own;                  // [rows of the batch, kvHeads · headDim]; rows of later prompts are not looked at
    at::Tensor future;              // bool [positions, positions], true above the diagonal: what no query may see
    const KvCache* cache = nullptr; // the rows of this pass must already have been appended
    const Past* past = nullptr;
    std::int64_t firstPrompt = 0;
    std::int64_t endPrompt = 0;
    bool decoding = false; // one product a query instead of tiles: faster for few queries, other last digits
};

// out [rows of these prompts, heads · headDim] = softmax(scores) · value. Positions before batch.start come from the
// cache or the past.
void attend(const AttentionInput& input, const Batch& batch, const TransformerConfig& config, LayerIndex layer,
            at::Tensor out, const RunContext& context);

}
