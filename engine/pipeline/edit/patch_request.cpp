#include "engine/pipeline/edit/patch_request.h"

#include "engine/artifact/safetensors.h"
#include "engine/base/atomic_file.h"
#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/base/sha256.h"
#include "engine/certificate/patch_codec.h"
#include "engine/edit/classifier.h"
#include "engine/edit/patch_check.h"
#include "engine/exchange/npz_file.h"
#include "engine/prompts/prompts.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace blockcert::pipeline {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t largestText = 4U << 20U;

std::vector<std::string> digestsOf(const artifact::Checkpoint& model)
{
    std::vector<std::string> digests;
    for (const artifact::WeightFile& file : model.files())
        digests.push_back(file.sha256);
    std::sort(digests.begin(), digests.end());
    return digests;
}

// What `work` makes of the open file: a .npz or a .safetensors.
template <class Work>
auto inTensorFile(const fs::path& path, const Work& work)
{
    if (path.extension() == ".npz")
        return work(exchange::NpzFile(path));
    if (path.extension() == ".safetensors")
        return work(artifact::SafetensorsFile::open(path));
    throw UsageError(path.string() + ": tensors of a patch lie in a .safetensors or .npz file.");
}

std::vector<std::string> namesIn(const exchange::NpzFile& file)
{
    return file.names();
}

std::vector<std::string> namesIn(const artifact::SafetensorsFile& file)
{
    std::vector<std::string> names;
    for (const artifact::TensorEntry& entry : file.tensors())
        names.push_back(entry.name);
    return names;
}

// The tensor of this name, in capitals or not; where a file holds a single one and needs no more, that one.
std::string tensorIn(const fs::path& path, const std::string& name, bool alone)
{
    const std::vector<std::string> names = inTensorFile(path, [](const auto& file) { return namesIn(file); });
    for (const std::string& candidate : names)
        if (candidate.size() == name.size() && std::equal(name.begin(), name.end(), candidate.begin(),
                                                          [](char a, char b) { return a == b || a - 'a' + 'A' == b; }))
            return candidate;
    if (alone && names.size() == 1)
        return names.front();
    constexpr std::size_t most = 8;
    std::string list;
    for (std::size_t i = 0; i < std::min(most, names.size()); ++i)
        list += (i == 0 ? "" : ", ") + names[i];
    if (names.size() > most)
        list += " and " + std::to_string(names.size() - most) + " more";
    throw UsageError(path.string() + " holds no tensor \"" + name + "\"" +
                     (list.empty() ? std::string(", nor any other.")
                                   : " but " + list + ": rename one" + (alone ? ", or keep one alone" : "") +
                                         ", or name it in a patch file."));
}

// An option of another kind of edit was meant for something: it is refused, not passed over.
void requireOwn(const PatchOptions& options, PatchOperation operation)
{
    const bool product = operation == PatchOperation::RankK;
    const bool direction = operation == PatchOperation::AddDirection || operation == PatchOperation::ScaleDirection;
    const auto refuse = [](const char* option, const char* home) {
        throw UsageError(std::string(option) + " goes with " + home + "; leave it out, or ask for that edit instead.");
    };
    if (!product && (!options.matrix.empty() || !options.u.empty() || !options.v.empty()))
        refuse(options.matrix.empty() ? "The name of a factor" : "--matrix", "--rank-k");
    if (!product && options.strength)
        refuse("--strength", "--rank-k (every other edit has its strength in its own option)");
    if (!direction && (!options.direction.empty() || !options.tensor.empty()))
        refuse(options.direction.empty() ? "The name of a direction" : "--direction",
               "--add-direction or --scale-direction");
    if (!direction && !options.target.empty())
        refuse("--target", "--add-direction or --scale-direction");
}

