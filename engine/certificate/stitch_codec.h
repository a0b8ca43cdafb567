// certificate.json of a stitched model <-> StitchCertificate: strict in, deterministic out.
#pragma once

#include "engine/base/strict_json.h"
#include "engine/values/stitch_certificate.h"

#include <string_view>

namespace blockcert::certificate {

// Schema blockcert.certificate/1, kind "full-model", or "full-block" where every block is replaced.
[[nodiscard]] Json stitchToJson(const StitchCertificate& certificate);

// Throws FormatError naming `source` and the field, UnsupportedError for another major version.
[[nodiscard]] StitchCertificate stitchFromJson(const Json& json, std::string_view source);

[[nodiscard]] std::string_view nameOf(BisectEvent event);

}
