// Tokenises a run's prompts again with the model's own tokenizer and compares every id.
#pragma once

#include "engine/artifact/checkpoint.h"
#include "engine/certificate/check_list.h"
#include "engine/values/certificate.h"
#include "engine/values/run_manifest.h"

#include <string>
#include <vector>

namespace blockcert::certificate {

// Rows model.tokens and model.lengths. Prompts of literal ids have nothing to tokenise; a bundled set is encoded from
// this program's copy.
void checkRetokenised(const RunManifest& manifest, const artifact::Checkpoint& model, CheckList& checks);

// Row edit.heldout_tokens: the same of the prompts that an edit's side effects were measured on. `ids` [prompt].
void checkHeldOutTokens(const PromptSetStatement& heldout, const std::vector<std::vector<TokenId>>& ids,
                        const std::string& where, const artifact::Checkpoint& model, CheckList& checks);

}
