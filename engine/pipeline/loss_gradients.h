// How the summed loss of each prompt depends on the blocks' outputs: one pass forward, one backward, for all blocks.
#pragma once

#include "engine/model/predictions.h"
#include "engine/values/ids.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <vector>

namespace blockcert {
class RunContext;
}

namespace blockcert::model {
class Transformer;
}

namespace blockcert::pipeline {

struct BadPlace;

// By prompt of the pass.
struct LossGradients {
    std::vector<std::vector<double>> lossBase;              // [P][S − 1] nats, of the baseline itself
    std::map<LayerIndex, std::vector<at::Tensor>> atOutput; // of each block: [P] gradients, fp32 [S, d]
    std::int64_t forwardRows = 0;                           // through blocks, and
    std::int64_t backwardRows = 0;                          // back through blocks
    std::int64_t headRows = 0;                              // through the head, there and back
};

// `blocks` ascending, not empty. The states between the blocks are in memory until their gradients are known, and one
// block at a time besides. Reports stage "gradient" in rows. Nothing, and `bad` filled, where a loss of the baseline is
// not finite. Bits depend neither on the other prompts nor on the number of threads.
[[nodiscard]] std::optional<LossGradients> lossGradients(model::Transformer& transformer,
                                                         const std::vector<std::vector<TokenId>>& prompts,
                                                         std::span<const LayerIndex> blocks, bool share,
                                                         std::optional<BadPlace>& bad, const RunContext& context);

}
