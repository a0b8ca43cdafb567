// The part of `show --tokens` that gives every token's numbers, of finished blocks, of cells still in .work/ and of the
// stitched models that the run holds.
#pragma once

#include "engine/base/strict_json.h"
#include "engine/certificate/run_codec.h"
#include "engine/certificate/run_folder.h"
#include "engine/protocol/run_listing.h"
#include "engine/values/certificate.h"
#include "engine/values/stitch_certificate.h"

#include <span>

namespace blockcert::protocol {

struct ListedCertificates {
    std::span<const Certificate> blocks;
    std::span<const StitchCertificate> stitches; // in the order of the listing's
};

// Adds `prompts`, `cells` and the `tokens` of each of `stitches` to the listing; what cannot be read becomes a sentence
// in `problems`.
void addTokenRows(const certificate::RunFolder& folder, const certificate::RunDocument& run,
                  const ListedCertificates& certificates, const ShowOptions& options, const RunContext& context,
                  Json& listing, Json& problems);

}
