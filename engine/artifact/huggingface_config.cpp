#include "engine/artifact/config_fields.h"
#include "engine/artifact/known_config_keys.h"
#include "engine/artifact/model_config.h"
#include "engine/artifact/shown.h"
#include "engine/base/error.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace blockcert::artifact {

namespace {

// θ and scaling as one of the two spellings gives them.
struct RopeStatement {
    std::optional<double> theta;
    RopeScaling scaling;

    friend bool operator==(const RopeStatement&, const RopeStatement&) = default;
};

Architecture architectureOf(ConfigFields& fields)
{
    constexpr std::array<std::string_view, 4> classes = {"GPT2LMHeadModel", "GPT2Model", "LlamaForCausalLM",
                                                         "LlamaModel"};
    std::string type = fields.text("model_type").value_or("");
    if (!type.empty() && type != "gpt2" && type != "llama")
        throw UnsupportedError(fields.source() + ": model_type is " + shown(type) +
                               "; gpt2 and llama are implemented.");
    fields.ignore("architectures");
    const Json& names = fields.has("architectures") ? fields.at("architectures") : Json();
    for (const Json& name : names) {
        if (!name.is_string() || std::find(classes.begin(), classes.end(), name.get<std::string>()) == classes.end())
            throw UnsupportedError(fields.source() + ": " + fields.describe("architectures") +
                                   "; GPT2LMHeadModel and LlamaForCausalLM are implemented.");
        const std::string implied = name.get<std::string>().starts_with("GPT2") ? "gpt2" : "llama";
        if (type.empty())
            type = implied;
        if (type != implied)
            throw FormatError(fields.source() + ": " + fields.describe("architectures") + ", but model_type is " +
                              shown(type) + ".");
    }
    if (type.empty())
        throw UnsupportedError(fields.source() + " names no model_type; gpt2 and llama are implemented.");
    return type == "gpt2" ? Architecture::Gpt2 : Architecture::Llama;
}

void requireText(ConfigFields& fields, const char* key, std::string_view only, std::string_view fallback)
{
    const std::string value = fields.text(key).value_or(std::string(fallback));
    if (value != only)
        throw UnsupportedError(fields.source() + ": " + shown(key) + " is " + shown(value) + "; " + std::string(only) +
                               " is implemented.");
}

std::int32_t narrow(std::int64_t value)
{
    return static_cast<std::int32_t>(value); // every limit lies far below 2³¹
}

RopeStatement readRope(const Json& object, const std::string& source, const ModelLimits& limits)
{
    ConfigFields fields(object, source);
    RopeStatement statement;
    statement.theta = fields.positive("rope_theta");
    const std::optional<std::string> type = fields.text("rope_type");
    const std::optional<std::string> oldType = fields.text("type");
    if (type && oldType && *type != *oldType)
        throw FormatError(source + ": " + fields.describe("rope_type") + ", but " + fields.describe("type") + ".");
    const std::string kind = type.value_or(oldType.value_or("default"));
    // Before anything else is asked of it: each kind has fields of its own, and need not have these.
    if (kind != "default" && kind != "linear" && kind != "llama3")
        throw UnsupportedError(source + ": the RoPE type is " + shown(kind) +
                               "; default, linear and llama3 are implemented.");
    const std::optional<double> factor = fields.positive("factor");
    if (const std::optional<double> partial = fields.positive("partial_rotary_factor"); partial.value_or(1) != 1)
        throw UnsupportedError(source + ": " + fields.describe("partial_rotary_factor") + "; only 1 is implemented.");
    if (kind != "default" && !factor)
        throw FormatError(source + " has no \"factor\", which the type " + shown(kind) + " needs.");
    if (kind == "default") {
        if (factor.value_or(1) != 1)
            throw FormatError(source + ": " + fields.describe("factor") + ", but the type \"default\" has no factor.");
    } else if (kind == "linear") {
        statement.scaling = {.kind = RopeScaling::Kind::Linear, .factor = *factor};
        fields.ignore("original_max_position_embeddings");
    } else {
        const std::optional<double> low = fields.positive("low_freq_factor");
        const std::optional<double> high = fields.positive("high_freq_factor");
        if (!low || !high || *low >= *high)
            throw FormatError(source + ": low_freq_factor and high_freq_factor must both be there, the first smaller.");
        statement.scaling = {.kind = RopeScaling::Kind::Llama3,
                             .factor = *factor,
                             .lowFrequencyFactor = *low,
                             .highFrequencyFactor = *high,
                             .originalContext =
                                 fields.requiredInteger("original_max_position_embeddings", 1, limits.context)};
    }
    for (const std::string& key : fields.unread()) {
        if (!isSwitchedOff(fields.at(key)))
            throw UnsupportedError(source + ": " + fields.describe(key) + ", which is not implemented.");
    }
    return statement;
}

// θ may stand at the top (up to transformers 4) or inside rope_parameters (from 5 on); scaling in rope_scaling or
// rope_parameters. Whatever is said twice must be the same.
void readRope(ConfigFields& fields, TransformerConfig& config, const ModelLimits& limits)
{
    RopeStatement statement{.theta = fields.positive("rope_theta"), .scaling = {}};
    bool scaled = false;
    for (const char* key : {"rope_scaling", "rope_parameters"}) {
        const Json* object = fields.object(key);
        if (object == nullptr)
            continue;
        const RopeStatement found = readRope(*object, fields.source() + ", " + key, limits);
        if (found.theta && statement.theta.value_or(*found.theta) != *found.theta)
            throw FormatError(fields.source() + ": " + shown(key) + " and another key state different rope_theta.");
        if (scaled && found.scaling != statement.scaling)
            throw FormatError(fields.source() + ": rope_scaling and rope_parameters contradict each other.");
        statement.theta = found.theta ? found.theta : statement.theta;
        statement.scaling = found.scaling;
        scaled = true;
    }
    config.ropeTheta = statement.theta.value_or(10000);
    config.ropeScaling = statement.scaling;
}

// Some Llama-like files carry a window that a second key switches off, or one that reaches over the whole context and
// so hides nothing: position q sees k while q − k is below it.
void refuseSlidingWindow(ConfigFields& fields, std::int32_t context)
{
    const std::optional<bool> use = fields.flag("use_sliding_window");
    const std::optional<std::int64_t> window = fields.integer("sliding_window", 0, std::int64_t{1} << 48);
    fields.ignore("max_window_layers");
    const bool hidesNothing = window && *window >= context;
    if (use.value_or(true) && window && !hidesNothing)
        throw UnsupportedError(fields.source() + ": " + fields.describe("sliding_window") + ", less than the context " +
                               std::to_string(context) + "; attention with a sliding window is not implemented.");
    if (!fields.has("layer_types"))
        return;
    fields.ignore("layer_types");
    for (const Json& kind : fields.at("layer_types")) {
        if (kind != "full_attention" && !(kind == "sliding_attention" && hidesNothing))
            throw UnsupportedError(fields.source() + ": " + fields.describe("layer_types") +
                                   "; only full_attention is implemented.");
    }
}

void readLlama(ConfigFields& fields, TransformerConfig& config, const ModelLimits& limits)
{
    requireText(fields, "hidden_act", "silu", "silu");
    config.layers = narrow(fields.requiredInteger("num_hidden_layers", 1, limits.layers));
    config.dModel = narrow(fields.requiredInteger("hidden_size", 1, limits.width));
    config.heads = narrow(fields.requiredInteger("num_attention_heads", 1, limits.width));
    config.kvHeads = narrow(fields.integer("num_key_value_heads", 1, limits.width).value_or(config.heads));
    const std::optional<std::int64_t> headDim = fields.integer("head_dim", 1, limits.width);
    if (!headDim && config.dModel % config.heads != 0)
        throw FormatError(fields.source() + ": hidden_size " + std::to_string(config.dModel) +
                          " is not a multiple of num_attention_heads " + std::to_string(config.heads) +
                          " and there is no head_dim.");
    config.headDim = narrow(headDim.value_or(config.dModel / config.heads));
    config.dFf = narrow(fields.requiredInteger("intermediate_size", 1, limits.width));
    config.vocab = narrow(fields.requiredInteger("vocab_size", 1, limits.vocabulary));
    config.context = narrow(fields.integer("max_position_embeddings", 1, limits.context).value_or(2048));
    config.normEpsilon = fields.positive("rms_norm_eps").value_or(1e-6);
    config.attentionBias = fields.flag("attention_bias").value_or(false);
    config.mlpBias = fields.flag("mlp_bias").value_or(false);
    config.tiedEmbeddings = fields.flag("tie_word_embeddings").value_or(false);
    readRope(fields, config, limits);
    refuseSlidingWindow(fields, config.context);
}

void readGpt2(ConfigFields& fields, TransformerConfig& config, const ModelLimits& limits)
{
    requireText(fields, "activation_function", "gelu_new", "gelu_new");
    config.layers = narrow(fields.requiredInteger("n_layer", 1, limits.layers));
    config.dModel = narrow(fields.requiredInteger("n_embd", 1, limits.width));
    config.heads = narrow(fields.requiredInteger("n_head", 1, limits.width));
    config.kvHeads = config.heads;
    if (config.dModel % config.heads != 0)
        throw FormatError(fields.source() + ": n_embd " + std::to_string(config.dModel) +
                          " is not a multiple of n_head " + std::to_string(config.heads) + ".");
    config.headDim = config.dModel / config.heads;
    const std::int64_t fourfold = 4 * std::int64_t{config.dModel};
    config.dFf = narrow(fields.integer("n_inner", 1, limits.width).value_or(fourfold));
    config.vocab = narrow(fields.requiredInteger("vocab_size", 1, limits.vocabulary));
    config.context = narrow(fields.integer("n_positions", 1, limits.context).value_or(1024));
    config.normEpsilon = fields.positive("layer_norm_epsilon").value_or(1e-5);
    config.attentionBias = true;
    config.mlpBias = true;
    config.tiedEmbeddings = fields.flag("tie_word_embeddings").value_or(true);
    config.scaleAttentionByInverseLayer = fields.flag("scale_attn_by_inverse_layer_idx").value_or(false);
    config.upcastAttention = fields.flag("reorder_and_upcast_attn").value_or(false);
}

void readTokens(ConfigFields& fields, ModelDescription& description)
{
    TransformerConfig& config = description.config;
    const auto usable = [&](const char* key, std::int64_t id) {
        if (id >= 0 && id < config.vocab)
            return true;
        description.warnings.push_back(fields.source() + ": " + shown(key) + " names the token " + std::to_string(id) +
                                       ", which is not in the vocabulary; it is ignored.");
        return false;
    };
    if (const std::vector<std::int64_t> bos = fields.integers("bos_token_id");
        bos.size() == 1 && usable("bos_token_id", bos.front()))
        config.bos = narrow(bos.front());
    for (const std::int64_t id : fields.integers("eos_token_id")) {
        if (usable("eos_token_id", id))
            config.eos.push_back(narrow(id));
    }
}

void judgeOtherKeys(const ConfigFields& fields, std::vector<std::string>& warnings)
{
    constexpr std::size_t mostNamed = 20; // a warning each; beyond that their number says enough
    std::size_t unknown = 0;
    for (const std::string& key : fields.unread()) {
        const Json& value = fields.at(key);
        if (const NeutralKey* known = findNeutralKey(key)) {
            const bool neutral = known->neutral.empty() ? isSwitchedOff(value) : value == Json::parse(known->neutral);
            if (!neutral)
                throw UnsupportedError(fields.source() + ": " + fields.describe(key) +
                                       ", which changes the mathematics and is not implemented.");
            continue;
        }
        if (isSwitchedOff(value))
            continue;
        if (isHarmlessKey(key))
            continue;
        if (!value.is_string())
            throw UnsupportedError(fields.source() + ": " + fields.describe(key) +
                                   ", a key that is not known and may change the mathematics; if it does not, remove "
                                   "it from a copy of the file.");
        if (++unknown <= mostNamed)
            warnings.push_back(fields.source() + ": " + fields.describe(key) +
                               ", a key that is not known; it is ignored.");
    }
    if (unknown > mostNamed)
        warnings.push_back(fields.source() + ": " + std::to_string(unknown - mostNamed) +
                           " more keys are not known; they are ignored.");
}

}

ModelDescription describeHuggingFace(const Json& json, const std::string& source, const ModelLimits& limits)
{
    ConfigFields fields(json, source);
    ModelDescription description;
    TransformerConfig& config = description.config;
    config.architecture = architectureOf(fields);
    if (config.architecture == Architecture::Llama) {
        config.family = "llama";
        readLlama(fields, config, limits);
    } else {
        config.family = "gpt2";
        readGpt2(fields, config, limits);
    }
    readTokens(fields, description);
    judgeOtherKeys(fields, description.warnings);
    requireConsistent(config, source, limits);
    return description;
}

}
