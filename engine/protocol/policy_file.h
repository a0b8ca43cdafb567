// The JSON policy that `certify --policy` and `verify --policy` read, and the `policy` parameter of the protocol.
#pragma once

#include "engine/base/strict_json.h"
#include "engine/values/dtype.h"
#include "engine/values/policy.h"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace blockcert::protocol {

// What is not given stays as it is.
struct PolicyChanges {
    std::optional<double> tauAct;
    std::optional<double> tauLoss;
    std::optional<double> tauRel;
    std::optional<double> alphaAct;
    std::optional<double> alphaLoss;
    std::optional<ErrorMeasure> measure;

    void applyTo(Policy& policy) const;
    // Whatever `later` gives wins.
    void add(const PolicyChanges& later);
};

struct PolicyFile {
    PolicyChanges thresholds;
    std::vector<std::string> models; // SHA-256 of weight files that are accepted; empty: any
};

// {"tau_act": 0.01, …, "error": "l2" | "relative-l2"}. Throws UsageError for unknown fields and for values out of
// range: thresholds from 0 on, alphas from 0 to 1.
[[nodiscard]] PolicyChanges policyChangesFromJson(const Json& json, std::string_view source);

// The fields above with "schema": "blockcert.policy/1" and "models". Throws FileError, FormatError, UnsupportedError.
[[nodiscard]] PolicyFile readPolicyFile(const std::filesystem::path& path);

}
