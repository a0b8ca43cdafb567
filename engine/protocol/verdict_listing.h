// The answer to `verify`: a verdict as JSON, with the scope it speaks about (docs/protocol.md).
#pragma once

#include "engine/base/strict_json.h"
#include "engine/values/verdict.h"

#include <filesystem>
#include <string_view>

namespace blockcert::protocol {

// "verified", "failed", "not_checked" or "weaker_than_policy".
[[nodiscard]] std::string_view nameOf(CheckState state);

[[nodiscard]] Json checkToJson(const Check& check);

// `scope` repeats what run.json and the certificates say about model and prompts; null where they cannot be read.
[[nodiscard]] Json verdictToJson(const Verdict& verdict, const std::filesystem::path& runOrCertificate);

}
