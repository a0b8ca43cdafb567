// What a machine must get right before its numbers are worth anything: each test says in a sentence what it saw.
#pragma once

#include "engine/base/strict_json.h"
#include "engine/values/dtype.h"

#include <filesystem>

namespace blockcert {
class RunContext;
}

namespace blockcert::model {
class Transformer;
}

namespace blockcert::pipeline {

// Rows keep their bits in any company and on any number of threads, for layers of several shapes.
[[nodiscard]] bool rowsAreInvariant(DType dtype, const RunContext& context);

// Rows for `checks` (docs/protocol.md, doctor): {"id", "title", "ok", "detail"}.
[[nodiscard]] Json checkRow(const std::string& id, const std::string& title, bool ok, const std::string& detail);
[[nodiscard]] Json checkInvariance(DType dtype, const RunContext& context);
// The fast interpreter against the judge on a made-up block of either family.
[[nodiscard]] Json checkInterpreters(const RunContext& context);
// Known blocks of quantised types and known roundings.
[[nodiscard]] Json checkConversions();
// A short pass through the model itself: finite, and the same bits from its middle.
[[nodiscard]] Json checkForward(model::Transformer& transformer, const RunContext& context);
// The model's logits against those of a file.
[[nodiscard]] Json checkReference(model::Transformer& transformer, const std::filesystem::path& reference,
                                  const RunContext& context);

}
