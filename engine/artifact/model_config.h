// Turns a model's own description (config.json, GGUF metadata) into the mathematics it stands for, or refuses it.
#pragma once

#include "engine/artifact/gguf.h"
#include "engine/base/strict_json.h"
#include "engine/values/transformer_config.h"

#include <cstdint>
#include <string>
#include <vector>

namespace blockcert::artifact {

// What a hostile description cannot exceed; checked before anything is sized by it.
struct ModelLimits {
    std::int64_t layers = 1024;
    std::int64_t width = 1 << 17; // d_model, d_ff, heads · head_dim
    std::int64_t vocabulary = 1 << 21;
    std::int64_t context = 1 << 20;
};

struct ModelDescription {
    TransformerConfig config;
    std::vector<std::string> warnings;
};

// config.json of a GPT-2 or Llama. Keys fall into four groups:
//   read       – they make the TransformerConfig; both spellings of RoPE scaling, which must not contradict;
//   neutral    – they would change the mathematics and are not implemented: refused by name unless they have the one
//                value that changes nothing (pretraining_tp 1, quantization_config null, scale_attn_weights true …);
//   harmless   – dropout, initialisation, generation and bookkeeping: ignored;
//   unknown    – ignored if null, false or empty; text is ignored with a warning; a number, true or a filled list or
//                object is refused by name, since it may change the mathematics.
// Throws FormatError (missing, of the wrong type, out of range) and UnsupportedError (key and value named).
[[nodiscard]] ModelDescription describeHuggingFace(const Json& config, const std::string& source,
                                                   const ModelLimits& limits = {});

// Metadata of a llama or gpt2 GGUF. Keys of the architecture's own group that are not known are refused by name unless
// they are false, zero or empty. Biases, tied embeddings and the vocabulary's size come from the tensors;
// rope_freqs.weight becomes ropeDivisors.
[[nodiscard]] ModelDescription describeGguf(const GgufFile& file, const ModelLimits& limits = {});

// SHA-256 of all fields as deterministic JSON, numbers as hexadecimal floats.
[[nodiscard]] std::string sha256OfConfig(const TransformerConfig& config);

// Relations between fields that no file format guarantees (heads divide, head_dim even, limits). Throws FormatError.
void requireConsistent(const TransformerConfig& config, const std::string& source, const ModelLimits& limits);

}
