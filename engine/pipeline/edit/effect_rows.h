// What a stack of edits does as the JSON of `edit_effect` (docs/protocol.md).
#pragma once

#include "engine/base/strict_json.h"
#include "engine/certificate/edit_metrics.h"
#include "engine/ir/block_ir.h"
#include "engine/values/edit_certificate.h"
#include "engine/values/prompt_set.h"
#include "engine/values/refusal.h"

#include <map>
#include <string>
#include <vector>

namespace blockcert::pipeline {

// Sentences, one a step.
[[nodiscard]] Json stepTexts(const Patch& patch);

// From columns.error over `blocks` (which may be none).
[[nodiscard]] Json localRows(const certificate::EditColumns& columns, const std::vector<LayerIndex>& blocks,
                             const PromptSet& prompts);

[[nodiscard]] Json downstreamRows(const EditEffect& effect, const PromptSet& heldout);

// One side of one prompt: text, tokens, end, verdict, markers.
[[nodiscard]] Json completionRow(const CompletionText& completion, std::int64_t tokens, const MarkerLists& markers);

// Name, version, digest and both lists.
[[nodiscard]] Json markerRows(const MarkerLists& markers);

// All prompts, accuracies, what is counted apart, and the marker lists; `rows` and columns are of the same prompts.
[[nodiscard]] Json completionRows(const std::vector<RefusalRow>& rows, const certificate::CompletionColumns& before,
                                  const certificate::CompletionColumns& after, const MarkerLists& markers);

// `touched` and, of the weights that steps name but leave as they are, rows that say so.
[[nodiscard]] Json receiptRows(const Patch& patch, const std::vector<TouchedTensor>& touched,
                               const std::map<LayerIndex, ir::BlockIr>& blocks);

}
