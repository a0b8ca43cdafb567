#include "engine/protocol/model_card.h"

#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/tokenizer/tokenizer.h"

#include <map>
#include <string_view>
#include <utility>

namespace blockcert::protocol {

namespace {

using artifact::Checkpoint;
using artifact::TensorEntry;

std::string_view nameOf(Architecture architecture)
{
    return architecture == Architecture::Gpt2 ? "gpt2" : "llama";
}

std::string_view nameOf(RopeScaling::Kind kind)
{
    switch (kind) {
    case RopeScaling::Kind::None: return "none";
    case RopeScaling::Kind::Linear: return "linear";
    case RopeScaling::Kind::Llama3: return "llama3";
    case RopeScaling::Kind::Divisors: return "divisors";
    }
    return "";
}

Json ropeToJson(const TransformerConfig& config)
{
    if (config.architecture == Architecture::Gpt2)
        return nullptr;
    Json scaling = {{"kind", nameOf(config.ropeScaling.kind)}};
    if (config.ropeScaling.kind == RopeScaling::Kind::Linear || config.ropeScaling.kind == RopeScaling::Kind::Llama3)
        scaling["factor"] = config.ropeScaling.factor;
    if (config.ropeScaling.kind == RopeScaling::Kind::Llama3) {
        scaling["low_frequency_factor"] = config.ropeScaling.lowFrequencyFactor;
        scaling["high_frequency_factor"] = config.ropeScaling.highFrequencyFactor;
        scaling["original_context"] = config.ropeScaling.originalContext;
    }
    return {{"theta", config.ropeTheta}, {"scaling", std::move(scaling)}};
}

// What each stored tensor is used as: "block 3 q.weight"; several roles are joined where one tensor is cut up.
std::map<std::string, std::string> rolesByTensor(const Checkpoint& checkpoint)
{
    std::map<std::string, std::string> roles;
    const auto note = [&](const std::optional<WeightReference>& weight, const std::string& role) {
        if (!weight)
            return;
        std::string& text = roles[weight->tensor];
        text += (text.empty() ? "" : " + ") + role;
    };
    for (const char* role : {"token_embedding.weight", "position_embedding.weight", "final_norm.weight",
                             "final_norm.bias", "lm_head.weight"})
        note(checkpoint.modelWeight(role), role);
    for (std::int32_t layer = 0; layer < checkpoint.config().layers; ++layer)
        for (const std::string& role : checkpoint.blockRoles({layer}))
            note(checkpoint.blockWeight({layer}, role), "block " + std::to_string(layer) + " " + role);
    return roles;
}

Json tensorsToJson(const Checkpoint& checkpoint)
{
    const auto roles = rolesByTensor(checkpoint);
    Json tensors = Json::array();
    for (const TensorEntry& tensor : checkpoint.tensors()) {
        const auto role = roles.find(tensor.name);
        tensors.push_back({{"name", tensor.name},
                           {"role", role == roles.end() ? Json() : Json(role->second)},
                           {"dtype", blockcert::nameOf(tensor.dtype)},
                           {"shape", tensor.shape},
                           {"bytes", tensor.end - tensor.begin},
                           {"file", checkpoint.files()[tensor.file].path.filename().string()}});
    }
    return tensors;
}

Json dtypesToJson(const Checkpoint& checkpoint)
{
    std::map<DType, std::pair<std::int64_t, std::uint64_t>> sums; // tensors, bytes
    for (const TensorEntry& tensor : checkpoint.tensors()) {
        auto& [count, size] = sums[tensor.dtype];
        ++count;
        size += tensor.end - tensor.begin;
    }
    Json dtypes = Json::array();
    for (const auto& [dtype, sum] : sums)
        dtypes.push_back({{"dtype", blockcert::nameOf(dtype)}, {"tensors", sum.first}, {"bytes", sum.second}});
    return dtypes;
}

Json filesToJson(const Checkpoint& checkpoint)
{
    Json files = Json::array();
    for (const artifact::WeightFile& file : checkpoint.files())
        files.push_back({{"name", file.path.filename().string()},
                         {"size", file.size},
                         {"sha256", file.sha256.empty() ? Json() : Json(file.sha256)}});
    return files;
}

void addTokenizer(const Checkpoint& checkpoint, Json& card)
{
    card["tokenizer"] = nullptr;
    card["tokenizer_problem"] = nullptr;
    try {
        const auto tokenizer = tokenizer::Tokenizer::of(checkpoint);
        card["tokenizer"] = {{"kind", tokenizer.kind()},
                             {"vocabulary", tokenizer.vocabularySize()},
                             {"bos", tokenizer.bos() ? Json(*tokenizer.bos()) : Json()},
                             {"eos", tokenizer.endOfText()},
                             {"chat_template", tokenizer.hasChatTemplate()}};
        for (const std::string& notice : tokenizer.notices())
            card["warnings"].push_back(notice);
    } catch (const Error& error) {
        card["tokenizer_problem"] = error.what();
    }
}

}

Json openModel(const OpenOptions& options, const artifact::ModelLocations& locations, const RunContext& context)
{
    Checkpoint checkpoint = Checkpoint::open(artifact::resolveModel(options.model, locations));
    if (options.hash)
        checkpoint.hashFiles(context);
    const TransformerConfig& config = checkpoint.config();
    const std::int64_t parameters = checkpoint.parameterCount();
    Json card = {
        {"model", checkpoint.name()},
        {"path", checkpoint.path().string()},
        {"container", checkpoint.container() == artifact::Container::Gguf ? "gguf" : "safetensors"},
        {"architecture", nameOf(config.architecture)},
        {"layers", config.layers},
        {"d_model", config.dModel},
        {"heads", config.heads},
        {"kv_heads", config.kvHeads},
        {"head_dim", config.headDim},
        {"d_ff", config.dFf},
        {"vocab", config.vocab},
        {"context", config.context},
        {"tied_embeddings", config.tiedEmbeddings},
        {"parameters", parameters},
        {"norm_epsilon", config.normEpsilon},
        {"rope", ropeToJson(config)},
        {"config_sha256", checkpoint.configSha256()},
        {"files", filesToJson(checkpoint)},
        {"tensors", tensorsToJson(checkpoint)},
        {"dtypes", dtypesToJson(checkpoint)},
        {"memory", {{"fp32_bytes", parameters * 4}, {"bf16_bytes", parameters * 2}}},
        {"warnings", checkpoint.warnings()},
    };
    addTokenizer(checkpoint, card);
    return card;
}

}
