// Reads the header of one safetensors file with every check of the format's reference, and tensors by name.
#pragma once

#include "engine/artifact/checkpoint.h"
#include "engine/artifact/input_file.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace blockcert::artifact {

struct SafetensorsLimits {
    std::uint64_t headerBytes = 100'000'000;
    std::uint64_t tensors = 100'000;
    std::uint64_t rank = 8;
    std::uint64_t nameBytes = 512;
};

// Immutable; const members may be called from several threads. The file must be exactly header and data: tensors lie
// one after the other without holes or overlap, and the last ends at the end of the file.
class SafetensorsFile {
public:
    // Throws FileError, FormatError, UnsupportedError (element type by name). Nothing but the header is read.
    [[nodiscard]] static SafetensorsFile open(const std::filesystem::path& path, const SafetensorsLimits& limits = {});

    // In the order of the data; begin and end are byte positions in the file, file is 0.
    [[nodiscard]] const std::vector<TensorEntry>& tensors() const { return m_tensors; }

    [[nodiscard]] const TensorEntry* find(std::string_view name) const;

    [[nodiscard]] const std::map<std::string, std::string>& metadata() const { return m_metadata; }

    [[nodiscard]] const std::shared_ptr<const InputFile>& input() const { return m_input; }

    // The tensor's bytes as they are stored. Throws FormatError if there is no such tensor.
    [[nodiscard]] HostTensor read(std::string_view name) const;

private:
    std::shared_ptr<const InputFile> m_input;
    std::vector<TensorEntry> m_tensors;
    std::map<std::string, std::size_t, std::less<>> m_byName;
    std::map<std::string, std::string> m_metadata;
};

}
