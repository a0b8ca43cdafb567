// The sentence above a map of differences: how far the numbers of B lie from those of A, and to which side.
#pragma once

#include "app/workbench/session/map_summary.h"

namespace blockcert::workbench {

// Of a map of widgets/change.h. Looks at every measured cell: call it outside the GUI thread.
[[nodiscard]] MapSummary summariseChange(const widgets::TokenMap& map, widgets::Metric metric);

}
