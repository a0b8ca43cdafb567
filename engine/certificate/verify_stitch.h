// Levels 0 to 3 for a stitched model: its own consistency, its files, and every number that follows from replay.h5.
#pragma once

#include "engine/certificate/check_list.h"
#include "engine/certificate/stitch_metrics.h"
#include "engine/certificate/verify_block.h"
#include "engine/values/stitch_certificate.h"

#include <optional>

namespace blockcert::certificate {

// What is kept of a stitched model for level 4.
struct StitchOutcome {
    const StitchCertificate* certificate = nullptr;
    std::optional<StitchColumns> columns; // as recorded, if the file is the one that the certificate names
};

// Rows consistency.stitch, consistency.manifest, consistency.status, stitch.blocks; from level 1 on artifact.sha256,
// tensor.sha256, structure.replay, consistency.tokens; from level 2 on the stitch.* rows of arithmetic; the policy.
[[nodiscard]] StitchOutcome verifyStitch(const StitchCertificate& certificate, BlockContext& block, CheckList& checks,
                                         const RunContext& context);

// "stitch NAME"
[[nodiscard]] std::string stitchText(const StitchCertificate& certificate);

}
