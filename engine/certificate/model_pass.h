// Runs the whole model in double from the token ids, and once more with each block's surrogate in place, beside what a
// run recorded of them.
#pragma once

#include "engine/certificate/check_list.h"
#include "engine/certificate/model_comparison.h"
#include "engine/certificate/verify_block.h"

#include <string>
#include <vector>

namespace blockcert::certificate {

// What a pass needs; everything outlives it.
struct ModelSubject {
    BlockContext& block;
    const std::vector<BlockOutcome>& outcomes; // of levels 1 to 3
    const artifact::Checkpoint& model;
    const artifact::Checkpoint* other = nullptr; // of surrogates from another checkpoint; null if it was not found
    std::string otherProblem;                    // why it was not found
};

// What was compared of every recorded block. Rows model.embedding, model.ir, model.distances, model.rank and model.fit
// go to `checks`. Throws what reading the model throws.
[[nodiscard]] std::vector<BlockComparison> compareWithModel(const ModelSubject& subject, CheckList& checks,
                                                            const RunContext& context);

// The same numbers once more, where some of `first` are beyond their allowances: allowances are widened at tokens
// where the model (or the model with that surrogate in place) carries rounding further than usual.
[[nodiscard]] std::vector<BlockComparison>
compareWithRounding(const ModelSubject& subject, const std::vector<BlockComparison>& first, const RunContext& context);

}
