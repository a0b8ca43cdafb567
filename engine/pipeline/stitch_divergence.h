// KL(baseline ‖ stitched) of every token's next-token distribution, in double from the logits.
#pragma once

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
}

namespace blockcert::pipeline {

// States after the last block, [rows, d] each -> [rows] nats. Logits in the baseline's dtype are widened to fp32; they
// are made in chunks of rows. Stage "predict" (tokens).
[[nodiscard]] std::vector<double> divergenceRows(model::Transformer& transformer, const at::Tensor& baseline,
                                                 const at::Tensor& stitched, const RunContext& context);

// Σ p (log p − log q) of the softmax of two rows of logits, never below zero and exact to a few ulp of the result even
// where the rows differ by rounding alone.
[[nodiscard]] double divergenceOf(std::span<const float> baseline, std::span<const float> stitched);

// The same where the first row's log Σ e^logit is known: what logSumExp() gives.
[[nodiscard]] double divergenceOf(std::span<const float> baseline, double logSumExpBase,
                                  std::span<const float> stitched);
[[nodiscard]] double logSumExp(std::span<const float> logits);

}
