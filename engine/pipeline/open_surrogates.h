// Finds the other checkpoint that a request's surrogates may come from, and says in the manifest what it is.
#pragma once

#include "engine/pipeline/loaded_model.h"
#include "engine/pipeline/surrogate.h"
#include "engine/values/run_manifest.h"

#include <memory>
#include <string>

namespace blockcert::pipeline {

// Headers alone; null unless `surrogate`, the text of --surrogate, is "checkpoint:MODEL". Throws what opening a
// checkpoint throws, and UsageError if its blocks have another shape.
[[nodiscard]] std::shared_ptr<artifact::Checkpoint> openOther(const std::string& surrogate, const OpenedModel& opened,
                                                              const ModelCache::State& state);

// Hashes that checkpoint, fills the manifest's surrogateHint and surrogateModel, and reports how it differs from the
// model (stage "compare", `notes` in the detail). The model's files must have been hashed; `opened` must outlive the
// result.
[[nodiscard]] Surrogates openSurrogates(const std::string& surrogate, const OpenedModel& opened,
                                        const ModelCache::State& state, RunManifest& manifest,
                                        const RunContext& context);

}
