// One row of blocks[] as `certify` and `show` give it, from a block's certificate (docs/protocol.md).
#pragma once

#include "engine/base/strict_json.h"
#include "engine/values/certificate.h"
#include "engine/values/prompt_set.h"

namespace blockcert::protocol {

// `prompts` gives the worst token its piece; the piece is "" where the set does not know it.
[[nodiscard]] Json blockRow(const Certificate& certificate, const PromptSet& prompts);

// {"code", "where", "observed" | null, "threshold"}
[[nodiscard]] Json findingRow(const CertificateFinding& finding);

// The piece at a place of a prompt set, or "".
[[nodiscard]] std::string pieceAt(const PromptSet& prompts, PromptIndex prompt, std::int32_t token);

}
