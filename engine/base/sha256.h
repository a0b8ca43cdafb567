// SHA-256 of bytes, files and logical tensors (OpenSSL EVP).
#pragma once

#include "engine/values/host_tensor.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace blockcert {

class RunContext;

// One running digest. Not thread-safe; use one per thread.
class Sha256 {
public:
    Sha256();
    ~Sha256();
    Sha256(Sha256&&) noexcept;
    Sha256& operator=(Sha256&&) noexcept;

    void add(std::span<const std::byte> bytes);
    void add(std::string_view text);

    // Lower-case hexadecimal, 64 characters. The object must not be used afterwards.
    [[nodiscard]] std::string finish();

private:
    struct State;
    std::unique_ptr<State> m_state;
};

[[nodiscard]] std::string sha256Of(std::string_view bytes);
[[nodiscard]] std::string sha256Of(std::span<const std::byte> bytes);

// Reads the whole file with read(2); reports stage "hash" in bytes. Throws FileError, Cancelled.
[[nodiscard]] std::string sha256OfFile(const std::filesystem::path& path, const RunContext& context);

// The same from an open descriptor, from offset 0, without moving its file position.
[[nodiscard]] std::string sha256OfDescriptor(int descriptor, const RunContext& context);

// Digest of a tensor's content independent of its container: the ASCII bytes "blockcert.tensor.v1" and a
// zero byte | the dtype's name and a zero byte | rank as u64 LE | each dimension as u64 LE | C-order
// little-endian bytes.
[[nodiscard]] std::string sha256OfTensor(const HostTensor& tensor);

}
