// "all" or "0,5,10-12" as block indices.
#pragma once

#include "engine/values/ids.h"

#include <cstdint>
#include <string>
#include <vector>

namespace blockcert::certificate {

// Ascending, each once. Throws UsageError for anything else and for blocks the model does not have.
[[nodiscard]] std::vector<LayerIndex> blocksFrom(const std::string& text, std::int32_t layers);

}
