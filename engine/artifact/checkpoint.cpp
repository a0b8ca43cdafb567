#include "engine/artifact/checkpoint.h"

#include "engine/artifact/checked_arithmetic.h"
#include "engine/artifact/checkpoint_files.h"
#include "engine/artifact/file_hashes.h"
#include "engine/artifact/model_config.h"
#include "engine/artifact/shown.h"
#include "engine/artifact/weight_loader.h"
#include "engine/artifact/weight_names.h"
#include "engine/base/atomic_file.h"
#include "engine/base/error.h"
#include "engine/base/run_context.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace blockcert::artifact {

namespace {

constexpr std::size_t configBytes = 4U << 20U;
constexpr std::size_t shownWarnings = 20;

struct RoleReference {
    std::string role;
    std::size_t tensor = 0; // index into the tensors
    std::vector<WeightTransform> transforms;
};

std::string shapeText(const std::vector<std::int64_t>& shape)
{
    std::string text = "[";
    for (const std::int64_t dimension : shape)
        text += (text.size() > 1 ? ", " : "") + std::to_string(dimension);
    return text + "]";
}

// "org/name" for …/models--org--name/snapshots/COMMIT, else the last part of the path.
std::string folderName(const std::filesystem::path& folder)
{
    const std::filesystem::path clean = std::filesystem::absolute(folder).lexically_normal();
    const std::filesystem::path last = clean.has_filename() ? clean : clean.parent_path();
    const std::string repository = last.parent_path().parent_path().filename().string();
    if (last.parent_path().filename() != "snapshots" || !repository.starts_with("models--"))
        return last.filename().string();
    std::string name = repository.substr(8);
    if (const std::size_t separator = name.find("--"); separator != std::string::npos)
        name.replace(separator, 2, "/");
    return name;
}

// A GGUF is called after its file: what general.name says is often the name of a training run.
std::string modelName(const CheckpointFiles& files, const std::filesystem::path& path)
{
    if (!files.gguf)
        return folderName(files.folder.empty() ? std::filesystem::path(".") : files.folder);
    return (files.gguf->path().empty() ? path : files.gguf->path()).stem().string();
}

ModelDescription describe(const CheckpointFiles& files)
{
    if (files.gguf)
        return describeGguf(*files.gguf);
    const std::filesystem::path path = files.folder / "config.json";
    if (!std::filesystem::exists(path))
        throw FileError("There is no " + path.string() +
                        "; a safetensors model needs the config.json it was published with beside it.");
    return describeHuggingFace(parseStrictJson(readWholeFile(path, configBytes), path.string()), path.string());
}

}

struct Checkpoint::State {
    std::filesystem::path path;
    std::string name;
    CheckpointFiles files;
    TransformerConfig config;
    std::vector<std::string> warnings;
    std::map<std::string, std::size_t, std::less<>> byName;
    std::vector<std::vector<RoleReference>> blocks; // [layer]
    std::vector<RoleReference> model;
    std::int64_t parameters = 0;

    // Matches names and shapes of every weight, so that nothing later meets a tensor it does not expect.
    void bindWeights();
    RoleReference bind(const NamedWeight& weight) const;
    NamingScheme namingScheme() const;
    void settleHead();
    void judgeUnusedTensors(const NamingScheme& scheme, const std::set<std::size_t>& used);
    WeightReference referenceTo(const RoleReference& role) const;
    std::optional<WeightReference> find(const std::vector<RoleReference>& roles, std::string_view role) const;

    std::string fileName(std::size_t file) const { return files.files[file].path.filename().string(); }
};

NamingScheme Checkpoint::State::namingScheme() const
{
    if (files.container == Container::Gguf)
        return {.container = Container::Gguf, .prefix = {}};
    const bool llama = config.architecture == Architecture::Llama;
    const std::string prefix = llama ? "model." : "transformer.";
    const char* embedding = llama ? "embed_tokens.weight" : "wte.weight";
    const bool prefixed = byName.contains(prefix + embedding);
    if (prefixed && byName.contains(embedding))
        throw FormatError(path.string() + ": the embedding is there with and without " + shown(prefix) +
                          "; it is not clear which one is meant.");
    return {.container = Container::Safetensors, .prefix = prefixed ? prefix : ""};
}

