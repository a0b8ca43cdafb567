// A file that is written in pieces, each at its place, and gets its name when it is whole.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

namespace blockcert::exchange {

// Not thread-safe. Until publish() the file is called PATH.part; one that is not published is removed.
class PlacedFile {
public:
    // Throws ResourceError where there is no room, OutputError for whatever else keeps it from being written; so do the
    // others.
    explicit PlacedFile(std::filesystem::path path);
    ~PlacedFile();
    PlacedFile(const PlacedFile&) = delete;
    PlacedFile& operator=(const PlacedFile&) = delete;

    void write(std::int64_t offset, std::span<const std::byte> bytes);
    void publish();

private:
    std::filesystem::path m_path;
    std::filesystem::path m_temporary;
    int m_descriptor = -1;
};

}
