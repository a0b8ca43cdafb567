// A trace that another runtime recorded, as a safetensors file (docs/trace.md): read strictly, believed in nothing.
#pragma once

#include "engine/artifact/safetensors.h"
#include "engine/values/host_tensor.h"
#include "engine/values/ids.h"
#include "engine/values/run_manifest.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace blockcert::exchange {

struct TracePrompt {
    std::string id;
    std::string text; // empty: none was stated
    std::vector<TokenId> tokenIds;
};

// What a block did with one prompt; the last two are empty where they were not recorded.
struct TraceRows {
    HostTensor input;           // [S, d] in the trace's dtype
    HostTensor output;          // [S, d]
    HostTensor attentionOutput; // [S, d]
    HostTensor mlpOutput;       // [S, d]
};

// Immutable; const members may be called from several threads. Every name, type and shape is checked when the file is
// opened, values when they are read.
class TraceFile {
public:
    // Throws FileError, FormatError and UnsupportedError, each naming the file and the tensor.
    [[nodiscard]] static TraceFile open(const std::filesystem::path& path);

    [[nodiscard]] const std::vector<TracePrompt>& prompts() const { return m_prompts; }

    // Ascending; every prompt has each of them.
    [[nodiscard]] const std::vector<LayerIndex>& blocks() const { return m_blocks; }

    [[nodiscard]] DType dtype() const { return m_dtype; }

    [[nodiscard]] std::int64_t width() const { return m_width; }

    // Runtime, version, sublayers and mask; the digest is the caller's to fill.
    [[nodiscard]] const ImportedBaseline& baseline() const { return m_baseline; }

    // Throws FormatError naming tensor and token for a value that is not finite.
    [[nodiscard]] TraceRows rows(PromptIndex prompt, LayerIndex block) const;
    // U8 [S, S], 1 = allowed: as recorded, or causal where the trace says so.
    [[nodiscard]] HostTensor mask(PromptIndex prompt) const;

private:
    class Checks;

    explicit TraceFile(artifact::SafetensorsFile file)
        : m_file(std::move(file))
    {
    }

    artifact::SafetensorsFile m_file;
    std::vector<TracePrompt> m_prompts;
    std::vector<LayerIndex> m_blocks;
    DType m_dtype = DType::F32;
    std::int64_t m_width = 0;
    ImportedBaseline m_baseline;
};

}
