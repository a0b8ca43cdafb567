// The answers to `run_files` and `run_read`: a run's files, for whoever fetches it from another machine.
#pragma once

#include "engine/base/strict_json.h"

#include <cstdint>
#include <filesystem>
#include <string>

namespace blockcert::protocol {

// At most so many bytes of a file in one answer: as base64 they stay below the longest text of a strict JSON message.
inline constexpr std::int64_t largestRunChunk = std::int64_t{512} << 10;

// {"run", "digest" (of SHA256SUMS), "bytes" (of all files), "files": [{"path", "size", "sha256"}]}: what SHA256SUMS
// lists, and itself as the last one. Throws FileError if the folder is no finished run, FormatError if the list is
// none.
[[nodiscard]] Json listRunFiles(const std::filesystem::path& run);

// {"path", "offset", "size" (of the whole file), "data" (base64)}: at most `bytes` from `offset` on. Only files that
// listRunFiles() names are read, none of them through a link. Throws FileError, UsageError.
[[nodiscard]] Json readRunFile(const std::filesystem::path& run, const std::string& path, std::int64_t offset,
                               std::int64_t bytes);

}
