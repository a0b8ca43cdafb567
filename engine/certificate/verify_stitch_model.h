// Level 4 for stitched models: both models run in double from the token ids, and what was recorded is held against
// them.
#pragma once

#include "engine/certificate/check_list.h"
#include "engine/certificate/verify_block.h"
#include "engine/certificate/verify_edit.h"
#include "engine/certificate/verify_stitch.h"
#include "engine/values/dtype.h"

#include <vector>

namespace blockcert::certificate {

// What a stitched replay on a baseline of this dtype may differ by from both models in double. Differences of two
// nearly equal streams are as wrong as each of them: they are held to the streams' own rounding, not to their size.
struct StitchAllowance {
    double residual = 0; // |recorded − double| of ‖ĥ − h‖₂ / the token's largest norm so far
    double rootKl = 0;   // |√recorded − √double| of a divergence: near 0 roots behave as distances do
};

[[nodiscard]] StitchAllowance stitchAllowanceFor(DType baseline);

// Rows stitch.model_residuals, stitch.model_losses, stitch.model_kl, stitch.model_top and stitch.labels of every
// stitched model whose numbers could be read. Needs the model that row model.files accepted; without it, or where
// something failed already, the rows are not checked.
// `edits`: of the run, for stitched models that use one.
void verifyStitchedModels(BlockContext& block, const std::vector<StitchOutcome>& stitches,
                          const std::vector<EditOutcome>& edits, CheckList& checks, const RunContext& context);

}
