// A stitched model of a tiny run, made with the reference interpreter alone.
#pragma once

#include "engine/certificate/stitch_metrics.h"
#include "engine/values/stitch_certificate.h"
#include "tests/certificate/tiny_run.h"

#include <filesystem>
#include <string>
#include <vector>

namespace blockcert::certificate::tiny {

struct Stitch {
    StitchCertificate certificate; // complete but for its artifacts
    StitchColumns columns;
};

// Replaces `blocks` of a written run; the material must hold every block of the model. The other blocks run as the
// material's own surrogates, rounded: a baseline apart from its noise. With a bisection of the largest loss change.
[[nodiscard]] Stitch stitch(const Material& material, const std::filesystem::path& run,
                            const std::vector<std::int32_t>& blocks, const std::string& name);

// Certificate and metrics from the columns anew.
void judge(Stitch& stitch, const Material& material);

void write(Stitch& stitch, const std::filesystem::path& run);

}
