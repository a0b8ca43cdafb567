// Where a weight comes from: a tensor of a checkpoint file and the exact steps from its bytes to the
// values the model uses. Stored in the IR, so that anyone with the file can rebuild the weight bit for bit.
#pragma once

#include "engine/values/dtype.h"

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

namespace blockcert {

// Applied in order to the dequantised tensor (F32; F64 only for tensors stored as F64).
struct WeightTransform {
    enum class Kind : std::uint8_t {
        Transpose,      // [a, b] -> [b, a]                                    (GPT-2 Conv1D)
        Rows,           // keep rows begin … end-1 of the first dimension      (c_attn split)
        UnpermuteHeads, // rows [H, hd/2, 2] -> [H, 2, hd/2], begin = H        (GGUF llama q, k)
        Cast,           // round to nearest even to dtype
        RoundTrip,      // rows quantised to dtype and back, to F32; the last step
    };

    Kind kind = Kind::Cast;
    std::int64_t begin = 0;
    std::int64_t end = 0;
    DType dtype = DType::F32;

    friend auto operator<=>(const WeightTransform&, const WeightTransform&) = default;
};

struct WeightReference {
    std::string file;        // base name, never a path
    std::string fileSha256;  // lower-case hex; empty until the file has been hashed
    std::string tensor;      // name in the file
    std::uint64_t begin = 0; // byte range in the file
    std::uint64_t end = 0;
    DType storedDtype = DType::F32;
    std::vector<std::int64_t> storedShape; // row-major, torch order
    std::vector<WeightTransform> transforms;

    friend auto operator<=>(const WeightReference&, const WeightReference&) = default;
};

}
