// The JSON of what certificate.json and run.json both state: tool, environment, subject, policy, words for enums.
#pragma once

#include "engine/certificate/json_fields.h"
#include "engine/values/dtype.h"
#include "engine/values/policy.h"
#include "engine/values/run_manifest.h"

#include <optional>
#include <string_view>
#include <vector>

namespace blockcert::certificate {

[[nodiscard]] Json policyToJson(const Policy& policy);
[[nodiscard]] Policy policyFromJson(JsonFields fields);

[[nodiscard]] Json environmentToJson(const Environment& environment);
[[nodiscard]] Environment environmentFromJson(JsonFields fields);

// The subject's own fields; a certificate adds `block` beside them, so finish() is left to the caller.
[[nodiscard]] Json subjectToJson(const Subject& subject);
[[nodiscard]] Subject subjectFromJson(JsonFields& fields);

// null, or the fields of the other checkpoint's subject with `differences` beside them.
[[nodiscard]] Json surrogateModelToJson(const std::optional<SurrogateModel>& model);
[[nodiscard]] std::optional<SurrogateModel> surrogateModelFrom(JsonFields& fields, std::string_view key);

[[nodiscard]] std::string_view nameOf(LossMode mode);
[[nodiscard]] std::string_view nameOf(WeightOrigin origin);
[[nodiscard]] std::string_view nameOf(ErrorMeasure measure);
[[nodiscard]] LossMode lossModeFrom(JsonFields& fields, std::string_view key);
[[nodiscard]] WeightOrigin weightOriginFrom(JsonFields& fields, std::string_view key);
[[nodiscard]] Json importedToJson(const ImportedBaseline& imported);
[[nodiscard]] ImportedBaseline importedFromJson(JsonFields fields);
// One of `allowed`, by the names of values/dtype.h.
[[nodiscard]] DType dtypeFrom(JsonFields& fields, std::string_view key, const std::vector<DType>& allowed);

// What a baseline, a replay and a stored tensor can be made of.
[[nodiscard]] const std::vector<DType>& baselineDtypes();
[[nodiscard]] const std::vector<DType>& replayDtypes();
[[nodiscard]] const std::vector<DType>& storedDtypes();

// Reads and drops `extensions`, the one place where a file may say more than its schema knows.
void skipExtensions(JsonFields& fields);

}
