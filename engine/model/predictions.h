// Per-token losses and best guesses from the state after the last block.
#pragma once

#include "engine/values/ids.h"

#include <cstdint>
#include <functional>
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

// A token that is predicted from a row: one row may have several where prompts share it.
struct RowTarget {
    std::int64_t row = 0;
    TokenId id = 0;

    friend auto operator<=>(const RowTarget&, const RowTarget&) = default;
};

// Shown each row's logits [V] in fp32 once, while they are in memory; from several threads.
using LogitsSeen = std::function<void(std::int64_t row, std::span<const float> logits)>;

struct RowPredictions {
    std::vector<double> nll;         // [targets] nats
    std::vector<std::int32_t> topId; // [rows, 5] highest logits first, lowest id on ties
    std::vector<double> topLogit;    // [rows, 5]
};

// `targets` are sorted by row. Logits are made in chunks of rows, never for all rows at once. Throws UnsupportedError
// for a vocabulary of fewer than five tokens.
[[nodiscard]] RowPredictions predictRows(Transformer& transformer, const at::Tensor& state,
                                         std::span<const RowTarget> targets, const RunContext& context,
                                         const LogitsSeen& seen = {});

// Prompts one after the other. Logits in the baseline's dtype are widened to fp32 first, as the released code does.
struct Predictions {
    std::vector<double> nll;         // [rows − prompts] nats; of tokens 1 … S−1 given what precedes them
    std::vector<std::int32_t> topId; // [rows, 5] highest logits first, lowest id on ties
    std::vector<double> topLogit;    // [rows, 5]
};

// `ids` are the tokens of the rows. Throws as predictRows().
[[nodiscard]] Predictions predict(Transformer& transformer, const at::Tensor& state, const Batch& batch,
                                  std::span<const TokenId> ids, const RunContext& context, const LogitsSeen& seen = {});

// One prompt's part of the predictions of a batch.
[[nodiscard]] Predictions predictionsOf(const Predictions& all, const Batch& batch, std::int64_t prompt);

}
