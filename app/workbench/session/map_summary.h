// The sentence above a map: what stands out, in plain words and with its denominator.
#pragma once

#include "widgets/values.h"

#include <QString>

#include <optional>
#include <vector>

namespace blockcert::workbench {

struct MapSummary {
    QString sentence;
    widgets::CellKey worst; // where to look first; invalid if nothing was measured
};

// Of the metric's own threshold; margins, which have none, name the smallest. Looks at every measured cell: call it
// outside the GUI thread for large maps.
[[nodiscard]] MapSummary summarise(const widgets::TokenMap& map, widgets::Metric metric);

// "29 of 30 blocks are certified." with why not, for the block table; empty while nothing is finished.
// Without a verdict about the whole run, what is certified is only what the issuer says.
[[nodiscard]] QString summariseBlocks(const std::vector<widgets::BlockRow>& rows,
                                      const std::optional<widgets::RunVerdict>& verdict);

}
