// The header of one GGUF part: metadata and tensor list, parsed and checked against the file's size.
#pragma once

#include "engine/artifact/gguf.h"
#include "engine/artifact/input_file.h"

#include <map>
#include <string>
#include <vector>

namespace blockcert::artifact {

struct GgufPart {
    std::map<std::string, GgufValue, std::less<>> metadata;
    std::vector<TensorEntry> tensors; // begin and end are byte positions in the file; file is 0
};

[[nodiscard]] GgufPart readGgufPart(const InputFile& input, const GgufLimits& limits);

}
