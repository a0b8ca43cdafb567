// The blocks of a request, as the command line names them.
#pragma once

#include "engine/certificate/block_list.h"

namespace blockcert::pipeline {

[[nodiscard]] inline std::vector<LayerIndex> selectBlocks(const std::string& text, std::int32_t layers)
{
    return certificate::blocksFrom(text, layers);
}

}
