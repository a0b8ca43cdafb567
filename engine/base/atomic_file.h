// Files that appear whole or not at all: temporary name, flush, rename.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace blockcert {

// Writes `bytes` to a temporary file beside `path`, fsyncs it, renames it over `path` and fsyncs the folder.
// On any failure the old file stays and the temporary one is removed. Throws FileError (ResourceError if the
// disk is full).
void writeFileAtomically(const std::filesystem::path& path, std::string_view bytes);

// Gives a finished temporary file (already written by somebody else, such as HDF5) its final name in the same way.
void publishFile(const std::filesystem::path& temporary, const std::filesystem::path& path);

// A whole file, refused with ResourceError above `limit` bytes, with FileError if it is not a regular file.
[[nodiscard]] std::string readWholeFile(const std::filesystem::path& path, std::size_t limit);

}
