#include "engine/artifact/model_config.h"

#include "engine/base/error.h"
#include "engine/base/sha256.h"

#include <string>

namespace blockcert::artifact {

namespace {

const char* nameOf(RopeScaling::Kind kind)
{
    switch (kind) {
    case RopeScaling::Kind::None: return "none";
    case RopeScaling::Kind::Linear: return "linear";
    case RopeScaling::Kind::Llama3: return "llama3";
    case RopeScaling::Kind::Divisors: return "divisors";
    }
    return "";
}

}

void requireConsistent(const TransformerConfig& config, const std::string& source, const ModelLimits& limits)
{
    const auto refuse = [&source](const std::string& what) { throw FormatError(source + ": " + what + "."); };
    if (std::int64_t{config.heads} * config.headDim > limits.width || config.dFf > limits.width)
        refuse("the heads' widths together or the MLP's width exceed " + std::to_string(limits.width));
    if (config.heads % config.kvHeads != 0)
        refuse(std::to_string(config.kvHeads) + " key heads do not divide " + std::to_string(config.heads) +
               " query heads");
    if (config.architecture == Architecture::Llama && config.headDim % 2 != 0)
        refuse("the head dimension " + std::to_string(config.headDim) + " is odd, which RoPE cannot rotate");
}

std::string sha256OfConfig(const TransformerConfig& config)
{
    Json divisors = Json::array();
    for (const float divisor : config.ropeDivisors)
        divisors.push_back(toHexFloat(static_cast<double>(divisor)));
    const RopeScaling& scaling = config.ropeScaling;
    const Json json = {
        {"schema", "blockcert.config/1"},
        {"architecture", config.architecture == Architecture::Llama ? "llama" : "gpt2"},
        {"layers", config.layers},
        {"d_model", config.dModel},
        {"heads", config.heads},
        {"kv_heads", config.kvHeads},
        {"head_dim", config.headDim},
        {"d_ff", config.dFf},
        {"vocab", config.vocab},
        {"context", config.context},
        {"norm_epsilon", toHexFloat(config.normEpsilon)},
        {"rope_theta", toHexFloat(config.ropeTheta)},
        {"rope_scaling",
         {{"kind", nameOf(scaling.kind)},
          {"factor", toHexFloat(scaling.factor)},
          {"low_frequency_factor", toHexFloat(scaling.lowFrequencyFactor)},
          {"high_frequency_factor", toHexFloat(scaling.highFrequencyFactor)},
          {"original_context", scaling.originalContext}}},
        {"rope_divisors", divisors},
        {"tied_embeddings", config.tiedEmbeddings},
        {"attention_bias", config.attentionBias},
        {"mlp_bias", config.mlpBias},
        {"scale_attention_by_inverse_layer", config.scaleAttentionByInverseLayer},
        {"upcast_attention", config.upcastAttention},
        {"bos", config.bos ? Json(*config.bos) : Json()},
        {"eos", config.eos},
    };
    return sha256Of(writeJson(json));
}

}
