#include "engine/artifact/half_bits.h"
#include "engine/artifact/model_config.h"
#include "engine/artifact/shown.h"
#include "engine/base/error.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <set>
#include <string_view>

namespace blockcert::artifact {

namespace {

bool isSwitchedOff(const GgufValue& value)
{
    struct Visitor {
        bool operator()(bool v) const { return !v; }

        bool operator()(std::int64_t v) const { return v == 0; }

        bool operator()(std::uint64_t) const { return false; }

        bool operator()(double v) const { return v == 0; }

        bool operator()(const std::string& v) const { return v.empty() || v == "none"; }

        bool operator()(const std::vector<bool>& v) const { return v.empty(); }

        bool operator()(const std::vector<std::int64_t>& v) const { return v.empty(); }

        bool operator()(const std::vector<float>& v) const { return v.empty(); }

        bool operator()(const std::vector<double>& v) const { return v.empty(); }

        bool operator()(const std::vector<std::string>& v) const { return v.empty(); }
    };

    return std::visit(Visitor{}, value);
}

// Reads `ARCHITECTURE.key` and remembers which were asked for.
class Metadata {
public:
    Metadata(const GgufFile& file, std::string architecture)
        : m_file(file)
        , m_prefix(std::move(architecture) + ".")
    {
    }

    [[nodiscard]] std::optional<std::int64_t> integer(const char* key, std::int64_t smallest, std::int64_t largest)
    {
        const std::string full = remember(key);
        const std::optional<std::int64_t> value = m_file.integer(full);
        return value ? std::optional(inRange(full, *value, smallest, largest)) : std::nullopt;
    }

    // A number of the model, or an array with the number of each of its blocks, which must then be the same.
    [[nodiscard]] std::optional<std::int64_t> ofEveryBlock(const char* key, std::int32_t blocks, std::int64_t largest)
    {
        const std::string full = remember(key);
        const GgufValue* value = m_file.find(full);
        if (value == nullptr || !std::holds_alternative<std::vector<std::int64_t>>(*value))
            return integer(key, 1, largest);
        const auto& numbers = std::get<std::vector<std::int64_t>>(*value);
        const std::string where = m_file.path().string() + ": " + full;
        if (numbers.size() != static_cast<std::size_t>(blocks))
            throw FormatError(where + " has " + std::to_string(numbers.size()) + " entries for " +
                              std::to_string(blocks) + " blocks.");
        const auto other = std::ranges::adjacent_find(numbers, std::not_equal_to());
        if (other != numbers.end())
            throw UnsupportedError(where + " is " + std::to_string(*other) + " for block " +
                                   std::to_string(other - numbers.begin()) + " and " + std::to_string(*(other + 1)) +
                                   " for the next one; blocks of different shape are not implemented.");
        return inRange(full, numbers.front(), 1, largest);
    }

    [[nodiscard]] std::int32_t required(const char* key, std::int64_t largest)
    {
        return present(key, integer(key, 1, largest));
    }

    [[nodiscard]] std::int32_t requiredOfEveryBlock(const char* key, std::int32_t blocks, std::int64_t largest)
    {
        return present(key, ofEveryBlock(key, blocks, largest));
    }

    [[nodiscard]] std::optional<double> positive(const char* key)
    {
        const std::string full = remember(key);
        const std::optional<double> value = m_file.number(full);
        if (value && (!std::isfinite(*value) || *value <= 0))
            throw FormatError(m_file.path().string() + ": " + full + " is " + std::to_string(*value) +
                              ", where a positive number is expected.");
        return value;
    }

    [[nodiscard]] const std::string* text(const char* key) { return m_file.text(remember(key)); }

    [[nodiscard]] std::optional<bool> flag(const char* key) { return m_file.boolean(remember(key)); }

    void ignore(const char* key) { m_read.insert(m_prefix + key); }