RoleReference Checkpoint::State::bind(const NamedWeight& weight) const
{
    const auto found = byName.find(weight.tensor);
    if (found == byName.end())
        throw FormatError(path.string() + " has no tensor " + shown(weight.tensor) +
                          ", which its configuration needs.");
    const TensorEntry& tensor = files.tensors[found->second];
    if (tensor.shape != weight.storedShape)
        throw ShapeError(fileName(tensor.file) + ": tensor " + shown(tensor.name) + " has shape " +
                         shapeText(tensor.shape) + "; the configuration says " + shapeText(weight.storedShape) + ".");
    if (!isFloating(tensor.dtype) && !isQuantised(tensor.dtype))
        throw UnsupportedError(fileName(tensor.file) + ": tensor " + shown(tensor.name) + " is a weight of type " +
                               std::string(nameOf(tensor.dtype)) + ", which is not implemented.");
    return {.role = weight.role, .tensor = found->second, .transforms = weight.transforms};
}

// A file may carry lm_head.weight although config.json ties it: harmless if it repeats the embedding.
void Checkpoint::State::settleHead()
{
    const auto found = byName.find("lm_head.weight");
    if (files.container == Container::Gguf || !config.tiedEmbeddings || found == byName.end())
        return;
    const auto embedding = std::find_if(
        model.begin(), model.end(), [](const RoleReference& role) { return role.role == "token_embedding.weight"; });
    const TensorEntry& a = files.tensors[found->second];
    const TensorEntry& b = files.tensors[embedding->tensor];
    bool same = a.dtype == b.dtype && a.shape == b.shape;
    std::vector<std::byte> bytesOfA(1U << 20U);
    std::vector<std::byte> bytesOfB(1U << 20U);
    for (std::uint64_t at = 0; same && at < a.end - a.begin; at += bytesOfA.size()) {
        const std::size_t count = std::min<std::uint64_t>(bytesOfA.size(), a.end - a.begin - at);
        files.inputs[a.file]->readAt(a.begin + at, std::span(bytesOfA).first(count));
        files.inputs[b.file]->readAt(b.begin + at, std::span(bytesOfB).first(count));
        same = std::equal(bytesOfA.begin(), bytesOfA.begin() + static_cast<std::ptrdiff_t>(count), bytesOfB.begin());
    }
    if (!same)
        throw FormatError(path.string() + ": config.json ties lm_head to the embedding, but the file has a different "
                                          "\"lm_head.weight\"; one of the two is wrong.");
}

void Checkpoint::State::judgeUnusedTensors(const NamingScheme& scheme, const std::set<std::size_t>& used)
{
    std::set<std::string> blockPrefixes;
    for (std::int32_t layer = 0; layer < config.layers; ++layer)
        blockPrefixes.insert(blockPrefix(config, scheme, layer));
    std::string anyBlock = blockPrefix(config, scheme, 0); // "model.layers.0."
    anyBlock.resize(anyBlock.size() - 2);
    const auto isOfABlock = [&](const std::string& tensor) {
        return tensor.size() > anyBlock.size() && tensor.starts_with(anyBlock) && tensor[anyBlock.size()] >= '0' &&
               tensor[anyBlock.size()] <= '9';
    };
    std::size_t ignored = 0;
    for (std::size_t i = 0; i < files.tensors.size(); ++i) {
        const std::string& tensor = files.tensors[i].name;
        if (used.contains(i) || isKnownBuffer(tensor, scheme) || tensor == "lm_head.weight")
            continue;
        // "a.b.7." of "a.b.7.c": the only prefix of it that can be in the set ends after the layer's number.
        for (std::size_t dot = tensor.find('.'); dot != std::string::npos; dot = tensor.find('.', dot + 1)) {
            if (blockPrefixes.contains(tensor.substr(0, dot + 1)))
                throw UnsupportedError(fileName(files.tensors[i].file) + ": tensor " + shown(tensor) +
                                       " belongs to a block, but not to a " + config.family +
                                       " block as it is implemented.");
        }
        if (isOfABlock(tensor))
            throw FormatError(fileName(files.tensors[i].file) + ": tensor " + shown(tensor) +
                              " belongs to a block that the configuration does not count: it says that there are " +
                              std::to_string(config.layers) + ".");
        if (++ignored <= shownWarnings)
            warnings.push_back(fileName(files.tensors[i].file) + ": tensor " + shown(tensor) +
                               " is not part of the model; it is ignored.");
    }
    if (ignored > shownWarnings)
        warnings.push_back(std::to_string(ignored - shownWarnings) + " more tensors are not part of the model.");
}

