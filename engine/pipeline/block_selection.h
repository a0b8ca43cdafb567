// "all" or "0,5,10-12" as block indices.
#pragma once

#include "engine/values/ids.h"

#include <cstdint>
#include <string>
#include <vector>

namespace blockcert::pipeline {

// Ascending, each once. Throws UsageError for anything else and for blocks the model does not have.
[[nodiscard]] std::vector<LayerIndex> selectBlocks(const std::string& text, std::int32_t layers);

}
