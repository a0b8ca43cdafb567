// A stitched model as `stitch` and `show` give it, from its certificate (docs/protocol.md, "stitch").
#pragma once

#include "engine/base/strict_json.h"
#include "engine/values/prompt_set.h"
#include "engine/values/stitch_certificate.h"

namespace blockcert::protocol {

// Which of the replaced blocks an edit of the run has changed: {"name", "blocks"}.
[[nodiscard]] Json editedRow(const StitchedEdit& edit);

// `prompts` gives tokens their pieces; a piece is "" where the set does not know it.
[[nodiscard]] Json stitchRow(const StitchCertificate& certificate, const PromptSet& prompts);

}
