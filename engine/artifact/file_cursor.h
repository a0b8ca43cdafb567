// Reads little-endian values from the front part of a file and refuses to step over its end.
#pragma once

#include "engine/artifact/input_file.h"

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace blockcert::artifact {

// Not thread-safe. Every fault is a FormatError that names the file and the byte offset.
class FileCursor {
public:
    // Nothing at or after byte `limit` is read; a longer header is a ResourceError.
    FileCursor(const InputFile& file, std::uint64_t limit);

    [[nodiscard]] std::uint64_t offset() const { return m_offset; }

    [[nodiscard]] std::uint64_t remaining() const { return m_file.size() - m_offset; } // bytes up to the file's end

    void read(std::span<std::byte> target, const char* what);

    template <std::unsigned_integral T>
    [[nodiscard]] T unsignedInteger(const char* what)
    {
        std::array<std::byte, sizeof(T)> bytes{};
        read(bytes, what);
        T value = 0;
        for (std::size_t i = 0; i < bytes.size(); ++i)
            value = static_cast<T>(value | static_cast<T>(std::to_integer<T>(bytes[i]) << (8U * i)));
        return value;
    }

    // A u64 length and that many bytes; a length above `limit` or above what is left is refused before any
    // memory is taken.
    [[nodiscard]] std::string text(std::uint64_t limit, const char* what);

    // Refuses unless `count` elements of at least `bytesEach` can still follow.
    void requireRoom(std::uint64_t count, std::uint64_t bytesEach, const char* what) const;

    [[noreturn]] void refuse(std::uint64_t offset, const std::string& what) const;

private:
    void fill();

    const InputFile& m_file;
    std::uint64_t m_limit;
    std::uint64_t m_offset = 0;      // of the next byte given out
    std::uint64_t m_bufferBegin = 0; // file position of m_buffer[0]
    std::vector<std::byte> m_buffer;
};

}
