// One block on one prompt: the replay's outputs against what the baseline recorded.
#pragma once

#include "engine/ir/reference_interpreter.h"
#include "engine/model/batch.h"
#include "engine/model/predictions.h"
#include "engine/pipeline/baseline_states.h"
#include "engine/values/cell_record.h"

#include <cstdint>
#include <optional>
#include <string>

namespace blockcert::pipeline {

// Everything of a cell but its losses. Errors and norms are double, summed in index order.
[[nodiscard]] CellRecord measureCell(const BlockTrace& trace, const model::Batch& batch, LayerIndex block,
                                     std::int64_t prompt, const ir::BlockReplay& replay);

void addLosses(CellRecord& cell, const model::Predictions& base, const model::Predictions& stitched);

// The replayed output rounded once to the baseline's dtype: [rows, width].
[[nodiscard]] HostTensor roundedOutput(const ir::BlockReplay& replay, std::int64_t width, DType dtype);

// The token with the first value that is not finite, if there is one: the surrogate has left double precision.
[[nodiscard]] std::optional<std::int64_t> firstBadToken(const CellRecord& cell);

// What the live map shows of a finished cell (docs/protocol.md, "detail").
[[nodiscard]] std::string cellDetail(const CellRecord& cell);

}
