// Tokenises a run's prompts again with the model's own tokenizer and compares every id.
#pragma once

#include "engine/artifact/checkpoint.h"
#include "engine/certificate/check_list.h"
#include "engine/values/run_manifest.h"

namespace blockcert::certificate {

// Row model.tokens. Prompts of literal ids have nothing to tokenise; a bundled set is encoded from this program's copy.
void checkRetokenised(const RunManifest& manifest, const artifact::Checkpoint& model, CheckList& checks);

}
