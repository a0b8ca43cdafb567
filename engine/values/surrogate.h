// What stands in for a block: the family of its surrogate with its parameters, and how far its weights are from the
// baseline's.
#pragma once

#include "engine/values/dtype.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace blockcert {

enum class SurrogateFamily : std::uint8_t {
    Exact,      // the baseline's own weights
    LowRank,    // truncated singular value decompositions of some matrices
    Quantised,  // matrices rounded to a quantised type and back
    Checkpoint, // the same block of another checkpoint
    Given,      // weights from somebody's files, embedded: `blockcert import npz`
};

enum class MatrixGroup : std::uint8_t { Attention, Mlp, All };

struct SurrogateChoice {
    SurrogateFamily family = SurrogateFamily::Exact;
    std::int64_t rank = 0;                         // LowRank: at least 1
    MatrixGroup matrices = MatrixGroup::Attention; // LowRank
    DType dtype = DType::F32;                      // Quantised: Q8_0, Q5_1, Q4_0 or Q4_1

    friend bool operator==(const SurrogateChoice&, const SurrogateChoice&) = default;
};

// Damage done on purpose to whatever the family gives (paper, Table 3).
struct Ablation {
    enum class Kind : std::uint8_t {
        None,
        DropRope,   // cos = 1, sin = 0
        InvertMask, // what was allowed is forbidden, and the other way round
        ZeroValues, // W_V = 0
        NoiseQuery, // W_Q + normal noise
    };

    Kind kind = Kind::None;
    double scale = 0; // NoiseQuery: standard deviation of the noise as a share of W_Q's

    friend bool operator==(const Ablation&, const Ablation&) = default;
};

// One weight of the surrogate against the baseline's: W and Ŵ.
struct WeightDistance {
    std::string name;                 // "q.weight"
    std::optional<std::int64_t> rank; // of a truncated decomposition: min(asked for, rows, columns)
    double norm = 0;                  // ‖W‖_F
    double distance = 0;              // ‖W − Ŵ‖_F

    friend bool operator==(const WeightDistance&, const WeightDistance&) = default;
};

// By name: every weight that is not bit for bit the baseline's, and every matrix the family was asked to reduce.
using SurrogateWeights = std::vector<WeightDistance>;

}
