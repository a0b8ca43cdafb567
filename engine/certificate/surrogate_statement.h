// What a certificate says about its surrogate against the surrogate that is stored, without any model.
#pragma once

#include "engine/ir/block_ir.h"
#include "engine/values/certificate.h"

#include <string>

namespace blockcert::certificate {

// One sentence if the stored IR cannot be what the certificate says: a weight embedded or referenced against its word,
// a statement about a weight that is not there, a rank or a spectrum that does not fit the matrix, or a distance that
// the spectrum contradicts. Empty if all fits.
[[nodiscard]] std::string surrogateProblem(const Certificate& certificate, const ir::BlockIr& stored);

}
