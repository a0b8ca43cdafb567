// The shape and the mathematics of a decoder-only transformer, independent of the file it came from.
#pragma once

#include "engine/values/ids.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace blockcert {

enum class Architecture : std::uint8_t { Gpt2, Llama };

// RoPE frequency scaling. Llama3 uses all four numbers; Linear only factor. Divisors (GGUF's
// rope_freqs.weight) are kept in TransformerConfig::ropeDivisors and exclude the other kinds.
struct RopeScaling {
    enum class Kind : std::uint8_t { None, Linear, Llama3, Divisors };

    Kind kind = Kind::None;
    double factor = 1;
    double lowFrequencyFactor = 1;
    double highFrequencyFactor = 4;
    std::int64_t originalContext = 0;

    friend bool operator==(const RopeScaling&, const RopeScaling&) = default;
};

// Both families are sequential pre-norm: h = x + attn(norm1(x)), y = h + mlp(norm2(h)).
struct TransformerConfig {
    Architecture architecture = Architecture::Llama;
    std::int32_t layers = 0;
    std::int32_t dModel = 0;
    std::int32_t heads = 0;
    std::int32_t kvHeads = 0; // divides heads
    std::int32_t headDim = 0; // may differ from dModel / heads
    std::int32_t dFf = 0;
    std::int32_t vocab = 0;
    std::int32_t context = 0;  // longest sequence the model is defined for
    double normEpsilon = 1e-5; // LayerNorm (Gpt2) or RMSNorm (Llama)
    double ropeTheta = 10000;  // Llama only
    RopeScaling ropeScaling;
    std::vector<float> ropeDivisors; // [headDim / 2] or empty
    bool tiedEmbeddings = false;
    bool attentionBias = false; // q, k, v and o have biases
    bool mlpBias = false;
    bool scaleAttentionByInverseLayer = false; // Gpt2
    bool upcastAttention = false;              // Gpt2 reorder_and_upcast_attn
    std::optional<TokenId> bos;
    std::vector<TokenId> eos; // may be several (Llama 3)
    std::string family;       // as the file says: "llama", "gpt2", for people

    [[nodiscard]] std::int32_t queryWidth() const { return heads * headDim; }

    [[nodiscard]] std::int32_t keyValueWidth() const { return kvHeads * headDim; }

    friend bool operator==(const TransformerConfig&, const TransformerConfig&) = default;
};

}
