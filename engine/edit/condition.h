// Conditions of a refusal experiment: what stands before each prompt, bundled or one's own.
#pragma once

#include "engine/values/prompt_set.h"
#include "engine/values/refusal.h"

#include <string>
#include <string_view>
#include <vector>

namespace blockcert::edit {

struct Preamble {
    EditCondition condition;
    std::vector<ChatMessage> messages; // empty for none
};

// "none", "system", "few-shot" (bundled), or the text of a preamble file (schema blockcert.preamble/1).
[[nodiscard]] Preamble bundledPreamble(std::string_view name); // UsageError for any other name
[[nodiscard]] Preamble parsePreamble(std::string_view text, std::string_view source);

// Every prompt with the preamble before its own messages; a raw text becomes the message of a user. Named "SET, NAME"
// and no longer bundled; the caller digests it. Unchanged for none. Throws UsageError for a prompt of token ids.
[[nodiscard]] PromptFile conditioned(PromptFile prompts, const Preamble& preamble);

}
