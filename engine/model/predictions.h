// Per-token losses and best guesses from the state after the last block.
#pragma once

#include "engine/values/ids.h"

#include <cstdint>
#include <span>
#include <vector>

namespace at {
class Tensor;
}

namespace blockcert {
class RunContext;
}

namespace blockcert::model {

class Transformer;
struct Batch;

constexpr std::int64_t topCount = 5;

// Prompts one after the other. Logits in the baseline's dtype are widened to fp32 first, as the released code does.
struct Predictions {
    std::vector<double> nll;         // [rows − prompts] nats; of tokens 1 … S−1 given what precedes them
    std::vector<std::int32_t> topId; // [rows, 5] highest logits first, lowest id on ties
    std::vector<double> topLogit;    // [rows, 5]
};

// `ids` are the tokens of the rows. Logits are made in chunks of rows, never for all rows at once. Throws
// UnsupportedError for a vocabulary of fewer than five tokens.
[[nodiscard]] Predictions predict(Transformer& transformer, const at::Tensor& state, const Batch& batch,
                                  std::span<const TokenId> ids, const RunContext& context);

}
