// Attention of a few queries to the keys and values of a cache as plain loops, for decoding on the CPU: LibTorch's
// calls cost more than the products of one query.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace blockcert {
struct TransformerConfig;
}

namespace blockcert::model {

// Heads of one prompt that share their keys, at its last positions. The last dimension of each tensor is dense, and all
// have one type: fp32, bf16 or fp16.
struct SharedHeads {
    at::Tensor query;  // [queries, heads · width]
    at::Tensor keys;   // [positions, width]; the last query is at the last position
    at::Tensor values; // [positions, width]
    std::int64_t heads = 1;
};

// The same in memory. Strides count elements; `result` is fp32 and not rounded yet.
struct HeadsInMemory {
    const float* query = nullptr; // [queries, heads, width]
    const void* keys = nullptr;   // [positions, width]
    const void* values = nullptr;
    std::int64_t keyStride = 0;
    std::int64_t valueStride = 0;
    c10::ScalarType type = c10::ScalarType::Float; // of keys and values
    std::int64_t queries = 1;
    std::int64_t heads = 1;
    std::int64_t positions = 0;
    std::int64_t width = 0;
    float* result = nullptr; // [queries, heads, width]
};

// Whether the roundings of this model are those of decodeHeads().
[[nodiscard]] bool canDecodeHeads(const TransformerConfig& config, const at::Tensor& x);

// out [queries, heads · width] = softmax(query · keys / √width) · values, each query up to its own position. Products
// are summed in fp32 and rounded once; softmax is fp32. A query's bits depend on its position and on nothing that is
// computed with it.
void decodeHeads(const SharedHeads& work, const at::Tensor& out);
void decodeHeads(const HeadsInMemory& work);

}
