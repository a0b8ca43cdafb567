// Finds and opens the files of a checkpoint: one safetensors file, shards with an index, or a GGUF.
#pragma once

#include "engine/artifact/checkpoint.h"
#include "engine/artifact/gguf.h"
#include "engine/artifact/input_file.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace blockcert::artifact {

struct CheckpointFiles {
    Container container = Container::Safetensors;
    std::filesystem::path folder; // with config.json; empty for a GGUF
    std::vector<WeightFile> files;
    std::vector<std::shared_ptr<const InputFile>> inputs; // as files
    std::vector<TensorEntry> tensors;                     // names are unique
    std::vector<std::string> warnings;
    std::optional<GgufFile> gguf;
};

// A folder, a .safetensors or .safetensors.index.json file, or a GGUF file. Throws FileError, FormatError,
// UnsupportedError (pickle files, with the way to convert them).
[[nodiscard]] CheckpointFiles openCheckpointFiles(const std::filesystem::path& path);

// Throws UnsupportedError if the name is that of a pickle file (.bin, .pt, …).
void refusePickle(const std::filesystem::path& path);

}
