// Level 4: everything that needs the model. The IR is rebuilt from its files, the prompts are tokenised again, and the
// whole model runs in double from the token ids.
#pragma once

#include "engine/certificate/check_list.h"
#include "engine/certificate/verify_block.h"

#include <vector>

namespace blockcert::certificate {

// What a baseline of this dtype may differ by from the model in double: it catches a wrong trace, not its last digits.
// Measured; CLAIMS.md says on what.
struct Allowance {
    double state = 0; // ‖recorded − double‖ / the token's largest norm so far
    double loss = 0;  // nats
    double logit = 0;
};

[[nodiscard]] Allowance allowanceFor(DType baseline);

// Rows model.files, model.config, model.tokens, model.embedding, and per block model.ir, model.states, model.losses,
// model.top and loss.tokens. The blocks' outcomes are those of levels 1 to 3.
void verifyModel(BlockContext& block, const std::vector<BlockOutcome>& outcomes, CheckList& checks,
                 const RunContext& context);

}
