// certificate.json <-> Certificate: strict in, deterministic out (schema blockcert.certificate/1).
#pragma once

#include "engine/base/strict_json.h"
#include "engine/certificate/json_fields.h"
#include "engine/values/certificate.h"

#include <string_view>
#include <vector>

namespace blockcert::certificate {

[[nodiscard]] Json certificateToJson(const Certificate& certificate);

// Throws FormatError naming `source` and the field, UnsupportedError for another major version.
[[nodiscard]] Certificate certificateFromJson(const Json& json, std::string_view source);

[[nodiscard]] Json metricsToJson(const CoverageMetrics& metrics);
[[nodiscard]] Json findingsToJson(const std::vector<CertificateFinding>& findings);

// What certificates of every kind are made of. The reading ones throw FormatError.
namespace certificate_parts {

[[nodiscard]] Json fraction(const Fraction& value);
[[nodiscard]] Fraction readFraction(JsonFields fields);
[[nodiscard]] Json lossCoverage(const LossCoverage& value);
[[nodiscard]] LossCoverage readLossCoverage(JsonFields fields);
[[nodiscard]] Json prompts(const PromptSetStatement& value);
[[nodiscard]] PromptSetStatement readPrompts(JsonFields fields);
[[nodiscard]] Json artifacts(const std::vector<ArtifactDigest>& value);
[[nodiscard]] std::vector<ArtifactDigest> readArtifacts(std::vector<JsonFields> elements,
                                                        const std::vector<std::string_view>& roles);
[[nodiscard]] std::vector<CertificateFinding> readFindings(std::vector<JsonFields> elements);

}

}
