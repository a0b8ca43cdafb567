// Parameters of `edit` and `sweep` (and, in the same form, of their command lines) -> options of the pipeline.
#pragma once

#include "engine/base/strict_json.h"
#include "engine/pipeline/edit/edit.h"

namespace blockcert::engine {

// Throws UsageError for a parameter that is missing, unknown, or of the wrong type or range.
[[nodiscard]] pipeline::EditOptions editOptions(const Json& parameters);
[[nodiscard]] pipeline::SweepOptions sweepOptions(const Json& parameters);

[[nodiscard]] pipeline::EditEffectOptions editEffectOptions(const Json& parameters);
[[nodiscard]] pipeline::WritePatchOptions writePatchOptions(const Json& parameters);
[[nodiscard]] pipeline::ReadPatchOptions readPatchOptions(const Json& parameters);

[[nodiscard]] std::filesystem::path markersFile(const Json& parameters); // of read_markers; empty: the bundled lists

[[nodiscard]] pipeline::ExportEditOptions exportEditOptions(const Json& parameters);

// A sweep that was begun and not finished.
[[nodiscard]] bool isSweepResumable(const Json& parameters);

}
