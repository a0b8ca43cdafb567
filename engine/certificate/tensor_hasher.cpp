#include "engine/certificate/tensor_hasher.h"

#include "engine/base/run_context.h"

#include <algorithm>
#include <array>

namespace blockcert::certificate {

namespace {

constexpr std::int64_t sliceBytes = 16 << 20;

void addNumber(Sha256& digest, std::uint64_t value)
{
    std::array<std::byte, 8> bytes{};
    for (std::size_t i = 0; i < bytes.size(); ++i)
        bytes[i] = static_cast<std::byte>(value >> (8 * i) & 0xFFU);
    digest.add(bytes);
}

std::string digestOf(artifact::ArchiveReader& archive, const artifact::ArchiveEntry& entry, const RunContext& context)
{
    TensorHasher digest(entry.dtype, entry.shape);
    if (entry.shape.empty()) {
        digest.add(archive.readAll(entry.name).bytes);
        return digest.finish();
    }
    std::int64_t rowBytes = storageBlock(entry.dtype).bytes;
    for (std::size_t i = 1; i < entry.shape.size(); ++i)
        rowBytes *= entry.shape[i];
    const std::int64_t step = std::max<std::int64_t>(1, sliceBytes / std::max<std::int64_t>(1, rowBytes));
    for (std::int64_t row = 0; row < entry.shape[0]; row += step) {
        context.step();
        digest.add(archive.readRows(entry.name, row, std::min(entry.shape[0], row + step)).bytes);
    }
    return digest.finish();
}

}

TensorHasher::TensorHasher(DType dtype, const std::vector<std::int64_t>& shape)
{
    using namespace std::string_view_literals;
    m_digest.add("blockcert.tensor.v1\0"sv);
    m_digest.add(nameOf(dtype));
    m_digest.add("\0"sv);
    addNumber(m_digest, shape.size());
    for (const std::int64_t dimension : shape)
        addNumber(m_digest, static_cast<std::uint64_t>(dimension));
}

std::vector<TensorDigest> digestTensors(artifact::ArchiveReader& archive, const RunContext& context)
{
    std::vector<TensorDigest> digests;
    for (const artifact::ArchiveEntry& entry : archive.entries())
        digests.push_back({entry.name, entry.dtype, entry.shape, digestOf(archive, entry, context)});
    return digests;
}

}
