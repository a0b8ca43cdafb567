// Finds the other checkpoint that a request's surrogates may come from, and says in the manifest what it is.
#pragma once

#include "engine/pipeline/loaded_model.h"
#include "engine/pipeline/surrogate.h"
#include "engine/values/run_manifest.h"

#include <memory>
#include <string>
#include <vector>

namespace blockcert::pipeline {

struct OtherModel {
    std::shared_ptr<artifact::Checkpoint> checkpoint; // null unless --surrogate is "checkpoint:MODEL"
    std::vector<std::string> differences;             // from the model, beside the weights
};

// Headers and tokenizers alone. Throws what opening a checkpoint throws, and UsageError if its blocks have another
// shape.
[[nodiscard]] OtherModel openOther(const std::string& surrogate, const OpenedModel& opened,
                                   const ModelCache::State& state);

// The differences as sentences, and the same as progress (stage "compare", `notes` in the detail): what a reader should
// know before anything is computed.
[[nodiscard]] std::vector<std::string> notesOn(const OtherModel& other);
void reportNotes(const OtherModel& other, const RunContext& context);

// Hashes that checkpoint and fills the manifest's surrogateHint and surrogateModel. The model's files must have been
// hashed; `opened` must outlive the result.
[[nodiscard]] Surrogates openSurrogates(const std::string& surrogate, const OtherModel& other,
                                        const OpenedModel& opened, const ModelCache::State& state,
                                        RunManifest& manifest, const RunContext& context);

}
