// The tokenizer of a checkpoint as the files of a Hugging Face folder: copied, or written from a GGUF's metadata.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace blockcert::artifact {
class Checkpoint;
class GgufFile;
}

namespace blockcert::exchange {

// The names of the files that were written; none if the model has no tokenizer. Throws FileError, UnsupportedError.
[[nodiscard]] std::vector<std::string> writeTokenizerFiles(const artifact::Checkpoint& model,
                                                           const std::filesystem::path& folder);

}
