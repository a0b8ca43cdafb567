#include "engine/exchange/export_model.h"

#include "engine/artifact/weight_names.h"
#include "engine/base/atomic_file.h"
#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/base/strict_json.h"
#include "engine/edit/patch_check.h"
#include "engine/edit/patched_block.h"
#include "engine/exchange/new_folder.h"
#include "engine/exchange/placed_file.h"
#include "engine/exchange/tokenizer_files.h"
#include "engine/ir/reference_ops.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <span>
#include <system_error>

namespace blockcert::exchange {

namespace {

namespace fs = std::filesystem;
using artifact::Checkpoint;
using artifact::NamedWeight;
using Kind = WeightTransform::Kind;

constexpr std::size_t largestConfig = 4U << 20U;

std::string safetensorsName(DType dtype)
{
    return std::string(nameOf(dtype)); // F32, F16 and BF16 are called the same
}

HostTensor loadRole(const Checkpoint& model, const std::optional<WeightReference>& reference, const std::string& role)
{
    if (!reference)
        throw FormatError(model.path().string() + " has no weight " + role + ".");
    HostTensor tensor;
    model.load(*reference, tensor);
    return tensor;
}

HostTensor transposed(const HostTensor& matrix)
{
    const std::int64_t rows = matrix.shape[0];
    const std::int64_t columns = matrix.shape[1];
    const auto element = static_cast<std::size_t>(storageBlock(matrix.dtype).bytes);
    HostTensor result{matrix.dtype, {columns, rows}, std::vector<std::byte>(matrix.bytes.size())};
    for (std::int64_t row = 0; row < rows; ++row)
        for (std::int64_t column = 0; column < columns; ++column)
            std::copy_n(matrix.bytes.begin() +
                            static_cast<std::ptrdiff_t>(static_cast<std::size_t>(row * columns + column) * element),
                        element,
                        result.bytes.begin() +
                            static_cast<std::ptrdiff_t>(static_cast<std::size_t>(column * rows + row) * element));
    return result;
}

// One tensor of the file to be written, put together from the roles that share it.
struct Written {
    std::vector<std::int64_t> shape; // as stored
    HostTensor value;
    bool transpose = false;
    bool edited = false;
};

class Writer {
public:
    Writer(const Checkpoint& model, const Patch& patch, const edit::PatchTensors& tensors,
           const ExportModelOptions& options, const RunContext& context)
        : m_model(model)
        , m_patch(patch)
        , m_tensors(tensors)
        , m_options(options)
        , m_context(context)
        , m_scheme{artifact::Container::Safetensors,
                   model.config().architecture == Architecture::Llama ? "model." : "transformer."}
    {
    }

    ExportedModel run()
    {
        NewFolder folder(m_options.out);
        layOut();
        writeWeights();
        writeConfig();
        for (std::string& name : writeTokenizerFiles(m_model, m_options.out))
            m_result.written.push_back(std::move(name));
        folder.keep();
        return std::move(m_result);
    }

private:
    // The names and shapes of all tensors, so that the header can be written first.
    void layOut()
    {
        const TransformerConfig& config = m_model.config();
        for (const NamedWeight& weight : artifact::modelWeights(config, m_scheme))
            if (weight.role != "lm_head.weight" || !config.tiedEmbeddings)
                m_order.emplace_back(weight.tensor, weight.storedShape);
        for (std::int32_t layer = 0; layer < config.layers; ++layer)
            for (const NamedWeight& weight : artifact::blockWeights(config, m_scheme, layer))
                if (m_order.empty() || m_order.back().first != weight.tensor)
                    if (std::none_of(m_order.begin(), m_order.end(),
                                     [&](const auto& entry) { return entry.first == weight.tensor; }))
                        m_order.emplace_back(weight.tensor, weight.storedShape);
    }

