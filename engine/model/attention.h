// Causal self-attention, prompt by prompt and head by head, with the rounding order of the released models.
#pragma once

#include "engine/model/batch.h"
#include "engine/values/ids.h"

#include <ATen/core/Tensor.h>

namespace blockcert {
class RunContext;
struct TransformerConfig;
}

namespace blockcert::model {

class KvCache;

struct AttentionInput {
    at::Tensor query; // [rows, heads · headDim], rotated where the model rotates
    at::Tensor key;   // [rows, kvHeads · headDim]
    at::Tensor value;
    at::Tensor future; // bool [positions, positions], true above the diagonal: what no query may see
};

// out [rows, heads · headDim] = softmax(scores) · value. With a cache the earlier positions come from there; the rows
// of this pass must already have been appended.
void attend(const AttentionInput& input, const Batch& batch, const TransformerConfig& config, LayerIndex layer,
            const KvCache* cache, at::Tensor out, const RunContext& context);

}
