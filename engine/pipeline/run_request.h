// The options of `certify` as the request and the manifest of a run.
#pragma once

#include "engine/pipeline/loaded_model.h"
#include "engine/pipeline/pipeline.h"
#include "engine/values/run_manifest.h"

namespace blockcert::pipeline {

// Throws UsageError and UnsupportedError for options that make no sense or are not in this version.
[[nodiscard]] RunRequest requestOf(const CertifyOptions& options, const TransformerConfig& config);

[[nodiscard]] Environment environmentOf(const std::string& device, const model::Transformer& transformer,
                                        const model::TilingChoice& replay);

}
