// A manifest and a certificate with every field away from its default, for tests of the codecs.
#pragma once

#include "engine/values/certificate.h"
#include "engine/values/run_manifest.h"

namespace blockcert::certificate::sample {

[[nodiscard]] RunManifest manifest();
[[nodiscard]] Certificate certificate();

}
