// A regular file that is opened once: headers, weights and digests are read through the same descriptor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

namespace blockcert::artifact {

// Immutable; const members may be called from several threads (positions are arguments).
class InputFile {
public:
    // Throws FileError if it cannot be opened or is not a regular file (never blocks on a pipe).
    explicit InputFile(const std::filesystem::path& path);
    ~InputFile();
    InputFile(const InputFile&) = delete;
    InputFile& operator=(const InputFile&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const { return m_path; }

    [[nodiscard]] std::uint64_t size() const { return m_size; } // when it was opened

    [[nodiscard]] int descriptor() const { return m_descriptor; }

    // Fills `target` with pread(2). Throws FileError if the file has become shorter than that.
    void readAt(std::uint64_t offset, std::span<std::byte> target) const;

    // Throws FileError if size or modification time are no longer those at opening: what was checked and
    // hashed would not be what is read.
    void requireUnchanged() const;

private:
    std::filesystem::path m_path;
    int m_descriptor = -1;
    std::uint64_t m_size = 0;
    std::int64_t m_modifiedSeconds = 0;
    std::int64_t m_modifiedNanoseconds = 0;
};

}
