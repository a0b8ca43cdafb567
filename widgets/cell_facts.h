// The numbers of one cell as labelled facts, the same in the hover card and the inspector.
#pragma once

#include "widgets/fact_list.h"
#include "widgets/values.h"

#include <optional>
#include <vector>

namespace blockcert::widgets {

// What one cell of the map says under a metric. `cell` is null if the cell was not measured.
struct CellReading {
    const MapCell* cell = nullptr;
    const Token* token = nullptr;
    double value = missing;      // of the metric, signed
    double threshold = missing;  // of the metric
    QString headline;            // "0.014217… > 0.01", or the value alone, or "Not measured"
    QString sentence;            // "error ‖ŷ − y‖₂ exceeds τ_act by 42 %"
    std::optional<bool> covered; // absent: not measured or no threshold
};

[[nodiscard]] CellReading readCell(const TokenMap& map, const CellKey& key, Metric metric);
// All numbers of the cell with every digit; what is missing says so.
[[nodiscard]] std::vector<Fact> cellFacts(const TokenMap& map, const CellKey& key);
// "prompt 5 · stress-translation": its number, as tables and certificates have it, and its name.
[[nodiscard]] QString promptName(const TokenMap& map, int prompt);
// What the next tokens of a cell are of: the original and the surrogate, or the surrogates of A and of B.
[[nodiscard]] QString topTitle(const TokenMap& map);
// Median of the block's output norms over every measured token; `missing` without any.
[[nodiscard]] double medianNorm(const TokenMap& map, int block);

}
