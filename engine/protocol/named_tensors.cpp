#include "engine/protocol/named_tensors.h"

#include "engine/base/error.h"
#include "engine/base/sha256.h"

#include <algorithm>
#include <utility>

namespace blockcert::protocol {

NamedTensors::NamedTensors(std::unique_ptr<artifact::ArchiveReader> source,
                           const std::vector<ArtifactDigest>& artifacts, std::string path)
    : m_source(std::move(source))
{
    const auto named = std::ranges::find(artifacts, path, &ArtifactDigest::path);
    if (named == artifacts.end())
        throw FormatError(path + " is not among the files that its certificate names; blockcert verify says more.");
    m_named = *named;
}

const HostTensor& NamedTensors::whole(std::string_view name)
{
    const std::lock_guard lock(m_mutex);
    if (const auto known = m_tensors.find(name); known != m_tensors.end())
        return known->second;
    HostTensor tensor = m_source->readAll(name);
    const auto stated = std::ranges::find(m_named.tensors, name, &TensorDigest::name);
    if (stated == m_named.tensors.end() || stated->sha256 != sha256OfTensor(tensor))
        throw FormatError(m_named.path + ": " + std::string(name) +
                          " is not what its certificate names (another SHA-256); blockcert verify says more.");
    return m_tensors.emplace(name, std::move(tensor)).first->second;
}

HostTensor NamedTensors::readRows(std::string_view name, std::int64_t rowBegin, std::int64_t rowEnd)
{
    const artifact::ArchiveEntry* entry = m_source->find(name);
    if (entry == nullptr || entry->shape.empty() || entry->shape[0] == 0)
        return m_source->readRows(name, rowBegin, rowEnd); // refuses what is not there
    const HostTensor& tensor = whole(name);
    const std::int64_t rows = tensor.shape[0];
    if (rowBegin < 0 || rowEnd < rowBegin || rowEnd > rows)
        return m_source->readRows(name, rowBegin, rowEnd); // with its own sentence
    HostTensor part{tensor.dtype, tensor.shape, {}};
    part.shape[0] = rowEnd - rowBegin;
    const auto rowBytes = static_cast<std::int64_t>(tensor.bytes.size()) / rows;
    part.bytes.assign(tensor.bytes.begin() + rowBytes * rowBegin, tensor.bytes.begin() + rowBytes * rowEnd);
    return part;
}

std::unique_ptr<artifact::ArchiveReader> openNamedTensors(const certificate::RunFolder& folder,
                                                          const std::vector<ArtifactDigest>& artifacts,
                                                          const std::string& path,
                                                          const std::filesystem::path& childProgram)
{
    const certificate::OpenFile file = folder.open(path);
    return std::make_unique<NamedTensors>(artifact::openForeignArchive(file.descriptor(), path, childProgram),
                                          artifacts, path);
}

}
