// A whole archive in memory, digested as it was read: nothing is read a second time after its digest is known.
#pragma once

#include "engine/artifact/tensor_archive.h"
#include "engine/values/certificate.h"

#include <map>
#include <string>
#include <vector>

namespace blockcert {
class RunContext;
}

namespace blockcert::certificate {

class MemoryArchive : public artifact::ArchiveReader {
public:
    MemoryArchive(artifact::ArchiveReader& source, const RunContext& context);

    [[nodiscard]] const std::vector<artifact::ArchiveEntry>& entries() const override { return m_entries; }

    [[nodiscard]] HostTensor readRows(std::string_view name, std::int64_t rowBegin, std::int64_t rowEnd) override;

    [[nodiscard]] const std::vector<TensorDigest>& digests() const { return m_digests; }

private:
    std::vector<artifact::ArchiveEntry> m_entries;
    std::map<std::string, HostTensor, std::less<>> m_tensors;
    std::vector<TensorDigest> m_digests;
};

}
