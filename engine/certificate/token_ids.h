// What a certificate states about its prompts, with the digest that binds it to their exact token ids.
#pragma once

#include "engine/values/certificate.h"
#include "engine/values/prompt_set.h"

#include <cstdint>
#include <span>
#include <string>

namespace blockcert::certificate {

// SHA-256 over all ids: per prompt its length as u64 LE, then each id as i32 LE.
[[nodiscard]] std::string tokenIdsDigest(const PromptSet& prompts);
[[nodiscard]] std::string tokenIdsDigest(std::span<const std::int64_t> offset, std::span<const TokenId> ids);

[[nodiscard]] PromptSetStatement statementOf(const PromptSet& prompts);

}
