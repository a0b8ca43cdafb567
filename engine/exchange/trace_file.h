// A trace that another runtime recorded, as a safetensors file (docs/trace.md): read strictly, believed in nothing.
#pragma once

#include "engine/artifact/safetensors.h"
#include "engine/exchange/trace_source.h"
#include "engine/values/host_tensor.h"
#include "engine/values/ids.h"
#include "engine/values/run_manifest.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace blockcert::exchange {

// Immutable; const members may be called from several threads. Every name, type and shape is checked when the file is
// opened, values when they are read.
class TraceFile final : public TraceSource {
public:
    // Throws FileError, FormatError and UnsupportedError, each naming the file and the tensor.
    [[nodiscard]] static TraceFile open(const std::filesystem::path& path);

    [[nodiscard]] const std::vector<TracePrompt>& prompts() const override { return m_prompts; }

    [[nodiscard]] const std::vector<LayerIndex>& blocks() const override { return m_blocks; }

    [[nodiscard]] DType dtype() const override { return m_dtype; }

    [[nodiscard]] std::int64_t width() const override { return m_width; }

    [[nodiscard]] const ImportedBaseline& baseline() const override { return m_baseline; }

    [[nodiscard]] TraceRows rows(PromptIndex prompt, LayerIndex block) const override;
    // As recorded, or causal where the trace says so; the same in every block.
    [[nodiscard]] HostTensor mask(PromptIndex prompt, LayerIndex block) const override;

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
