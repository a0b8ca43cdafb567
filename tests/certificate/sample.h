// A manifest and certificates with every field away from its default, for tests of the codecs.
#pragma once

#include "engine/values/certificate.h"
#include "engine/values/run_manifest.h"
#include "engine/values/stitch_certificate.h"

namespace blockcert::certificate::sample {

[[nodiscard]] RunManifest manifest();
[[nodiscard]] Certificate certificate();
[[nodiscard]] Certificate estimate(); // the same with losses estimated to first order
[[nodiscard]] StitchCertificate stitch();

}