// Exactly one of the ways to say what is edited.
PatchStep stepOf(const PatchOptions& options)
{
    std::vector<PatchStep> steps;
    const auto add = [&](PatchTarget target, PatchOperation operation, double strength) -> PatchStep& {
        PatchStep step;
        step.target = target;
        step.operation = operation;
        step.strength = strength;
        if (options.block)
            step.block = {*options.block};
        return steps.emplace_back(std::move(step));
    };
    const auto file = [](PatchStep& step, const fs::path& path) {
        step.file = path.filename().string();
        step.fileSha256 = sha256OfFile(path, RunContext{});
    };
    if (options.scaleMlp)
        add(PatchTarget::Mlp, PatchOperation::Scale, *options.scaleMlp);
    if (options.scaleAttention)
        add(options.head ? PatchTarget::Head : PatchTarget::Attention, PatchOperation::Scale, *options.scaleAttention);
    if (!options.zero.empty())
        add(options.zero == "mlp"    ? PatchTarget::Mlp
            : options.zero == "head" ? PatchTarget::Head
                                     : PatchTarget::Attention,
            PatchOperation::Zero, 0);
    if (!options.rankK.empty()) {
        const std::string matrix = options.matrix.empty() ? "down" : options.matrix;
        const bool mlp = matrix == "gate" || matrix == "up" || matrix == "down";
        PatchStep& step =
            add(mlp ? PatchTarget::Mlp : PatchTarget::Attention, PatchOperation::RankK, options.strength.value_or(1));
        step.matrix = matrix;
        step.u = options.u.empty() ? tensorIn(options.rankK, "u", false) : options.u;
        step.v = options.v.empty() ? tensorIn(options.rankK, "v", false) : options.v;
        file(step, options.rankK);
    }
    for (const auto& [strength, operation] : {std::pair{options.addDirection, PatchOperation::AddDirection},
                                              std::pair{options.scaleDirection, PatchOperation::ScaleDirection}}) {
        if (!strength)
            continue;
        if (options.direction.empty())
            throw UsageError("A direction needs its file: give --direction FILE.");
        PatchStep& step = add(options.target == "mlp"         ? PatchTarget::Mlp
                              : options.target == "attention" ? PatchTarget::Attention
                                                              : PatchTarget::Residual,
                              operation, *strength);
        step.direction = options.tensor.empty() ? tensorIn(options.direction, "direction", true) : options.tensor;
        file(step, options.direction);
    }
    if (steps.size() != 1)
        throw UsageError(steps.empty() ? "Nothing is edited: give --scale-mlp, --scale-attn, --zero, --rank-k, "
                                         "--add-direction, --scale-direction or --patch FILE."
                                       : "One edit at a time: put several steps into a patch file and give --patch.");
    requireOwn(options, steps[0].operation);
    if (!options.block)
        throw UsageError("Name the block to edit with --block.");
    if (steps[0].target == PatchTarget::Head && !options.head)
        throw UsageError("Name the head with --head.");
    if (steps[0].target != PatchTarget::Head && options.head)
        throw UsageError("--head goes with --scale-attn or --zero head.");
    if (options.head)
        steps[0].head = *options.head;
    return steps[0];
}

HostTensor widened(const HostTensor& tensor, const std::string& what)
{
    if (!isFloating(tensor.dtype))
        throw ShapeError(what + " has the type " + std::string(nameOf(tensor.dtype)) + "; numbers are needed.");
    HostTensor wide{DType::F64, tensor.shape,
                    std::vector<std::byte>(static_cast<std::size_t>(tensor.elementCount()) * 8)};
    artifact::convertElements(tensor.dtype, tensor.bytes.data(), DType::F64, wide.bytes.data(), tensor.elementCount());
    return wide;
}

// A tensor of a .safetensors or .npz file, as F64.
HostTensor readTensor(const fs::path& path, const std::string& name)
{
    return widened(inTensorFile(path, [&](const auto& file) { return file.read(name); }),
                   path.string() + ": the tensor " + name);
}

// `files` [steps]: where each step's tensors lie.
edit::PatchTensors readTensors(const Patch& patch, const std::vector<fs::path>& files, const TransformerConfig& config)
{
    edit::PatchTensors tensors;
    for (std::size_t i = 0; i < patch.steps.size(); ++i) {
        const PatchStep& step = patch.steps[i];
        if (!step.needsFile())
            continue;
        const fs::path& path = files[i];
        if (const std::string sha256 = sha256OfFile(path, RunContext{}); sha256 != step.fileSha256)
            throw FormatError("Step " + std::to_string(i + 1) + " of the patch: " + path.string() +
                              " is not the file that the patch names; its SHA-256 is " + sha256 + ".");
        for (const edit::PatchTensorShape& need : edit::tensorsOf(step, i, config))
            tensors[need.name] = readTensor(path, need.source);
    }
    return tensors;
}

std::string jsonlOf(const PromptFile& file)
{
    std::string text;
    for (const PromptSource& prompt : file.prompts) {
        Json line = {{"id", prompt.id}, {"messages", Json::array()}};
        for (const ChatMessage& message : prompt.messages)
            line["messages"].push_back({{"role", message.role}, {"content", message.content}});
        if (!prompt.label.empty())
            line["label"] = prompt.label;
        if (!prompt.tags.empty())
            line["tags"] = prompt.tags;
        if (!prompt.split.empty())
            line["split"] = prompt.split;
        text += writeJsonLine(line) + "\n";
    }
    return text;
}

