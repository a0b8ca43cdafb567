// The order in which a block program is run: row operations one by one, attention as a whole.
#pragma once

#include "engine/ir/block_ir.h"

#include <cstddef>
#include <string>
#include <vector>

namespace blockcert::replay {

// Operations begin … end − 1 of the program. An attention step runs prompt by prompt and head by head, and its score
// registers live no longer than that.
struct Step {
    std::size_t begin = 0;
    std::size_t end = 0;
    bool attention = false;
    std::vector<std::string> finished; // row registers that nothing after this step reads
};

// Throws what ir::validate() throws, and UnsupportedError for a program whose score registers are used by operations
// that do not follow one another.
[[nodiscard]] std::vector<Step> scheduleOf(const ir::BlockProgram& program);

// The registers an operation reads, and the one it writes.
[[nodiscard]] std::vector<std::string> inputsOf(const ir::Operation& operation);
[[nodiscard]] const std::string& outputOf(const ir::Operation& operation);

}