void Checkpoint::State::bindWeights()
{
    for (std::size_t i = 0; i < files.tensors.size(); ++i)
        byName.emplace(files.tensors[i].name, i);
    const NamingScheme scheme = namingScheme();
    for (const NamedWeight& weight : modelWeights(config, scheme))
        model.push_back(bind(weight));
    for (std::int32_t layer = 0; layer < config.layers; ++layer) {
        std::vector<RoleReference>& roles = blocks.emplace_back();
        for (const NamedWeight& weight : blockWeights(config, scheme, layer))
            roles.push_back(bind(weight));
    }
    settleHead();

    std::set<std::size_t> used;
    for (const RoleReference& role : model)
        used.insert(role.tensor);
    for (const std::vector<RoleReference>& roles : blocks) {
        for (const RoleReference& role : roles)
            used.insert(role.tensor);
    }
    for (const std::size_t tensor : used)
        parameters += static_cast<std::int64_t>(checkedElements(files.tensors[tensor].shape).value_or(0));
    judgeUnusedTensors(scheme, used);
}

WeightReference Checkpoint::State::referenceTo(const RoleReference& role) const
{
    const TensorEntry& tensor = files.tensors[role.tensor];
    return {.file = fileName(tensor.file),
            .fileSha256 = files.files[tensor.file].sha256,
            .tensor = tensor.name,
            .begin = tensor.begin,
            .end = tensor.end,
            .storedDtype = tensor.dtype,
            .storedShape = tensor.shape,
            .transforms = role.transforms};
}

std::optional<WeightReference> Checkpoint::State::find(const std::vector<RoleReference>& roles,
                                                       std::string_view role) const
{
    const auto found =
        std::find_if(roles.begin(), roles.end(), [role](const RoleReference& entry) { return entry.role == role; });
    return found == roles.end() ? std::nullopt : std::optional(referenceTo(*found));
}

Checkpoint Checkpoint::open(const std::filesystem::path& path)
{
    auto state = std::make_unique<State>();
    state->path = path;
    state->files = openCheckpointFiles(path);
    state->name = modelName(state->files, path);
    ModelDescription description = describe(state->files);
    state->config = std::move(description.config);
    state->warnings = state->files.warnings;
    state->warnings.insert(state->warnings.end(), description.warnings.begin(), description.warnings.end());
    state->bindWeights();
    return Checkpoint(std::move(state));
}

Checkpoint::Checkpoint(std::unique_ptr<State> state)
    : m_state(std::move(state))
{
}

Checkpoint::~Checkpoint() = default;
Checkpoint::Checkpoint(Checkpoint&&) noexcept = default;
Checkpoint& Checkpoint::operator=(Checkpoint&&) noexcept = default;

const std::string& Checkpoint::name() const
{
    return m_state->name;
}

const std::filesystem::path& Checkpoint::path() const
{
    return m_state->path;
}

Container Checkpoint::container() const
{
    return m_state->files.container;
}

const TransformerConfig& Checkpoint::config() const
{
    return m_state->config;
}

std::string Checkpoint::configSha256() const
{
    return sha256OfConfig(m_state->config);
}

const std::vector<WeightFile>& Checkpoint::files() const
{
    return m_state->files.files;
}

const std::vector<TensorEntry>& Checkpoint::tensors() const
{
    return m_state->files.tensors;
}

const std::vector<std::string>& Checkpoint::warnings() const
{
    return m_state->warnings;
}

std::int64_t Checkpoint::parameterCount() const
{
    return m_state->parameters;
}

void Checkpoint::hashFiles(const RunContext& context)
{
    const std::vector<std::string> digests = sha256OfInputs(m_state->files.inputs, m_state->files.files, context);
    for (std::size_t i = 0; i < digests.size(); ++i)
        m_state->files.files[i].sha256 = digests[i];
}

std::optional<WeightReference> Checkpoint::blockWeight(LayerIndex layer, std::string_view role) const
{
    if (layer.value < 0 || layer.value >= m_state->config.layers)
        throw UsageError("Block " + std::to_string(layer.value) + " was asked for; " + m_state->name +
                         " has blocks 0 to " + std::to_string(m_state->config.layers - 1) + ".");
    return m_state->find(m_state->blocks[static_cast<std::size_t>(layer.value)], role);
}

