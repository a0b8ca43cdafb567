// A regular file that is opened once: headers, weights and digests are read through the same descriptor.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <shared_mutex>
#include <span>
#include <vector>

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

    // Bytes that have been read before they are needed; whoever holds them keeps them until others replace them.
    struct Held {
        std::uint64_t begin = 0;
        std::span<const std::byte> bytes;
    };

    // From now on readAt() takes what lies within one of these from there; none: it reads everything.
    void hold(std::vector<Held> ranges) const;

    // Fills `target` with pread(2), or from what is held. Throws FileError if the file has become shorter than that.
    void readAt(std::uint64_t offset, std::span<std::byte> target) const;

    // What readAt() has read with pread so far.
    [[nodiscard]] std::uint64_t bytesRead() const { return m_bytesRead.load(std::memory_order_relaxed); }

    // Throws FileError if size or modification time are no longer those at opening: what was checked and
    // hashed would not be what is read.
    void requireUnchanged() const;

private:
    std::filesystem::path m_path;
    int m_descriptor = -1;
    std::uint64_t m_size = 0;
    std::int64_t m_modifiedSeconds = 0;
    std::int64_t m_modifiedNanoseconds = 0;
    mutable std::atomic<std::uint64_t> m_bytesRead = 0;
    mutable std::shared_mutex m_holding;
    mutable std::vector<Held> m_held;
};

}
