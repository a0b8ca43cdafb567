// The JSON of a surrogate: what was asked for, and how far its weights are from the baseline's.
#pragma once

#include "engine/certificate/json_fields.h"
#include "engine/values/surrogate.h"

#include <string_view>
#include <vector>

namespace blockcert::certificate {

// {"family", "parameters"}: the parameters are those of the family and no others. The reader leaves finish() to the
// caller, because a certificate says more beside them.
[[nodiscard]] Json surrogateToJson(const SurrogateChoice& choice);
[[nodiscard]] SurrogateChoice surrogateFromJson(JsonFields& fields);

// null where nothing is ablated, else {"kind"} and for noise {"scale"}.
[[nodiscard]] Json ablationToJson(const Ablation& ablation);
[[nodiscard]] Ablation ablationFrom(JsonFields& fields, std::string_view key);

[[nodiscard]] Json distancesToJson(const SurrogateWeights& weights);
[[nodiscard]] SurrogateWeights distancesFromJson(std::vector<JsonFields> elements);

}