std::optional<WeightReference> Checkpoint::modelWeight(std::string_view role) const
{
    return m_state->find(m_state->model, role);
}

std::vector<std::string> Checkpoint::blockRoles(LayerIndex layer) const
{
    std::vector<std::string> roles;
    if (layer.value >= 0 && layer.value < m_state->config.layers) {
        for (const RoleReference& role : m_state->blocks[static_cast<std::size_t>(layer.value)])
            roles.push_back(role.role);
    }
    return roles;
}

void Checkpoint::load(const WeightReference& reference, HostTensor& into) const
{
    const auto found = m_state->byName.find(reference.tensor);
    if (found == m_state->byName.end())
        throw FormatError(m_state->path.string() + " has no tensor " + shown(reference.tensor) + ".");
    const TensorEntry& tensor = m_state->files.tensors[found->second];
    const WeightFile& file = m_state->files.files[tensor.file];
    const bool agrees = reference.file == m_state->fileName(tensor.file) && reference.begin == tensor.begin &&
                        reference.end == tensor.end && reference.storedDtype == tensor.dtype &&
                        reference.storedShape == tensor.shape;
    if (!agrees)
        throw FormatError(m_state->path.string() + ": tensor " + shown(reference.tensor) +
                          " lies elsewhere or has another type or shape than the reference to it says.");
    if (!reference.fileSha256.empty() && !file.sha256.empty() && reference.fileSha256 != file.sha256)
        throw FormatError(file.path.string() + " is not the file that the reference to tensor " +
                          shown(reference.tensor) + " was made from: its SHA-256 differs.");
    const InputFile& input = *m_state->files.inputs[tensor.file];
    input.requireUnchanged();
    loadWeight(reference, input, into);
}

void Checkpoint::readAhead(LayerIndex layer, std::vector<std::byte>& buffer, const RunContext& context) const
{
    constexpr std::size_t step = std::size_t{8} << 20;
    forgetAhead();
    std::vector<const TensorEntry*> tensors;
    std::size_t size = 0;
    for (const std::string& role : blockRoles(layer)) {
        const auto found = m_state->byName.find(blockWeight(layer, role)->tensor);
        const TensorEntry* tensor = &m_state->files.tensors[found->second];
        if (std::find(tensors.begin(), tensors.end(), tensor) != tensors.end())
            continue; // GPT-2's q, k and v are one tensor
        tensors.push_back(tensor);
        size += static_cast<std::size_t>(tensor->end - tensor->begin);
    }
    if (buffer.size() < size)
        buffer.resize(size);
    std::vector<std::vector<InputFile::Held>> held(m_state->files.inputs.size());
    std::size_t place = 0;
    for (const TensorEntry* tensor : tensors) {
        const std::span<std::byte> bytes =
            std::span(buffer).subspan(place, static_cast<std::size_t>(tensor->end - tensor->begin));
        place += bytes.size();
        for (std::size_t at = 0; at < bytes.size(); at += step) {
            context.step();
            m_state->files.inputs[tensor->file]->readAt(tensor->begin + at,
                                                        bytes.subspan(at, std::min(step, bytes.size() - at)));
        }
        held[tensor->file].push_back({tensor->begin, bytes});
    }
    for (std::size_t file = 0; file < held.size(); ++file)
        m_state->files.inputs[file]->hold(std::move(held[file]));
}

void Checkpoint::forgetAhead() const
{
    for (const auto& input : m_state->files.inputs)
        input->hold({});
}

std::uint64_t Checkpoint::bytesRead() const
{
    std::uint64_t bytes = 0;
    for (const auto& input : m_state->files.inputs)
        bytes += input->bytesRead();
    return bytes;
}

const GgufFile* Checkpoint::gguf() const
{
    return m_state->files.gguf ? &*m_state->files.gguf : nullptr;
}

const std::filesystem::path& Checkpoint::folder() const
{
    return m_state->files.folder;
}

WeightReference castTo(WeightReference reference, DType dtype)
{
    reference.transforms.push_back({.kind = WeightTransform::Kind::Cast, .begin = 0, .end = 0, .dtype = dtype});
    return reference;
}

}
