// Files that appear whole or not at all: temporary name, flush, rename.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace blockcert {

class RunContext;

// Later: the file survives the end of this process, killed or not, but not a power failure before flushFiles(): then
// it may be missing, empty or torn, so only files whose digest is checked before use may be left unflushed.
enum class Flush : bool { Later, Now };

// Writes `bytes` to a temporary file beside `path`, fsyncs it, renames it over `path` and fsyncs the folder.
// On any failure the old file stays and the temporary one is removed. Throws OutputError (ResourceError if the
// disk is full), also where `path` is a device, a pipe or a socket.
void writeFileAtomically(const std::filesystem::path& path, std::string_view bytes, Flush when = Flush::Now);

// Gives a finished temporary file (already written by somebody else, such as HDF5) its final name in the same way.
void publishFile(const std::filesystem::path& temporary, const std::filesystem::path& path, Flush when = Flush::Now);

// Asks the system to begin writing a file out, and returns at once: flushFiles() then has less to wait for. Promises
// nothing.
void beginFlush(const std::filesystem::path& path);

// fsyncs files that were written with Flush::Later, and then each of their folders once. Many together cost little
// more than one: several threads wait for the same write of the file system's journal. Polls the context before every
// file.
void flushFiles(std::span<const std::filesystem::path> files, const RunContext& context);

// A whole file, refused with ResourceError above `limit` bytes, with FileError if it is not a regular file.
[[nodiscard]] std::string readWholeFile(const std::filesystem::path& path, std::size_t limit);

}
