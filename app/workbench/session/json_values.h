// Turns the answers of docs/protocol.md into the values the views show.
#pragma once

#include "app/workbench/session/run_view.h"
#include "engine/base/strict_json.h"
#include "widgets/values.h"

#include <QString>

#include <memory>
#include <optional>

namespace blockcert::workbench {

// All of them accept what is missing or of another type as "not given"; what cannot be shown without it is a
// FormatError naming the field. They run in worker threads as well.

[[nodiscard]] widgets::ModelCard modelCardOf(const Json& open);
[[nodiscard]] widgets::PromptList promptListOf(const Json& tokenize,
                                               const std::optional<widgets::TokenizerCard>& tokenizer);
// The surrogates of a run's request as `--surrogate` and `--ablate` spell them: "low-rank:64:attn", "exact,
// scale-mlp:0.5".
[[nodiscard]] QString surrogateOf(const Json& request);
[[nodiscard]] QString familyOf(const Json& request);   // its first part
[[nodiscard]] QString ablationOf(const Json& request); // its second, or empty
[[nodiscard]] RunView runViewOf(const Json& show);
[[nodiscard]] widgets::VerdictView verdictViewOf(const Json& verdict);
[[nodiscard]] widgets::BlockRow blockRowOf(const Json& block);
// The numbers of `cells[]` of show, or of a finished cell of $/progress.
[[nodiscard]] widgets::MapCell mapCellOf(const Json& cell);
[[nodiscard]] widgets::Thresholds thresholdsOf(const Json& policy);
// A certified number's value, or a plain number; `missing` for everything else.
[[nodiscard]] double numberOf(const Json& object, const char* key);

}
