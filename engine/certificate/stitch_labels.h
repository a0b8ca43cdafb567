// The token a labelled prompt should be continued with: what semantic agreement is measured against.
#pragma once

#include "engine/values/prompt_set.h"

#include <cstdint>
#include <vector>

namespace blockcert::tokenizer {
class Tokenizer;
}

namespace blockcert::certificate {

// Per prompt the token that follows it when its label is appended to its text; for literal ids the first token of the
// label alone. −1 without a label, where the prompt's end was cut off, and throughout a set that went through a chat
// template, whose labels are about the whole answer. [P]
[[nodiscard]] std::vector<std::int32_t> labelIds(const PromptSet& prompts, const tokenizer::Tokenizer& tokenizer);

}
