// The plain sentences of a verdict: what was found, what was not looked at, what a certificate does not say.
#pragma once

#include "engine/certificate/check_list.h"
#include "engine/certificate/run_contents.h"
#include "engine/values/verdict.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace blockcert::certificate {

[[nodiscard]] VerdictScope scopeOf(const RunContents& contents);

// "2 prompts were longer than 256 tokens and lost 40 tokens at the end", or than the model's context where that is
// less; nothing if none was.
[[nodiscard]] std::optional<std::string> truncationText(const PromptSet& prompts, std::int64_t maxTokens);

// State, exit code, sentence, notChecked and doesNotSay from the rows; the level is the one asked for.
void conclude(Verdict& verdict, const RunContents& contents, const CheckList& checks);

}
