// Reads tensors at known places of an open file: what both ways of opening an archive end in.
#pragma once

#include "engine/artifact/archive_layout.h"

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

namespace blockcert::artifact {

// A file descriptor that closes itself.
class Descriptor {
public:
    explicit Descriptor(int descriptor)
        : m_descriptor(descriptor)
    {
    }

    Descriptor(Descriptor&& other) noexcept;
    Descriptor& operator=(Descriptor&& other) noexcept;
    ~Descriptor();

    [[nodiscard]] int value() const { return m_descriptor; }

    void close();

private:
    int m_descriptor;
};

// Size of the regular file behind `descriptor`; FileError for anything else.
[[nodiscard]] std::uint64_t sizeOfFile(int descriptor, std::string_view source);

// `layout` has passed checkLayout().
[[nodiscard]] std::unique_ptr<ArchiveReader> readPlaced(Descriptor descriptor, const ArchiveLayout& layout,
                                                        std::string_view source);

// openForeignArchive() that waits at most `patience` for the child.
[[nodiscard]] std::unique_ptr<ArchiveReader> openThroughChild(int descriptor, std::string_view name,
                                                              const std::filesystem::path& childProgram,
                                                              std::chrono::milliseconds patience);

}
