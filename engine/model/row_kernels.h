// Element-wise work on one row in memory, in the model's types, for decoding: as vectors of whatever processor runs it.
// Every product and every sum is rounded by itself to the type, as in LibTorch's kernels, so the bits are theirs.
#pragma once

#include <c10/core/ScalarType.h>

#include <cstdint>

namespace blockcert::model {

// The pointers are to elements of the type that was asked for; rows of `n` elements are dense and do not overlap unless
// they are the same.
struct RowKernels {
    void (*add)(void* own, const void* other, std::int64_t n);      // own += other
    void (*multiply)(void* own, const void* other, std::int64_t n); // own *= other
    void (*squares)(const void* x, float* out, std::int64_t n);     // of fp32 values, in fp32
    // out = weight · round(x · factor)
    void (*scale)(const void* x, float factor, const void* weight, void* out, std::int64_t n);
    // RoPE of `heads` heads of 2 · half elements; cosine and sine have `half`.
    void (*rotate)(const void* x, const void* cosine, const void* sine, std::int64_t half, std::int64_t heads,
                   void* out);
    void (*widen)(const void* x, float* out, std::int64_t n);
    void (*narrow)(const float* x, void* out, std::int64_t n); // to the nearest, ties to even
};

// For fp32, bf16 and fp16; throws UnsupportedError for another type. Thread-safe.
[[nodiscard]] const RowKernels& rowKernels(c10::ScalarType type);

}
