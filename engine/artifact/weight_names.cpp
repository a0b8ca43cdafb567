#include "engine/artifact/weight_names.h"

#include <utility>

namespace blockcert::artifact {

namespace {

using Shape = std::vector<std::int64_t>;

constexpr WeightTransform transpose{.kind = WeightTransform::Kind::Transpose};

WeightTransform rows(std::int64_t begin, std::int64_t end)
{
    return {.kind = WeightTransform::Kind::Rows, .begin = begin, .end = end};
}

std::vector<WeightTransform> unpermute(const NamingScheme& scheme, std::int64_t heads)
{
    if (scheme.container == Container::Safetensors)
        return {};
    return {{.kind = WeightTransform::Kind::UnpermuteHeads, .begin = heads}};
}

// A role's tensor name in both containers.
struct Names {
    const char* role;
    const char* huggingFace;
    const char* gguf;
};

class Collector {
public:
    Collector(const NamingScheme& scheme, std::string prefix)
        : m_scheme(scheme)
        , m_prefix(std::move(prefix))
    {
    }

    void add(const Names& names, const char* suffix, Shape shape, std::vector<WeightTransform> transforms = {})
    {
        const char* name = m_scheme.container == Container::Gguf ? names.gguf : names.huggingFace;
        m_weights.push_back({.role = std::string(names.role) + suffix,
                             .tensor = m_prefix + name + suffix,
                             .storedShape = std::move(shape),
                             .transforms = std::move(transforms)});
    }

    std::vector<NamedWeight> take() { return std::move(m_weights); }

private:
    NamingScheme m_scheme;
    std::string m_prefix;
    std::vector<NamedWeight> m_weights;
};

std::vector<NamedWeight> llamaBlock(const TransformerConfig& config, const NamingScheme& scheme,
                                    const std::string& prefix)
{
    const std::int64_t d = config.dModel;
    const std::int64_t ff = config.dFf;
    const std::int64_t q = config.queryWidth();
    const std::int64_t kv = config.keyValueWidth();
    Collector weights(scheme, prefix);
    const auto linear = [&](const Names& names, std::int64_t out, std::int64_t in, bool bias,
                            const std::vector<WeightTransform>& transforms = {}) {
        weights.add(names, ".weight", {out, in}, transforms);
        if (bias)
            weights.add(names, ".bias", {out}, transforms);
    };
    weights.add({"attn_norm", "input_layernorm", "attn_norm"}, ".weight", {d});
    linear({"q", "self_attn.q_proj", "attn_q"}, q, d, config.attentionBias, unpermute(scheme, config.heads));
    linear({"k", "self_attn.k_proj", "attn_k"}, kv, d, config.attentionBias, unpermute(scheme, config.kvHeads));
    linear({"v", "self_attn.v_proj", "attn_v"}, kv, d, config.attentionBias);
    linear({"o", "self_attn.o_proj", "attn_output"}, d, q, config.attentionBias);
    weights.add({"mlp_norm", "post_attention_layernorm", "ffn_norm"}, ".weight", {d});
    linear({"gate", "mlp.gate_proj", "ffn_gate"}, ff, d, config.mlpBias);
    linear({"up", "mlp.up_proj", "ffn_up"}, ff, d, config.mlpBias);
    linear({"down", "mlp.down_proj", "ffn_down"}, d, ff, config.mlpBias);
    return weights.take();
}

// GPT-2's layers are [in, out] in Hugging Face files (y = x·W + b) and [out, in] in GGUF.
std::vector<NamedWeight> gpt2Block(const TransformerConfig& config, const NamingScheme& scheme,
                                   const std::string& prefix)
{
    const std::int64_t d = config.dModel;
    const std::int64_t ff = config.dFf;
    const bool transposed = scheme.container == Container::Safetensors;
    Collector weights(scheme, prefix);
    const auto linear = [&](const Names& names, std::int64_t out, std::int64_t in) {
        if (transposed)
            weights.add(names, ".weight", {in, out}, {transpose});
        else
            weights.add(names, ".weight", {out, in});
        weights.add(names, ".bias", {out});
    };
    // q, k and v lie one after the other along the output.
    const auto third = [&](const char* role, std::int64_t index) {
        const Names names{role, "attn.c_attn", "attn_qkv"};
        const WeightTransform part = rows(index * d, (index + 1) * d);
        if (transposed)
            weights.add(names, ".weight", {d, 3 * d}, {transpose, part});
        else
            weights.add(names, ".weight", {3 * d, d}, {part});
        weights.add(names, ".bias", {3 * d}, {part});
    };
    const auto norm = [&](const Names& names) {
        weights.add(names, ".weight", {d});
        weights.add(names, ".bias", {d});
    };
    norm({"attn_norm", "ln_1", "attn_norm"});
    third("q", 0);
    third("k", 1);
    third("v", 2);
    linear({"o", "attn.c_proj", "attn_output"}, d, d);
    norm({"mlp_norm", "ln_2", "ffn_norm"});
    linear({"up", "mlp.c_fc", "ffn_up"}, ff, d);
    linear({"down", "mlp.c_proj", "ffn_down"}, d, ff);
    return weights.take();
}

}

std::string blockPrefix(const TransformerConfig& config, const NamingScheme& scheme, std::int32_t layer)
{
    if (scheme.container == Container::Gguf)
        return "blk." + std::to_string(layer) + ".";
    const char* blocks = config.architecture == Architecture::Llama ? "layers." : "h.";
    return scheme.prefix + blocks + std::to_string(layer) + ".";
}

std::vector<NamedWeight> blockWeights(const TransformerConfig& config, const NamingScheme& scheme, std::int32_t layer)
{
    const std::string prefix = blockPrefix(config, scheme, layer);
    return config.architecture == Architecture::Llama ? llamaBlock(config, scheme, prefix)
                                                      : gpt2Block(config, scheme, prefix);
}

std::vector<NamedWeight> modelWeights(const TransformerConfig& config, const NamingScheme& scheme)
{
    const std::int64_t d = config.dModel;
    const bool llama = config.architecture == Architecture::Llama;
    Collector weights(scheme, scheme.container == Container::Gguf ? "" : scheme.prefix);
    const char* embedding = llama ? "embed_tokens" : "wte";
    weights.add({"token_embedding", embedding, "token_embd"}, ".weight", {config.vocab, d});
    if (!llama)
        weights.add({"position_embedding", "wpe", "position_embd"}, ".weight", {config.context, d});
    const Names norm{"final_norm", llama ? "norm" : "ln_f", "output_norm"};
    weights.add(norm, ".weight", {d});
    if (!llama)
        weights.add(norm, ".bias", {d});
    if (config.tiedEmbeddings)
        weights.add({"lm_head", embedding, "token_embd"}, ".weight", {config.vocab, d});
    std::vector<NamedWeight> all = weights.take();
    if (!config.tiedEmbeddings) {
        Collector head(scheme, ""); // never has the prefix
        head.add({"lm_head", "lm_head", "output"}, ".weight", {config.vocab, d});
        all.push_back(head.take().front());
    }
    return all;
}

bool isKnownBuffer(std::string_view tensor, const NamingScheme& scheme)
{
    if (scheme.container == Container::Gguf)
        return tensor == "rope_freqs.weight"; // became part of the configuration
    return tensor.ends_with("rotary_emb.inv_freq") || tensor.ends_with(".attn.bias") ||
           tensor.ends_with(".attn.masked_bias");
}

}
