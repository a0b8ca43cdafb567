// edits/NAME/certificate.json <-> EditCertificate: strict in, deterministic out.
#pragma once

#include "engine/base/strict_json.h"
#include "engine/values/edit_certificate.h"

#include <string_view>

namespace blockcert::certificate {

[[nodiscard]] Json editToJson(const EditCertificate& certificate);
// Throws FormatError naming `source` and the field, UnsupportedError for another major version.
[[nodiscard]] EditCertificate editFromJson(const Json& json, std::string_view source);

// Parts that the verbs' results share.
[[nodiscard]] Json effectToJson(const EditEffect& effect);
[[nodiscard]] Json refusalsToJson(const RefusalMetrics& metrics);
[[nodiscard]] Json touchedToJson(const std::vector<TouchedTensor>& touched);

}
