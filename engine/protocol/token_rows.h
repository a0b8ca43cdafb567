// The part of `show --tokens` that gives every token's numbers, of finished blocks and of cells still in .work/.
#pragma once

#include "engine/base/strict_json.h"
#include "engine/certificate/run_codec.h"
#include "engine/certificate/run_folder.h"
#include "engine/protocol/run_listing.h"
#include "engine/values/certificate.h"

#include <span>

namespace blockcert::protocol {

// Adds `prompts` and `cells` to the listing; what cannot be read becomes a sentence in `problems`.
void addTokenRows(const certificate::RunFolder& folder, const certificate::RunDocument& run,
                  std::span<const Certificate> certificates, const ShowOptions& options, const RunContext& context,
                  Json& listing, Json& problems);

}
