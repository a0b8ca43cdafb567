// What a request asks to be edited, as a patch with its tensors, and the prompts it is judged on.
#pragma once

#include "engine/edit/condition.h"
#include "engine/edit/patch_tensors.h"
#include "engine/pipeline/edit/edit.h"
#include "engine/pipeline/loaded_model.h"
#include "engine/values/patch.h"
#include "engine/values/refusal.h"

namespace blockcert::pipeline {

struct RequestedPatch {
    Patch patch;
    edit::PatchTensors tensors;
};

// `model` has been hashed. Throws UsageError for options that make no single step, and what the checks of engine/edit
// throw: a patch for another model, a shape, a NaN.
[[nodiscard]] RequestedPatch requestedPatch(const PatchOptions& options, const artifact::Checkpoint& model);

// Edits one after the other, each as options that make a single step; none at all is the model itself.
[[nodiscard]] RequestedPatch requestedStack(const std::vector<PatchOptions>& edits, const artifact::Checkpoint& model);

// Whether every strength leaves the model as it is.
[[nodiscard]] bool isNeutral(const Patch& patch);

// What ends a completion.
[[nodiscard]] std::vector<TokenId> stopTokens(const OpenedModel& opened);

[[nodiscard]] MarkerLists requestedMarkers(const RefusalOptions& options);
[[nodiscard]] edit::Preamble requestedPreamble(const RefusalOptions& options);

// What the set is called, whatever is put before its prompts.
[[nodiscard]] std::string promptsName(const PromptOptions& prompts);

// The prompts under the condition, as options whose content is a prompt file of its own.
[[nodiscard]] PromptOptions conditionedPrompts(PromptOptions prompts, const edit::Preamble& preamble);

// Throws UsageError naming the first prompt that lost its end, to --max-tokens or to the model's context of so many
// tokens: a cut question is another question.
void requireWhole(const PromptSet& prompts, std::int64_t context);

}
