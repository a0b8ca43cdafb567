// Level 4: everything that needs the model. The IR is rebuilt from its files, the prompts are tokenised again, and the
// whole model runs in double from the token ids.
#pragma once

#include "engine/certificate/check_list.h"
#include "engine/certificate/verify_block.h"

#include <vector>

namespace blockcert::certificate {

// Rows model.files, model.config, model.tokens, model.embedding, and per block model.ir, model.states,
// model.loss_base, model.loss_stitched, model.top; loss.tokens. The blocks' outcomes are those of levels 1 to 3.
void verifyModel(BlockContext& block, const std::vector<BlockOutcome>& outcomes, CheckList& checks,
                 const RunContext& context);

}
