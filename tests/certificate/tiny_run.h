// Makes small but complete runs of the versioned tiny models, with a baseline that rounds like one of its dtype would.
#pragma once

#include "engine/certificate/run_writer.h"
#include "engine/values/cell_record.h"
#include "engine/values/run_manifest.h"

#include <filesystem>
#include <string>
#include <vector>

namespace blockcert::certificate::tiny {

struct Options {
    std::string model = "llama-gqa"; // folder below tests/data/models
    std::vector<std::int32_t> blocks = {0, 1};
    std::vector<std::string> texts = {"the quick brown fox", "a", "jumps over the lazy dog"};
    DType dtype = DType::F32;
    DType replayDtype = DType::F64;
    LossMode loss = LossMode::Exact;
    bool embed = true;
    double noise = 1e-7; // relative, added to every recorded output before it is rounded
    Policy policy;
    // Other surrogates than exact copies. Low rank keeps the longest rows or columns of each matrix instead of the best
    // directions: a projection too, and one that needs no decomposition.
    SurrogateChoice surrogate;
    Ablation ablation;
    std::uint64_t seed = 0;
    std::string otherModel; // of the family checkpoint
};

// A run on paper: everything a RunWriter is fed with, computed with the reference interpreter.
struct Material {
    RunManifest manifest;
    std::vector<ir::BlockIr> irs;               // by position in Options::blocks
    std::vector<SurrogateWeights> weights;      // the same
    std::vector<std::vector<CellRecord>> cells; // [block][prompt]
};

[[nodiscard]] std::filesystem::path modelPath(const std::string& name);

[[nodiscard]] Material make(const Options& options);

// Makes output, sublayers, errors and margins of a cell follow from its input by `ir`, rounded to the cell's dtype.
void replay(CellRecord& cell, const ir::BlockIr& ir);

// Puts `value` in the place of a block's weight, embedded, and makes the block's errors those of the changed surrogate:
// the recorded baseline stays as it was.
void replaceWeight(Material& material, std::size_t block, const std::string& weight, HostTensor value);

// Writes all of it into `run`, which must not exist.
void write(const Material& material, const std::filesystem::path& run);

// The program that serves as archive reader child in tests.
[[nodiscard]] std::filesystem::path readerChild();

}
