// The stored surrogate of a block against the one rebuilt from the model's files, bit for bit.
#pragma once

#include "engine/certificate/check_list.h"
#include "engine/ir/block_ir.h"
#include "engine/values/certificate.h"

#include <optional>

namespace blockcert::certificate {

// Row model.ir. `stored` is the program of ir.h5, whose tensors have the digests that the certificate names.
void checkRebuiltIr(const Certificate& certificate, const std::optional<ir::BlockProgram>& stored,
                    const ir::BlockIr& rebuilt, CheckList& checks);

}