    void writeWeights()
    {
        const fs::path path = m_options.out / "model.safetensors";
        Json header = {{"__metadata__", {{"format", "pt"}}}};
        const std::int64_t bytes = storageBlock(m_options.dtype).bytes;
        std::int64_t offset = 0;
        for (const auto& [name, shape] : m_order) {
            std::int64_t count = bytes;
            for (const std::int64_t extent : shape)
                count *= extent;
            header[name] = {{"dtype", safetensorsName(m_options.dtype)},
                            {"shape", shape},
                            {"data_offsets", {offset, offset + count}}};
            m_offset[name] = offset;
            offset += count;
        }
        std::string text = writeJsonLine(header);
        text.resize((text.size() + 7) / 8 * 8, ' ');
        std::string head(8, '\0');
        for (std::size_t i = 0; i < 8; ++i)
            head[i] = static_cast<char>((text.size() >> (8 * i)) & 0xFFU);
        head += text;
        m_file.emplace(path);
        m_file->write(0, std::as_bytes(std::span(head)));
        m_dataBegin = static_cast<std::int64_t>(head.size());
        writeModelTensors();
        for (std::int32_t layer = 0; layer < m_model.config().layers; ++layer)
            writeBlock({layer});
        m_file->publish();
        m_result.written.emplace_back("model.safetensors");
    }

    void writeModelTensors()
    {
        const TransformerConfig& config = m_model.config();
        for (const NamedWeight& weight : artifact::modelWeights(config, m_scheme))
            if (weight.role != "lm_head.weight" || !config.tiedEmbeddings)
                put(weight.tensor, loadRole(m_model, m_model.modelWeight(weight.role), weight.role), false);
    }

    // The block's exact program in the file's own numbers, edited where the patch says so.
    void writeBlock(LayerIndex layer)
    {
        ir::BlockIr block;
        block.program = ir::makeProgram(m_model.config(), layer);
        for (auto& [role, weight] : block.program.weights) {
            block.weights[role] = loadRole(m_model, m_model.blockWeight(layer, role), role);
            weight.dtype = block.weights[role].dtype;
        }
        const auto edited = edit::editedBlocks(m_patch);
        std::map<std::string, HostTensor> values = block.weights;
        std::map<std::string, bool> changed;
        if (std::find(edited.begin(), edited.end(), layer) != edited.end()) {
            ir::BlockIr after = edit::patchedBlock(block, m_patch, m_tensors, m_model.config());
            for (auto& [role, value] : after.weights) {
                if (!values.contains(role))
                    throw UsageError("The edit cannot be written into weights: the model has no " + role +
                                     " in block " + std::to_string(layer.value) + ".");
                changed[role] = value != values.at(role);
                values[role] = std::move(value);
            }
        }
        // Roles that share a tensor (GPT-2's q, k and v) lie one after the other along its outputs.
        std::map<std::string, Written> tensors;
        for (const NamedWeight& weight : artifact::blockWeights(m_model.config(), m_scheme, layer.value)) {
            const auto value = values.find(weight.role);
            if (value == values.end())
                throw FormatError(m_model.path().string() + ": block " + std::to_string(layer.value) +
                                  " has no weight " + weight.role + ".");
            Written& into = tensors[weight.tensor];
            into.edited = into.edited || changed[weight.role];
            into.transpose = std::any_of(weight.transforms.begin(), weight.transforms.end(),
                                         [](const WeightTransform& step) { return step.kind == Kind::Transpose; });
            const HostTensor part = rounded(value->second, changed[weight.role]);
            if (into.value.shape.empty()) {
                into.value = part;
            } else {
                into.value.shape[0] += part.shape[0];
                into.value.bytes.insert(into.value.bytes.end(), part.bytes.begin(), part.bytes.end());
            }
        }
        for (auto& [name, tensor] : tensors) {
            if (tensor.edited)
                m_result.edited.push_back(name);
            place(name, tensor.transpose ? transposed(tensor.value) : tensor.value);
        }
    }

    HostTensor rounded(const HostTensor& value, bool edited)
    {
        HostTensor result = value.dtype == m_options.dtype ? value : edit::roundedWeight(value, m_options.dtype);
        if (edited) {
            const std::vector<double> exact = ir::widened(value);
            const std::vector<double> kept = ir::widened(result);
            double most = 0;
            double largest = 0;
            for (std::size_t i = 0; i < exact.size(); ++i) {
                most = std::max(most, std::abs(exact[i] - kept[i]));
                largest = std::max(largest, std::abs(exact[i]));
            }
            if (largest > 0)
                m_result.largestRounding = std::max(m_result.largestRounding, most / largest);
        }
        return result;
    }

    void put(const std::string& name, const HostTensor& value, bool edited) { place(name, rounded(value, edited)); }

    void place(const std::string& name, const HostTensor& tensor)
    {
        const auto shape =
            std::find_if(m_order.begin(), m_order.end(), [&](const auto& entry) { return entry.first == name; });
        if (tensor.shape != shape->second)
            throw ShapeError("The tensor " + name + " does not have the shape that a checkpoint of this kind stores.");
        m_file->write(m_dataBegin + m_offset.at(name), tensor.bytes);
        ++m_done;
        m_context.step(Progress{"export", m_done, static_cast<std::int64_t>(m_order.size()), {}, {}, "tensors", ""});
    }

