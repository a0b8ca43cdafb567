// A block program as strict JSON and a block as ir.h5, in both directions (docs/run-directory.md, "ir.h5").
#pragma once

#include "engine/ir/block_ir.h"

#include <string>
#include <string_view>
#include <vector>

namespace blockcert::artifact {
class ArchiveReader;
class ArchiveWriter;
}

namespace blockcert::ir {

[[nodiscard]] std::string writeProgram(const BlockProgram& program);

// Refuses unknown and missing fields and whatever validate() refuses, with FormatError naming `source` and the
// operation; UnsupportedError for another schema version.
[[nodiscard]] BlockProgram readProgram(std::string_view text, std::string_view source);

// Adds program, mask, rope_cos, rope_sin and the weights without reference, in this order. The caller closes.
void writeBlockIr(const BlockIr& block, artifact::ArchiveWriter& archive);

// Reads all of it; weights by reference stay absent from BlockIr::weights and are the caller's to load. Refuses with
// FormatError missing and additional datasets, other shapes and types, and a mask that is not 0 and 1.
[[nodiscard]] BlockIr readBlockIr(artifact::ArchiveReader& archive, std::string_view source);

// Names of the weights in block.weights whose type, shape or digest is not what the program says.
[[nodiscard]] std::vector<std::string> wrongWeights(const BlockIr& block);

}
