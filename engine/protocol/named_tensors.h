// An archive of a run whose tensors are believed only where they have the digests that a certificate names.
#pragma once

#include "engine/artifact/tensor_archive.h"
#include "engine/certificate/run_folder.h"
#include "engine/values/certificate.h"

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace blockcert::protocol {

// A tensor is read whole and hashed when rows of it are first asked for, and kept: for the numbers of a run, not for
// the states that its replay needs. So what is shown is what was certified, without hashing gigabytes that nobody looks
// at. readRows() may be called from several threads.
class NamedTensors final : public artifact::ArchiveReader {
public:
    // Throws FormatError if no artifact of this path is named.
    NamedTensors(std::unique_ptr<artifact::ArchiveReader> source, const std::vector<ArtifactDigest>& artifacts,
                 std::string path);

    [[nodiscard]] const std::vector<artifact::ArchiveEntry>& entries() const override { return m_source->entries(); }

    // Throws FormatError for a tensor that is not the one the certificate names.
    [[nodiscard]] HostTensor readRows(std::string_view name, std::int64_t rowBegin, std::int64_t rowEnd) override;

private:
    [[nodiscard]] const HostTensor& whole(std::string_view name);

    std::unique_ptr<artifact::ArchiveReader> m_source;
    ArtifactDigest m_named;
    std::mutex m_mutex;
    std::map<std::string, HostTensor, std::less<>> m_tensors;
};

// The same of a file in a run, through the archive reader child.
[[nodiscard]] std::unique_ptr<artifact::ArchiveReader> openNamedTensors(const certificate::RunFolder& folder,
                                                                        const std::vector<ArtifactDigest>& artifacts,
                                                                        const std::string& path,
                                                                        const std::filesystem::path& childProgram);

}
