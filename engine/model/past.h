// Keys and values that a pass does not have to compute: those of positions another prompt or another pass has seen.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace blockcert::model {

// Consecutive positions as consecutive rows: of this very pass, or of an earlier one through the same block.
struct PastPiece {
    bool ofThisPass = true;
    std::int64_t begin = 0;
    std::int64_t count = 0;

    friend bool operator==(const PastPiece&, const PastPiece&) = default;
};

// [rows, kvHeads · headDim] of one block, keys rotated where the model rotates.
struct KeyValues {
    at::Tensor keys;
    at::Tensor values;
};

// For every prompt of a batch the pieces that hold its positions 0 … batch.start − 1, in order. Pieces of this pass
// belong to earlier prompts of the batch.
struct Past {
    KeyValues other; // of the earlier pass; undefined if no piece is of it
    std::vector<std::vector<PastPiece>> pieces;
};

}
