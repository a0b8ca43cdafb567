// The receipt and ε_edit of an edit certificate, recomputed from the blocks' programs and the recorded inputs.
#pragma once

#include "engine/certificate/check_list.h"
#include "engine/certificate/edit_metrics.h"
#include "engine/certificate/verify_block.h"
#include "engine/values/edit_certificate.h"

namespace blockcert::certificate {

// Rows edit.receipt and edit.error, the latter of the tokens that are drawn.
void checkEditReplay(const EditCertificate& certificate, const EditColumns& columns, BlockContext& block,
                     CheckList& checks, const RunContext& context);

}
