// certificate.json <-> Certificate: strict in, deterministic out (schema blockcert.certificate/1).
#pragma once

#include "engine/base/strict_json.h"
#include "engine/values/certificate.h"

#include <string_view>

namespace blockcert::certificate {

[[nodiscard]] Json certificateToJson(const Certificate& certificate);

// Throws FormatError naming `source` and the field, UnsupportedError for another major version.
[[nodiscard]] Certificate certificateFromJson(const Json& json, std::string_view source);

[[nodiscard]] Json metricsToJson(const CoverageMetrics& metrics);

}
