// Level 4's check of a first-order estimate: derivatives of the loss by moving the model in double a little.
#pragma once

#include "engine/values/cell_record.h"

#include <array>
#include <span>
#include <vector>

namespace blockcert::certificate {

// The model's own output of a block moved by step · direction. (L(state) − L(own)) / step must be `expected`, to within
// a share of `scale`.
struct NudgedState {
    std::vector<double> state; // [token, width]
    double step = 0;           // 0: there is nothing to move, and `expected` must be 0
    double expected = 0;       // nats per step
    double scale = 0;
};

// One prompt, d = s − y the surrogate's difference and g the recorded gradient. Moved along d, the loss must change by
// the recorded estimate Σ ⟨g, d⟩; moved along ‖d‖ · g / ‖g‖, by Σ ‖g‖ · ‖d‖. The scale of both is that sum: the second
// one says that the recorded gradient is no longer than the true one, so that the first one's allowance cannot be
// inflated. `surrogate` is the surrogate's replay on the cell's input in double, `own` the model's output of the block
// in double from the token ids, both [token, width]. The cell holds output, gradient and estimate.
[[nodiscard]] std::array<NudgedState, 2> nudged(const CellRecord& cell, std::span<const double> surrogate,
                                                std::span<const double> own);

}
