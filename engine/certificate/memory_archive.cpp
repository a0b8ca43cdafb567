#include "engine/certificate/memory_archive.h"

#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/base/sha256.h"

namespace blockcert::certificate {

MemoryArchive::MemoryArchive(artifact::ArchiveReader& source, const RunContext& context)
    : m_entries(source.entries())
{
    for (const artifact::ArchiveEntry& entry : m_entries) {
        context.step();
        HostTensor tensor = source.readAll(entry.name);
        m_digests.push_back({entry.name, tensor.dtype, tensor.shape, sha256OfTensor(tensor)});
        m_tensors.emplace(entry.name, std::move(tensor));
    }
}

HostTensor MemoryArchive::readRows(std::string_view name, std::int64_t rowBegin, std::int64_t rowEnd)
{
    const auto found = m_tensors.find(name);
    if (found == m_tensors.end())
        throw FormatError("There is no dataset " + std::string(name) + ".");
    const HostTensor& whole = found->second;
    const std::int64_t rows = whole.shape.empty() ? 1 : whole.shape[0];
    if (rowBegin < 0 || rowEnd < rowBegin || rowEnd > rows)
        throw FormatError("The dataset " + std::string(name) + " has no rows " + std::to_string(rowBegin) + " to " +
                          std::to_string(rowEnd) + ".");
    HostTensor part{whole.dtype, whole.shape, {}};
    if (!part.shape.empty())
        part.shape[0] = rowEnd - rowBegin;
    const std::size_t rowBytes = rows == 0 ? 0 : whole.bytes.size() / static_cast<std::size_t>(rows);
    const auto begin = whole.bytes.begin() + static_cast<std::ptrdiff_t>(rowBytes * static_cast<std::size_t>(rowBegin));
    part.bytes.assign(begin,
                      begin + static_cast<std::ptrdiff_t>(rowBytes * static_cast<std::size_t>(rowEnd - rowBegin)));
    return part;
}

}
