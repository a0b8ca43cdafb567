// Names, places and shapes inside a run directory (docs/run-directory.md): one source for writer, verifier and reader.
#pragma once

#include "engine/artifact/tensor_archive.h"
#include "engine/values/ids.h"
#include "engine/values/run_manifest.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace blockcert::certificate {

inline constexpr std::string_view manifestName = "run.json";
inline constexpr std::string_view lockPath = ".work/lock"; // of the process that writes the run
inline constexpr std::string_view sumsName = "SHA256SUMS";

// "block_05"; "block_123" from a hundred on.
[[nodiscard]] std::string blockFolder(LayerIndex block);
[[nodiscard]] std::string certificatePath(LayerIndex block);
[[nodiscard]] std::string irPath(LayerIndex block);
[[nodiscard]] std::string probesPath(LayerIndex block);
// The cells of an unfinished block: ".work/block_05.cells".
[[nodiscard]] std::string cellsPath(LayerIndex block);

// What decides the shapes of probes.h5.
struct ProbeShape {
    std::vector<std::int64_t> offset; // [P + 1], strictly ascending from 0
    std::int64_t width = 0;           // d
    std::int64_t heads = 0;           // H
    DType baselineDtype = DType::F32;
    LossMode loss = LossMode::Exact;
    bool sublayers = true; // false: an imported trace without the outputs of attention and MLP

    [[nodiscard]] std::int64_t prompts() const { return static_cast<std::int64_t>(offset.size()) - 1; }

    [[nodiscard]] std::int64_t tokens() const { return offset.back(); }

    [[nodiscard]] std::int64_t tokensOf(std::int64_t prompt) const;
    [[nodiscard]] std::int64_t longest() const;
    // First row of a prompt in the datasets of N, of N − P and of Σ Sₚ² rows.
    [[nodiscard]] std::int64_t lossOffset(std::int64_t prompt) const;
    [[nodiscard]] std::int64_t maskOffset(std::int64_t prompt) const;
};

[[nodiscard]] std::vector<std::int64_t> offsetsOf(const std::vector<std::int64_t>& tokenCounts);

// True for what is only there where the baseline's sublayer outputs were recorded.
[[nodiscard]] bool isSublayerTensor(std::string_view name);

// The datasets of probes.h5 in their order. Losses are left out where nothing is predicted.
// (`gradient` and `first_order` are there with LossMode::FirstOrder alone.)
[[nodiscard]] std::vector<artifact::ArchiveEntry> probeLayout(const ProbeShape& shape);

// One line of SHA256SUMS.
struct SumLine {
    std::string path;
    std::string sha256;

    friend bool operator==(const SumLine&, const SumLine&) = default;
};

// Sorted by path, as `sha256sum -c` reads it. Paths hold no control characters and no backslash.
[[nodiscard]] std::string writeSums(std::vector<SumLine> lines);
// Throws FormatError with the line: not that form, not sorted, a path twice, a path that isSafePath() refuses.
[[nodiscard]] std::vector<SumLine> readSums(std::string_view text);

// Relative, normalised, inside the run: components of printable bytes, none of them "." or "..".
[[nodiscard]] bool isSafePath(std::string_view path);

}
