// Level 4 for edits: both models in double from the token ids; deviations, losses, and completions teacher-forced.
#pragma once

#include "engine/certificate/verify_edit.h"

#include <vector>

namespace blockcert::certificate {

// Rows edit.texts, edit.model_deviation, edit.model_loss, edit.model_kl and edit.model_completions of every edit whose
// numbers could be read. A completion's token whose margin is below 1e-3 (or the dtype's own rounding) is undecided.
// Needs the model that row model.files accepted; without it, or where something failed already, the rows are not
// checked.
void verifyEditedModels(BlockContext& block, const std::vector<EditOutcome>& edits, CheckList& checks,
                        const RunContext& context);

}
