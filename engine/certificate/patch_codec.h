// Patch files: JSON <-> Patch, strict in, deterministic out (schema blockcert.patch/1).
#pragma once

#include "engine/certificate/json_fields.h"
#include "engine/values/patch.h"

#include <filesystem>
#include <string_view>

namespace blockcert::certificate {

[[nodiscard]] Json patchToJson(const Patch& patch);
// Throws FormatError naming the field, UnsupportedError for another major version.
[[nodiscard]] Patch patchFromJson(JsonFields fields);
[[nodiscard]] Patch parsePatch(std::string_view text, std::string_view source);

}