RequestedPatch checked(Patch patch, const std::vector<fs::path>& files, const artifact::Checkpoint& model)
{
    RequestedPatch requested{std::move(patch), {}};
    edit::requireSense(requested.patch, model.config());
    requested.tensors = readTensors(requested.patch, files, model.config());
    edit::requireFit(requested.patch, requested.tensors, model.config());
    return requested;
}

fs::path fileOf(const PatchOptions& options)
{
    return options.rankK.empty() ? options.direction : options.rankK;
}

}

RequestedPatch requestedPatch(const PatchOptions& options, const artifact::Checkpoint& model)
{
    if (options.file.empty())
        return checked({model.name(), digestsOf(model), {stepOf(options)}}, {fileOf(options)}, model);
    Patch patch = certificate::parsePatch(readWholeFile(options.file, largestText), options.file.string());
    edit::requireModel(patch, digestsOf(model), model.name());
    std::vector<fs::path> files;
    for (const PatchStep& step : patch.steps)
        files.push_back(options.file.parent_path() / step.file);
    return checked(std::move(patch), files, model);
}

RequestedPatch requestedStack(const std::vector<PatchOptions>& edits, const artifact::Checkpoint& model)
{
    Patch patch{model.name(), digestsOf(model), {}};
    std::vector<fs::path> files;
    for (const PatchOptions& options : edits) {
        patch.steps.push_back(stepOf(options));
        files.push_back(fileOf(options));
    }
    return patch.steps.empty() ? RequestedPatch{std::move(patch), {}} : checked(std::move(patch), files, model);
}

bool isNeutral(const Patch& patch)
{
    return std::all_of(patch.steps.begin(), patch.steps.end(), [](const PatchStep& step) {
        switch (step.operation) {
        case PatchOperation::Scale:
        case PatchOperation::ScaleDirection: return step.strength == 1;
        case PatchOperation::AddDirection:
        case PatchOperation::RankK: return step.strength == 0;
        case PatchOperation::Zero: break;
        }
        return false;
    });
}

std::vector<TokenId> stopTokens(const OpenedModel& opened)
{
    std::vector<TokenId> stop = opened.checkpoint->config().eos;
    if (opened.tokenizer)
        for (const TokenId id : opened.tokenizer->endOfText())
            stop.push_back(id);
    return stop;
}

MarkerLists requestedMarkers(const RefusalOptions& options)
{
    return options.markers.empty()
               ? edit::bundledMarkers()
               : edit::parseMarkers(readWholeFile(options.markers, largestText), options.markers.string());
}

edit::Preamble requestedPreamble(const RefusalOptions& options)
{
    const fs::path file = options.condition;
    if (file.has_extension() || file.has_parent_path()) { // no name of a condition is like that
        edit::Preamble own = edit::parsePreamble(readWholeFile(options.condition, largestText), options.condition);
        for (const char* bundled : {"system", "few-shot"})
            if (own.condition.name == bundled && own.condition != edit::bundledPreamble(bundled).condition)
                throw FormatError(options.condition + ": name is that of the bundled condition " + bundled +
                                  ", and this is another one; give it a name of its own.");
        return own;
    }
    return edit::bundledPreamble(options.condition);
}

namespace {

PromptFile promptFileOf(const PromptOptions& prompts)
{
    return prompts.content ? prompts::parsePrompts(*prompts.content, prompts.format, prompts.name)
                           : prompts::readPrompts(prompts.source);
}

}

std::string promptsName(const PromptOptions& prompts)
{
    return promptFileOf(prompts).name;
}

PromptOptions conditionedPrompts(PromptOptions prompts, const edit::Preamble& preamble)
{
    if (preamble.messages.empty())
        return prompts;
    const PromptFile file = edit::conditioned(promptFileOf(prompts), preamble);
    prompts.content = jsonlOf(file);
    prompts.format = "jsonl";
    prompts.name = file.name;
    return prompts;
}

void requireWhole(const PromptSet& prompts, std::int64_t context)
{
    for (const EncodedPrompt& prompt : prompts.prompts) {
        if (prompt.truncatedTokens == 0)
            continue;
        const auto whole = static_cast<std::int64_t>(prompt.tokenIds.size()) + prompt.truncatedTokens;
        const std::string loses = "Prompt \"" + prompt.id + "\" loses its last " +
                                  std::to_string(prompt.truncatedTokens) +
                                  " tokens, and a cut question is another question; ";
        // More than the model has positions for no --max-tokens can save.
        if (context > 0 && whole > context)
            throw UsageError(loses + "it has " + std::to_string(whole) + " and the model's context ends at " +
                             std::to_string(context) +
                             ": shorten it (with what a --condition puts before it), or leave it out.");
        throw UsageError(loses + "raise --max-tokens to " + std::to_string(whole) + ".");
    }
}

}
