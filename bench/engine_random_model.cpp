#include "bench/engine_random_model.h"

#include "engine/base/strict_json.h"

#include <cmath>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <utility>
#include <vector>

namespace blockcert::bench {

namespace {

struct Tensor {
    std::string name;
    std::vector<std::int64_t> shape;
};

std::vector<Tensor> tensorsOf(const LlamaShape& shape)
{
    const std::int64_t width = shape.width;
    const std::int64_t ff = shape.ff;
    const std::int64_t keyWidth = width / shape.heads * shape.keyHeads;
    const std::int64_t vocabulary = shapeVocabulary;
    std::vector<Tensor> tensors = {{"model.embed_tokens.weight", {vocabulary, width}},
                                   {"lm_head.weight", {vocabulary, width}},
                                   {"model.norm.weight", {width}}};
    for (std::int32_t layer = 0; layer < shape.layers; ++layer) {
        const std::string prefix = "model.layers." + std::to_string(layer) + ".";
        tensors.push_back({prefix + "input_layernorm.weight", {width}});
        tensors.push_back({prefix + "self_attn.q_proj.weight", {width, width}});
        tensors.push_back({prefix + "self_attn.k_proj.weight", {keyWidth, width}});
        tensors.push_back({prefix + "self_attn.v_proj.weight", {keyWidth, width}});
        tensors.push_back({prefix + "self_attn.o_proj.weight", {width, width}});
        tensors.push_back({prefix + "post_attention_layernorm.weight", {width}});
        tensors.push_back({prefix + "mlp.gate_proj.weight", {ff, width}});
        tensors.push_back({prefix + "mlp.up_proj.weight", {ff, width}});
        tensors.push_back({prefix + "mlp.down_proj.weight", {width, ff}});
    }
    return tensors;
}

std::int64_t countOf(const Tensor& tensor)
{
    std::int64_t count = 1;
    for (const std::int64_t size : tensor.shape)
        count *= size;
    return count;
}

// Of numbers that are normal in fp16, or zero.
std::uint16_t halfOf(float value)
{
    std::uint32_t bits = 0;
    std::memcpy(&bits, &value, sizeof(bits));
    const std::uint32_t sign = bits >> 16U & 0x8000U;
    const std::uint32_t exponent = bits >> 23U & 0xffU;
    if (exponent < 113)
        return static_cast<std::uint16_t>(sign);
    return static_cast<std::uint16_t>(sign | (exponent - 112U) << 10U | (bits >> 13U & 0x3ffU));
}

// Uniform numbers of the size at which a layer keeps its input's size; norms are 1.
std::vector<std::uint16_t> valuesOf(const Tensor& tensor, bool half, std::uint64_t& state)
{
    std::vector<std::uint16_t> values(static_cast<std::size_t>(countOf(tensor)),
                                      half ? std::uint16_t{0x3c00} : std::uint16_t{0x3f80});
    if (tensor.shape.size() == 1)
        return values;
    const double size = std::sqrt(1.0 / static_cast<double>(tensor.shape[1]));
    for (std::uint16_t& value : values) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        const auto single = static_cast<float>(size * (static_cast<double>(state >> 11U) * 0x1p-52 - 1.0));
        std::uint32_t bits = 0;
        std::memcpy(&bits, &single, sizeof(bits));
        value = half ? halfOf(single) : static_cast<std::uint16_t>(bits >> 16U);
    }
    return values;
}

}

void writeLlamaShape(const std::filesystem::path& folder, const LlamaShape& shape)
{
    std::filesystem::create_directories(folder);
    const Json config = {{"architectures", {"LlamaForCausalLM"}},
                         {"model_type", "llama"},
                         {"hidden_size", shape.width},
                         {"intermediate_size", shape.ff},
                         {"num_hidden_layers", shape.layers},
                         {"num_attention_heads", shape.heads},
                         {"num_key_value_heads", shape.keyHeads},
                         {"hidden_act", "silu"},
                         {"rms_norm_eps", 1e-5},
                         {"rope_theta", 10000.0},
                         {"vocab_size", shapeVocabulary},
                         {"max_position_embeddings", 2048},
                         {"tie_word_embeddings", false},
                         {"torch_dtype", shape.half ? "float16" : "bfloat16"}};
    const std::filesystem::path configPath = folder / "config.json";
    const std::filesystem::path weightsPath = folder / "model.safetensors";
    {
        std::ifstream old(configPath);
        const std::string text{std::istreambuf_iterator<char>(old), {}};
        if (text == writeJson(config) && std::filesystem::exists(weightsPath))
            return;
    }

    const std::vector<Tensor> tensors = tensorsOf(shape);
    Json header = Json::object();
    std::int64_t offset = 0;
    for (const Tensor& tensor : tensors) {
        const std::int64_t bytes = 2 * countOf(tensor);
        header[tensor.name] = {{"dtype", shape.half ? "F16" : "BF16"},
                               {"shape", tensor.shape},
                               {"data_offsets", {offset, offset + bytes}}};
        offset += bytes;
    }
    std::string text = header.dump();
    text.append((8 - text.size() % 8) % 8, ' ');
    std::ofstream stream(weightsPath, std::ios::binary);
    const std::uint64_t length = text.size();
    stream.write(reinterpret_cast<const char*>(&length), sizeof(length));
    stream << text;
    std::uint64_t state = 1;
    for (const Tensor& tensor : tensors) {
        const std::vector<std::uint16_t> values = valuesOf(tensor, shape.half, state);
        stream.write(reinterpret_cast<const char*>(values.data()), static_cast<std::streamsize>(2 * values.size()));
    }
    stream.close();
    if (!stream)
        throw std::runtime_error("the model could not be written to " + folder.string());
    std::ofstream(configPath) << writeJson(config);
}

std::string literalPrompts(std::int64_t count, std::int64_t tokens, std::int32_t vocabularySize)
{
    std::string text;
    std::uint64_t state = 7;
    for (std::int64_t p = 0; p < count; ++p) {
        Json ids = Json::array();
        for (std::int64_t t = 0; t < tokens; ++t) {
            state = state * 6364136223846793005U + 1442695040888963407U;
            ids.push_back((state >> 33U) % static_cast<std::uint64_t>(vocabularySize));
        }
        text += Json({{"id", "p" + std::to_string(p)}, {"token_ids", ids}}).dump() + "\n";
    }
    return text;
}

}
