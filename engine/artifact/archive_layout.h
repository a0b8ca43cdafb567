// Where each tensor of an archive lies in its file: all that is ever asked of HDF5 when reading.
#pragma once

#include "engine/artifact/tensor_archive.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace blockcert::artifact {

// The element types an archive can hold.
inline constexpr std::array archiveTypes = {DType::F64, DType::F32, DType::F16, DType::BF16, DType::I64,
                                            DType::I32, DType::I16, DType::I8,  DType::U8};

// Elements lie in C order, without gaps, from byte `offset` of the file.
struct PlacedEntry {
    ArchiveEntry entry;
    std::uint64_t offset = 0; // 0 for a tensor without elements

    [[nodiscard]] std::uint64_t byteCount() const; // only meaningful once checkLayout() has passed
};

using ArchiveLayout = std::vector<PlacedEntry>;

// How the bytes of the file reach HDF5.
struct ArchiveBytes {
    std::string path;            // opened by HDF5 itself, if there is no image
    const void* image = nullptr; // the whole file in memory: HDF5 then opens nothing
    std::size_t imageSize = 0;
};

// Walks the file with HDF5 and refuses by name whatever docs/run-directory.md does not describe: other links than
// single hard ones, attributes, filters, chunks, external or virtual storage, other types, growing dataspaces.
// Throws FormatError whose sentence does not name the file: the caller puts the name before it.
[[nodiscard]] ArchiveLayout readLayout(const ArchiveBytes& bytes);

// Checks, without HDF5, that names, ranks and sizes are within limits, that every tensor lies inside the file and
// that no two overlap. Throws FormatError; `source` names the file in this and all further messages.
void checkLayout(const ArchiveLayout& layout, std::uint64_t fileSize, std::string_view source);

// The answer of the reader child: {"entries": […]} or {"problem": "…"}, as JSON text.
[[nodiscard]] std::string layoutAnswer(const ArchiveLayout& layout);
[[nodiscard]] std::string problemAnswer(std::string_view problem);

// Reads such an answer, trusting nothing in it; a problem is thrown as FormatError. checkLayout() must follow.
[[nodiscard]] ArchiveLayout readAnswer(std::string_view answer, std::string_view source);

}
