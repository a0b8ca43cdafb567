// How the issuing side puts files into a run directory: whole, named by digest, and without leftovers.
#pragma once

#include "engine/base/atomic_file.h"
#include "engine/base/strict_json.h"
#include "engine/values/certificate.h"

#include <filesystem>
#include <string>

namespace blockcert::certificate {

// Size, digest and the digest of every tensor of an archive this process has just written.
[[nodiscard]] ArtifactDigest digestOf(const std::filesystem::path& run, const std::string& path,
                                      const std::string& role);
// True if the file is there with the size and digest it is named with.
[[nodiscard]] bool isIntact(const std::filesystem::path& run, const ArtifactDigest& artifact);

// A document that could not be read back must not be written: ResourceError.
void writeDocument(const std::filesystem::path& path, const Json& json, Flush when = Flush::Now);

// With its parents. Throws OutputError.
void makeFolder(const std::filesystem::path& path);

// The name under which a file is written before publishFile(); nothing lies there.
[[nodiscard]] std::filesystem::path temporaryFor(const std::filesystem::path& path);

// Removes what a killed writer left beside a file it had not published yet.
void removeLeftovers(const std::filesystem::path& folder);

}