    void refuseOthers() const
    {
        for (const auto& [key, value] : m_file.metadata()) {
            if (key.starts_with(m_prefix) && !m_read.contains(key) && !isSwitchedOff(value))
                throw UnsupportedError(m_file.path().string() + ": the metadata key " + shown(key) +
                                       " is set, which may change the mathematics and is not implemented.");
        }
    }

private:
    [[nodiscard]] std::int64_t inRange(const std::string& key, std::int64_t value, std::int64_t smallest,
                                       std::int64_t largest) const
    {
        if (value < smallest || value > largest)
            throw FormatError(m_file.path().string() + ": " + key + " is " + std::to_string(value) +
                              "; it must lie from " + std::to_string(smallest) + " to " + std::to_string(largest) +
                              ".");
        return value;
    }

    [[nodiscard]] std::int32_t present(const char* key, std::optional<std::int64_t> value) const
    {
        if (!value)
            throw FormatError(m_file.path().string() + " has no " + m_prefix + key + " in its metadata.");
        return static_cast<std::int32_t>(*value);
    }

    std::string remember(const char* key) { return *m_read.insert(m_prefix + key).first; }

    const GgufFile& m_file;
    std::string m_prefix;
    std::set<std::string, std::less<>> m_read;
};

const TensorEntry* findTensor(const GgufFile& file, std::string_view name)
{
    const auto found = std::find_if(file.tensors().begin(), file.tensors().end(),
                                    [name](const TensorEntry& tensor) { return tensor.name == name; });
    return found == file.tensors().end() ? nullptr : &*found;
}

void readDivisors(const GgufFile& file, TransformerConfig& config)
{
    const TensorEntry* tensor = findTensor(file, "rope_freqs.weight");
    if (tensor == nullptr)
        return;
    const std::string where = file.path().string() + ": tensor \"rope_freqs.weight\"";
    if (config.ropeScaling.kind != RopeScaling::Kind::None)
        throw FormatError(where + " contradicts the metadata's " + "rope.scaling.type.");
    if (tensor->dtype != DType::F32 || tensor->shape != std::vector<std::int64_t>{config.headDim / 2})
        throw ShapeError(where + " is not F32 with " + std::to_string(config.headDim / 2) + " elements.");
    config.ropeDivisors.resize(static_cast<std::size_t>(config.headDim / 2));
    file.inputs().at(tensor->file)->readAt(tensor->begin, std::as_writable_bytes(std::span(config.ropeDivisors)));
    for (const float divisor : config.ropeDivisors) {
        if (!std::isfinite(divisor) || divisor <= 0)
            throw FormatError(where + " has the element " + std::to_string(divisor) + "; divisors are positive.");
    }
    config.ropeScaling.kind = RopeScaling::Kind::Divisors;
}

void readRope(const GgufFile& file, Metadata& metadata, TransformerConfig& config, const ModelLimits& limits)
{
    const std::string where = file.path().string() + ": llama.";
    if (const auto count = metadata.integer("rope.dimension_count", 1, limits.width); count && *count != config.headDim)
        throw UnsupportedError(where + "rope.dimension_count is " + std::to_string(*count) + ", but heads have " +
                               std::to_string(config.headDim) + " dimensions; partial rotation is not implemented.");
    config.ropeTheta = metadata.positive("rope.freq_base").value_or(10000);
    const std::string* type = metadata.text("rope.scaling.type");
    const std::string kind = type == nullptr ? "none" : *type;
    if (kind != "none" && kind != "linear")
        throw UnsupportedError(where + "rope.scaling.type is " + shown(kind) + "; none and linear are implemented.");
    const double factor = metadata.positive("rope.scaling.factor").value_or(1);
    metadata.ignore("rope.scaling.original_context_length");
    metadata.ignore("rope.scaling.finetuned");
    if (metadata.positive("rope.scaling.attn_factor").value_or(1) != 1 ||
        metadata.positive("rope.scale_linear").value_or(1) != 1)
        throw UnsupportedError(where +
                               "rope.scaling.attn_factor or rope.scale_linear is not 1, which is not implemented.");
    if (kind == "linear")
        config.ropeScaling = {.kind = RopeScaling::Kind::Linear, .factor = factor};
    else if (factor != 1)
        throw FormatError(where + "rope.scaling.factor is " + std::to_string(factor) + " without rope.scaling.type.");
    readDivisors(file, config);
}

void readLlama(const GgufFile& file, Metadata& metadata, TransformerConfig& config, const ModelLimits& limits)
{
    config.kvHeads = static_cast<std::int32_t>(
        metadata.ofEveryBlock("attention.head_count_kv", config.layers, limits.width).value_or(config.heads));
    const std::optional<std::int64_t> keyLength = metadata.integer("attention.key_length", 1, limits.width);
    const std::optional<std::int64_t> valueLength = metadata.integer("attention.value_length", 1, limits.width);
    if (keyLength && valueLength && *keyLength != *valueLength)
        throw UnsupportedError(file.path().string() + ": keys and values of different length are not implemented.");
    if (!keyLength && config.dModel % config.heads != 0)
        throw FormatError(file.path().string() + ": " + std::to_string(config.heads) +
                          " heads do not divide the width " + std::to_string(config.dModel) + ".");
    config.headDim = static_cast<std::int32_t>(keyLength.value_or(config.dModel / config.heads));
    if (valueLength.value_or(config.headDim) != config.headDim)
        throw FormatError(file.path().string() + ": llama.attention.value_length is " + std::to_string(*valueLength) +
                          ", but heads have " + std::to_string(config.headDim) + " dimensions.");
    const std::optional<double> epsilon = metadata.positive("attention.layer_norm_rms_epsilon");
    if (!epsilon)
        throw FormatError(file.path().string() + " has no llama.attention.layer_norm_rms_epsilon in its metadata.");
    config.normEpsilon = *epsilon;
    // A window over the whole context hides nothing; 0 is none.
    if (const auto window = metadata.integer("attention.sliding_window", 0, std::int64_t{1} << 48);
        window.value_or(0) != 0 && *window < config.context)
        throw UnsupportedError(file.path().string() + ": llama.attention.sliding_window is " + std::to_string(*window) +
                               ", less than the context " + std::to_string(config.context) +
                               "; attention with a sliding window is not implemented.");
    metadata.ignore("tensor_data_layout"); // describes the permutation of q and k that every llama file has
    config.attentionBias = findTensor(file, "blk.0.attn_q.bias") != nullptr;
    config.mlpBias = findTensor(file, "blk.0.ffn_up.bias") != nullptr;
    readRope(file, metadata, config, limits);
}

void readGpt2(const GgufFile& file, Metadata& metadata, TransformerConfig& config)
{
    if (config.dModel % config.heads != 0)
        throw FormatError(file.path().string() + ": " + std::to_string(config.heads) +
                          " heads do not divide the width " + std::to_string(config.dModel) + ".");
    config.kvHeads = config.heads;
    config.headDim = config.dModel / config.heads;
    if (metadata.ofEveryBlock("attention.head_count_kv", config.layers, config.heads).value_or(config.heads) !=
        config.heads)
        throw UnsupportedError(file.path().string() + ": gpt2.attention.head_count_kv differs from the head count.");
    config.normEpsilon = metadata.positive("attention.layer_norm_epsilon").value_or(1e-5);
    config.attentionBias = true;
    config.mlpBias = true;
}

void readVocabulary(const GgufFile& file, Metadata& metadata, TransformerConfig& config, const ModelLimits& limits)
{
    const TensorEntry* embedding = findTensor(file, "token_embd.weight");
    if (embedding == nullptr || embedding->shape.size() != 2)
        throw FormatError(file.path().string() + " has no matrix \"token_embd.weight\".");
    const std::int64_t rows = embedding->shape.front();
    if (rows > limits.vocabulary)
        throw FormatError(file.path().string() + ": token_embd.weight has " + std::to_string(rows) +
                          " rows; the limit is " + std::to_string(limits.vocabulary) + ".");
    if (metadata.integer("vocab_size", 1, limits.vocabulary).value_or(rows) != rows)
        throw FormatError(file.path().string() + ": vocab_size in the metadata is not the number of rows of " +
                          "token_embd.weight, " + std::to_string(rows) + ".");
    config.vocab = static_cast<std::int32_t>(rows);
    config.tiedEmbeddings = findTensor(file, "output.weight") == nullptr;
}

void readTokens(const GgufFile& file, ModelDescription& description)
{
    TransformerConfig& config = description.config;
    const auto token = [&](const char* key) -> std::optional<TokenId> {
        const std::optional<std::int64_t> id = file.integer(key);
        if (!id || *id == -1 || *id == 0xFFFFFFFF) // how converters write "none"
            return std::nullopt;
        if (*id >= 0 && *id < config.vocab)
            return static_cast<TokenId>(*id);
        description.warnings.push_back(file.path().string() + ": " + key + " names the token " + std::to_string(*id) +
                                       ", which is not in the vocabulary; it is ignored.");
        return std::nullopt;
    };
    config.bos = token("tokenizer.ggml.bos_token_id");
    for (const char* key : {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id"}) {
        const std::optional<TokenId> id = token(key);
        if (id && std::find(config.eos.begin(), config.eos.end(), *id) == config.eos.end())
            config.eos.push_back(*id);
    }
}

void requireGeneral(const GgufFile& file)
{
    if (const std::string* type = file.text("general.type"); type != nullptr && *type != "model")
        throw UnsupportedError(file.path().string() + ": general.type is " + shown(*type) + "; only models are read.");
    const bool quantised = std::any_of(file.tensors().begin(), file.tensors().end(),
                                       [](const TensorEntry& tensor) { return isQuantised(tensor.dtype); });
    const std::int64_t version = file.integer("general.quantization_version").value_or(2);
    if (quantised && version != 2)
        throw UnsupportedError(file.path().string() + ": general.quantization_version is " + std::to_string(version) +
                               "; the block layouts of version 2 are implemented.");
}

}

ModelDescription describeGguf(const GgufFile& file, const ModelLimits& limits)
{
    const std::string source = file.path().string();
    const std::string* architecture = file.text("general.architecture");
    if (architecture == nullptr || (*architecture != "llama" && *architecture != "gpt2"))
        throw UnsupportedError(source + ": general.architecture is " +
                               (architecture == nullptr ? "missing" : shown(*architecture)) +
                               "; llama and gpt2 are implemented.");
    requireGeneral(file);
    Metadata metadata(file, *architecture);
    ModelDescription description;
    TransformerConfig& config = description.config;
    config.family = *architecture;
    config.architecture = *architecture == "llama" ? Architecture::Llama : Architecture::Gpt2;
    config.layers = metadata.required("block_count", limits.layers);
    config.dModel = metadata.required("embedding_length", limits.width);
    config.heads = metadata.requiredOfEveryBlock("attention.head_count", config.layers, limits.width);
    config.dFf = metadata.requiredOfEveryBlock("feed_forward_length", config.layers, limits.width);
    config.context = metadata.required("context_length", limits.context);
    readVocabulary(file, metadata, config, limits);
    if (!metadata.flag("attention.causal").value_or(true))
        throw UnsupportedError(source + ": attention.causal is false; only causal models are implemented.");
    if (config.architecture == Architecture::Llama)
        readLlama(file, metadata, config, limits);
    else
        readGpt2(file, metadata, config);
    readTokens(file, description);
    metadata.refuseOthers();
    requireConsistent(config, source, limits);
    return description;
}

}
