// Which tensor of a file plays which role, its expected shape, and the steps from one to the other.
#pragma once

#include "engine/artifact/checkpoint.h"

#include <string>
#include <string_view>
#include <vector>

namespace blockcert::artifact {

struct NamedWeight {
    std::string role;                      // as in checkpoint.h
    std::string tensor;                    // name in the file
    std::vector<std::int64_t> storedShape; // what the file must say, torch order
    std::vector<WeightTransform> transforms;
};

// How the files of one container and architecture spell their names.
struct NamingScheme {
    Container container = Container::Safetensors;
    std::string prefix; // "model." or "transformer.", or empty
};

// All weights of one block, in the order of checkpoint.h.
[[nodiscard]] std::vector<NamedWeight> blockWeights(const TransformerConfig& config, const NamingScheme& scheme,
                                                    std::int32_t layer);
// The weights outside blocks. A tied lm_head names the embedding's tensor.
[[nodiscard]] std::vector<NamedWeight> modelWeights(const TransformerConfig& config, const NamingScheme& scheme);

// What the names of one block's tensors begin with: "model.layers.3."
[[nodiscard]] std::string blockPrefix(const TransformerConfig& config, const NamingScheme& scheme, std::int32_t layer);

// Tensors that files carry without their being weights: causal masks, cached frequencies.
[[nodiscard]] bool isKnownBuffer(std::string_view tensor, const NamingScheme& scheme);

}
