// One block on one prompt: the replay's outputs against what the baseline recorded.
#pragma once

#include "engine/ir/reference_interpreter.h"
#include "engine/model/predictions.h"
#include "engine/pipeline/baseline_pass.h"
#include "engine/values/cell_record.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace blockcert::pipeline {

// Everything of a cell but its losses, from the trace of its prompt alone. Errors and norms are double, summed in index
// order.
[[nodiscard]] CellRecord measureCell(const BlockTrace& trace, LayerIndex block, PromptIndex prompt,
                                     const ir::BlockReplay& replay);

// Adds a first-order estimate to a cell: the gradient of the prompt's summed loss at the block's output (fp32 [S, d]),
// every token's part of the estimate with `surrogate`, the replayed output rounded once, and the baseline's losses.
void addEstimate(CellRecord& cell, const at::Tensor& gradient, const HostTensor& surrogate,
                 std::vector<double> lossBase);

// The losses and highest ids of a cell, and nothing else of it.
[[nodiscard]] CellRecord lossesOfCell(LayerIndex block, PromptIndex prompt, const model::Predictions& base,
                                      const model::Predictions& stitched);

// The replayed output rounded once to the baseline's dtype: [rows, width].
[[nodiscard]] HostTensor roundedOutput(const ir::BlockReplay& replay, std::int64_t width, DType dtype);

// Half of the largest number of single precision: the norms behind a block sum the squares of its outputs in it. Beyond
// that the sum is infinite, the norm gives zeros, and losses look like numbers of the model without being them.
inline constexpr double largestSquares = 0x1p127;

// The first token whose output, [tokens, width] one row after the other, has a larger sum of squares.
[[nodiscard]] std::optional<std::int64_t> firstTooLarge(std::span<const double> output, std::int64_t width);

// The token with the first value that is not finite, if there is one: the surrogate has left double precision (or the
// gradient single precision).
[[nodiscard]] std::optional<std::int64_t> firstBadToken(const CellRecord& cell);

// What the live map shows of a finished cell, and of its losses when they are known (docs/protocol.md, "detail").
[[nodiscard]] std::string cellDetail(const CellRecord& cell);
[[nodiscard]] std::string lossDetail(const CellRecord& losses);

}
