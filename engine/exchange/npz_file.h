// A NumPy archive (.npz): a zip file of arrays, written plainly and read as a hostile file.
#pragma once

#include "engine/values/host_tensor.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace blockcert::exchange {

struct NpzLimits {
    std::uint64_t members = 10'000;
    std::uint64_t memberBytes = std::uint64_t{8} << 30U; // after inflating
    std::uint64_t totalBytes = std::uint64_t{64} << 30U;
    std::uint64_t ratio = 100; // inflated to stored, beyond the first MiB
};

// Not thread-safe.
class NpzFile {
public:
    // Reads the directory alone. Members are plain names ending in .npy, each once, stored or deflated, not encrypted,
    // and declare sizes within the limits. Throws FileError, FormatError, UnsupportedError, ResourceError.
    explicit NpzFile(const std::filesystem::path& path, const NpzLimits& limits = {});
    ~NpzFile();
    NpzFile(NpzFile&&) noexcept;
    NpzFile& operator=(NpzFile&&) noexcept;

    // Without .npy, sorted.
    [[nodiscard]] std::vector<std::string> names() const;
    [[nodiscard]] bool has(std::string_view name) const;

    // Inflated within its declared size, its checksum compared. Throws FormatError if there is no such array, or bytes
    // are not what the directory declares.
    [[nodiscard]] HostTensor read(std::string_view name) const;

private:
    struct State;
    std::unique_ptr<State> m_state;
};

// Stored without compression and without times: equal arrays give equal bytes. The file appears whole or not at all.
// Throws OutputError, ResourceError.
void writeNpz(const std::filesystem::path& path, const std::map<std::string, HostTensor>& arrays);

}
