// Renders the messages of a prompt with a model's chat template.
#pragma once

#include "engine/tokenizer/tokenizer.h"
#include "engine/values/prompt_set.h"

#include <map>
#include <span>
#include <string>
#include <string_view>

namespace blockcert::tokenizer {

// `strings` are bos_token and the like. Throws what the interpreter throws (jinja/interpreter.h), and FormatError for
// a template or message that is not UTF-8.
[[nodiscard]] RenderedChat renderTemplate(std::string_view source, std::span<const ChatMessage> messages,
                                          const std::map<std::string, std::string>& strings, bool addGenerationPrompt,
                                          std::string_view date);

}
