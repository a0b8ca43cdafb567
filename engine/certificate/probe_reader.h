// Reads probes.h5 prompt by prompt, checks its layout, and digests every tensor from the bytes that arrive.
#pragma once

#include "engine/artifact/tensor_archive.h"
#include "engine/certificate/run_layout.h"
#include "engine/certificate/tensor_hasher.h"
#include "engine/values/cell_record.h"
#include "engine/values/certificate.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace blockcert::certificate {

// The shape a certificate declares. Throws FormatError if it is beyond what this program accepts.
[[nodiscard]] ProbeShape probeShapeOf(const Certificate& certificate);

// Not thread-safe.
class ProbeReader {
public:
    // Throws FormatError if the archive holds other datasets than probeLayout(shape), or values that cannot be:
    // offsets that are not the shape's, ids or positions below zero, numbers that are not finite.
    ProbeReader(std::unique_ptr<artifact::ArchiveReader> archive, ProbeShape shape, LayerIndex block);

    [[nodiscard]] const ProbeShape& shape() const { return m_shape; }

    [[nodiscard]] LayerIndex block() const { return m_block; }

    [[nodiscard]] const std::vector<std::int32_t>& tokenIds() const { return m_tokenIds; } // [N]

    [[nodiscard]] const std::vector<std::int32_t>& positions() const { return m_positions; } // [N]

    // Everything recorded on one prompt. Throws FormatError naming dataset and token for a value that is not finite,
    // or a norm that is negative.
    [[nodiscard]] CellRecord read(PromptIndex prompt);
    // The per-token numbers alone, without the four tensors of width d and the mask.
    [[nodiscard]] CellRecord readNumbers(PromptIndex prompt);
    // How many keys a token of a prompt was allowed to attend to.
    [[nodiscard]] std::int64_t allowedKeys(PromptIndex prompt, std::int64_t token);

    // Digests in file order; only after read() has been called for every prompt, in order, once.
    [[nodiscard]] std::vector<TensorDigest> finishDigests();

private:
    [[nodiscard]] HostTensor readWhole(const std::string& name);
    [[nodiscard]] CellRecord readParts(PromptIndex prompt, bool everything);
    static void requireBinary(const HostTensor& mask, PromptIndex prompt);
    static void requireUsable(const std::string& name, const HostTensor& rows, PromptIndex prompt);

    std::unique_ptr<artifact::ArchiveReader> m_archive;
    ProbeShape m_shape;
    LayerIndex m_block;
    std::vector<artifact::ArchiveEntry> m_layout;
    std::map<std::string, TensorHasher> m_hashers;
    std::vector<std::int32_t> m_tokenIds;
    std::vector<std::int32_t> m_positions;
    std::vector<double> m_margin;          // [head, N]
    std::vector<std::int64_t> m_maskBegin; // [P] first mask cell of a prompt
    std::int32_t m_digested = 0;           // prompts whose bytes are in the digests
};

}
