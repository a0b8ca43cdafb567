// run.json <-> RunManifest and RunState: strict in, deterministic out (schema blockcert.run/1).
#pragma once

#include "engine/base/strict_json.h"
#include "engine/values/run_manifest.h"

#include <string_view>

namespace blockcert::certificate {

struct RunDocument {
    RunManifest manifest;
    RunState state;

    friend bool operator==(const RunDocument&, const RunDocument&) = default;
};

[[nodiscard]] Json runToJson(const RunDocument& run);

// Throws FormatError naming `source` and the field, UnsupportedError for another major version.
[[nodiscard]] RunDocument runFromJson(const Json& json, std::string_view source);

}
