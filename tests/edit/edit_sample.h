// A complete edit certificate made up for tests of its codec and schema.
#pragma once

#include "engine/values/edit_certificate.h"

namespace blockcert::certificate::sample {

// Every kind of step once.
[[nodiscard]] Patch patch();
[[nodiscard]] EditCertificate edit();

}
