// A run's numbers as tables for spreadsheets: `blockcert export csv` (docs/protocol.md, "export csv").
#pragma once

#include "engine/base/strict_json.h"

#include <string>

namespace blockcert::exchange {

// Both take what `show --json --tokens` answers. One row for every token of every block, and one for every block.
[[nodiscard]] std::string tokensToCsv(const Json& listing);
[[nodiscard]] std::string blocksToCsv(const Json& listing);

}
