// A safetensors file as a value that a test may forge before it is written.
#pragma once

#include "engine/artifact/safetensors.h"
#include "engine/base/strict_json.h"

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

namespace blockcert::exchange::test {

struct LooseFile {
    std::map<std::string, std::string> metadata;
    std::map<std::string, HostTensor> tensors;

    static LooseFile read(const std::filesystem::path& path)
    {
        const auto file = artifact::SafetensorsFile::open(path);
        LooseFile loose{file.metadata(), {}};
        for (const artifact::TensorEntry& tensor : file.tensors())
            loose.tensors[tensor.name] = file.read(tensor.name);
        return loose;
    }

    void write(const std::filesystem::path& path) const
    {
        Json header = {{"__metadata__", metadata}};
        std::string data;
        for (const auto& [name, tensor] : tensors) {
            const std::size_t begin = data.size();
            data.append(reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size());
            const std::string dtype = tensor.dtype == DType::Bool ? "BOOL" : std::string(nameOf(tensor.dtype));
            header[name] = {{"dtype", dtype}, {"shape", tensor.shape}, {"data_offsets", {begin, data.size()}}};
        }
        const std::string text = header.dump();
        std::string length(8, '\0');
        for (std::size_t i = 0; i < 8; ++i)
            length[i] = static_cast<char>(text.size() >> (8 * i) & 0xFF);
        std::ofstream(path, std::ios::binary) << length << text << data;
    }
};

}
