// Blocks in .npz files with the paper's names (docs/npz.md): weights, mask and tables of a surrogate, and the trace it
// is measured on.
#pragma once

#include "engine/exchange/npz_file.h"
#include "engine/exchange/trace_source.h"
#include "engine/ir/block_ir.h"
#include "engine/values/transformer_config.h"

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace blockcert::exchange {

// One block at a time is held in memory. Not thread-safe.
class NpzBlocks final : public TraceSource {
public:
    // A .npz file, or a folder of them. Everything is read and checked once. Throws what NpzFile throws, FormatError
    // for arrays that are missing, unknown or of another shape, and for blocks that were recorded on different tokens.
    explicit NpzBlocks(const std::filesystem::path& path);

    [[nodiscard]] const std::vector<TracePrompt>& prompts() const override { return m_prompts; }

    [[nodiscard]] const std::vector<LayerIndex>& blocks() const override { return m_blocks; }

    [[nodiscard]] DType dtype() const override { return m_dtype; }

    [[nodiscard]] std::int64_t width() const override { return m_width; }

    [[nodiscard]] const ImportedBaseline& baseline() const override { return m_baseline; }

    [[nodiscard]] TraceRows rows(PromptIndex prompt, LayerIndex block) const override;
    [[nodiscard]] HostTensor mask(PromptIndex prompt, LayerIndex block) const override;

    // The files, in the order of their blocks: what a digest of the trace is made of.
    [[nodiscard]] std::vector<std::filesystem::path> files() const;

    // The block as a program of this architecture with the file's weights, mask and tables, all embedded. Throws
    // FormatError for a weight that is missing, unknown to the architecture, or of another shape.
    [[nodiscard]] ir::BlockIr surrogate(LayerIndex block, const TransformerConfig& config) const;

private:
    class Checks;

    struct Arrays {
        std::string source; // for messages
        std::map<std::string, HostTensor> byName;
    };

    [[nodiscard]] const Arrays& arraysOf(LayerIndex block) const;
    static void requireSameNumbers(const Arrays& arrays, const TransformerConfig& config);

    std::map<LayerIndex, std::filesystem::path> m_files;
    std::vector<TracePrompt> m_prompts;
    std::vector<std::int64_t> m_offset; // [P + 1]
    std::vector<LayerIndex> m_blocks;
    DType m_dtype = DType::F32;
    std::int64_t m_width = 0;
    ImportedBaseline m_baseline;
    mutable LayerIndex m_loadedBlock{-1};
    mutable Arrays m_loaded;
};

}
