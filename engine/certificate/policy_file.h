// The policy file of `certify --policy` and `verify --policy` (schema blockcert.policy/1).
#pragma once

#include "engine/values/dtype.h"
#include "engine/values/policy.h"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace blockcert::certificate {

struct PolicyFile {
    Policy policy; // what the file does not say is the default it was read with
    // Only looked at when verifying; empty lists allow everything.
    std::vector<std::string> models;  // SHA-256 of weight files
    std::vector<std::string> prompts; // SHA-256 of prompt sets
    std::vector<std::string> tools;   // versions of blockcert
    bool requireLosses = false;       // losses that cannot be recomputed leave a verification incomplete

    friend bool operator==(const PolicyFile&, const PolicyFile&) = default;
};

// The paper's thresholds, and tau_rel by what the baseline computes in: F32 1e-5, F16 5e-3, BF16 2e-2.
[[nodiscard]] Policy defaultPolicy(DType baseline);

// Every field but `schema` may be left out. Numbers are plain or certified numbers. Throws FormatError naming
// `source` and the field, UnsupportedError for another major version.
[[nodiscard]] PolicyFile parsePolicy(std::string_view text, std::string_view source, const Policy& defaults);
// Throws FileError besides.
[[nodiscard]] PolicyFile readPolicyFile(const std::filesystem::path& path, const Policy& defaults);

}