    void writeConfig()
    {
        Json config;
        const fs::path own = m_model.folder() / "config.json";
        std::error_code missing;
        if (m_model.gguf() == nullptr && fs::exists(own, missing))
            config = parseStrictJson(readWholeFile(own, largestConfig), own.string());
        else
            config = configOf(m_model.config());
        config["torch_dtype"] = m_options.dtype == DType::F32   ? "float32"
                                : m_options.dtype == DType::F16 ? "float16"
                                                                : "bfloat16";
        config.erase("dtype");
        writeFileAtomically(m_options.out / "config.json", writeJson(config));
        m_result.written.emplace_back("config.json");
    }

    static Json configOf(const TransformerConfig& config)
    {
        if (config.architecture == Architecture::Gpt2)
            return {{"model_type", "gpt2"},
                    {"architectures", {"GPT2LMHeadModel"}},
                    {"n_layer", config.layers},
                    {"n_embd", config.dModel},
                    {"n_head", config.heads},
                    {"n_inner", config.dFf},
                    {"n_positions", config.context},
                    {"vocab_size", config.vocab},
                    {"layer_norm_epsilon", config.normEpsilon},
                    {"activation_function", "gelu_new"},
                    {"tie_word_embeddings", config.tiedEmbeddings}};
        if (config.ropeScaling.kind == RopeScaling::Kind::Divisors || !config.ropeDivisors.empty())
            throw UnsupportedError("This GGUF scales its frequencies by a table (rope_freqs), which config.json cannot "
                                   "say; export from the safetensors model.");
        Json json = {{"model_type", "llama"},
                     {"architectures", {"LlamaForCausalLM"}},
                     {"num_hidden_layers", config.layers},
                     {"hidden_size", config.dModel},
                     {"num_attention_heads", config.heads},
                     {"num_key_value_heads", config.kvHeads},
                     {"head_dim", config.headDim},
                     {"intermediate_size", config.dFf},
                     {"vocab_size", config.vocab},
                     {"max_position_embeddings", config.context},
                     {"rms_norm_eps", config.normEpsilon},
                     {"rope_theta", config.ropeTheta},
                     {"hidden_act", "silu"},
                     {"attention_bias", config.attentionBias},
                     {"mlp_bias", config.mlpBias},
                     {"tie_word_embeddings", config.tiedEmbeddings}};
        if (config.ropeScaling.kind == RopeScaling::Kind::Linear)
            json["rope_scaling"] = {{"rope_type", "linear"}, {"factor", config.ropeScaling.factor}};
        if (config.ropeScaling.kind == RopeScaling::Kind::Llama3)
            json["rope_scaling"] = {{"rope_type", "llama3"},
                                    {"factor", config.ropeScaling.factor},
                                    {"low_freq_factor", config.ropeScaling.lowFrequencyFactor},
                                    {"high_freq_factor", config.ropeScaling.highFrequencyFactor},
                                    {"original_max_position_embeddings", config.ropeScaling.originalContext}};
        if (config.bos)
            json["bos_token_id"] = *config.bos;
        if (config.eos.size() == 1)
            json["eos_token_id"] = config.eos[0];
        else if (!config.eos.empty())
            json["eos_token_id"] = config.eos;
        return json;
    }

    const Checkpoint& m_model;
    const Patch& m_patch;
    const edit::PatchTensors& m_tensors;
    const ExportModelOptions& m_options;
    const RunContext& m_context;
    artifact::NamingScheme m_scheme;
    std::vector<std::pair<std::string, std::vector<std::int64_t>>> m_order;
    std::map<std::string, std::int64_t> m_offset;
    std::optional<PlacedFile> m_file;
    std::int64_t m_dataBegin = 0;
    std::int64_t m_done = 0;
    ExportedModel m_result;
};

}

ExportedModel exportModel(const Checkpoint& model, const Patch& patch, const edit::PatchTensors& tensors,
                          const ExportModelOptions& options, const RunContext& context)
{
    if (options.dtype != DType::F32 && options.dtype != DType::F16 && options.dtype != DType::BF16)
        throw UsageError("A model is exported in fp32, fp16 or bf16.");
    return Writer(model, patch, tensors, options, context).run();
}

}
