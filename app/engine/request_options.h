// Parameters of the protocol's methods (and, in the same form, of the command line) -> options of the pipeline.
#pragma once

#include "engine/base/strict_json.h"
#include "engine/pipeline/pipeline.h"

namespace blockcert::engine {

class Parameters;

// All throw UsageError for a parameter that is missing, unknown, or of the wrong type or range, and
// UnsupportedError for what this version does not do.
[[nodiscard]] pipeline::CertifyOptions certifyOptions(const Json& parameters);
// Shared with the requests about edits.
[[nodiscard]] pipeline::ModelOptions modelOptions(Parameters& parameters);
[[nodiscard]] pipeline::PromptOptions promptOptions(Parameters& parameters, const std::string& fallback = "");
[[nodiscard]] pipeline::StitchOptions stitchOptions(const Json& parameters);
[[nodiscard]] pipeline::EvaluateOptions evaluateOptions(const Json& parameters);
[[nodiscard]] pipeline::GenerateOptions generateOptions(const Json& parameters);
[[nodiscard]] pipeline::MinimiseOptions minimiseOptions(const Json& parameters);
[[nodiscard]] pipeline::DoctorOptions doctorOptions(const Json& parameters);

}
