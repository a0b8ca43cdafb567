// The digest of a logical tensor (sha256OfTensor) from its rows as they arrive, so that none need lie in memory whole.
#pragma once

#include "engine/artifact/tensor_archive.h"
#include "engine/base/sha256.h"
#include "engine/values/certificate.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace blockcert {
class RunContext;
}

namespace blockcert::certificate {

// Not thread-safe.
class TensorHasher {
public:
    TensorHasher(DType dtype, const std::vector<std::int64_t>& shape);

    void add(std::span<const std::byte> bytes) { m_digest.add(bytes); }

    [[nodiscard]] std::string finish() { return m_digest.finish(); }

private:
    Sha256 m_digest;
};

// Digests of every dataset of an archive, read in slices.
[[nodiscard]] std::vector<TensorDigest> digestTensors(artifact::ArchiveReader& archive, const RunContext& context);

}
