// Level 4: everything that needs the model. The IR is rebuilt from its files, the prompts are tokenised again, and the
// whole model runs in double from the token ids.
#pragma once

#include "engine/certificate/check_list.h"
#include "engine/certificate/verify_block.h"

#include <vector>

namespace blockcert::certificate {

// Rows model.files and model.config alone, where a block's weights were read from the model's files, so that these are
// at hand: the run must be of that very model. Nothing at all otherwise: until level 4 it is the issuer's word.
void verifySubject(BlockContext& block, const std::vector<BlockOutcome>& outcomes, CheckList& checks,
                   const RunContext& context);

// Rows model.files, model.config, model.tokens, model.lengths, model.embedding, and per block model.ir, model.states,
// model.loss_base, model.loss_stitched, model.top; loss.tokens. The blocks' outcomes are those of levels 1 to 3.
void verifyModel(BlockContext& block, const std::vector<BlockOutcome>& outcomes, CheckList& checks,
                 const RunContext& context);

}
