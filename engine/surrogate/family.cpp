#include "engine/surrogate/family.h"

#include "engine/base/error.h"
#include "engine/surrogate/surrogate_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace blockcert::surrogate {

namespace {

constexpr std::array attention = {"q.weight", "k.weight", "v.weight", "o.weight"};
constexpr std::array mlp = {"gate.weight", "up.weight", "down.weight"};

bool isAmong(const auto& names, std::string_view name)
{
    return std::find(names.begin(), names.end(), name) != names.end();
}

bool isReduced(const SurrogateChoice& choice, std::string_view name)
{
    const bool ofAttention = isAmong(attention, name);
    const bool ofMlp = isAmong(mlp, name);
    switch (choice.family) {
    case SurrogateFamily::LowRank:
        return (ofAttention && choice.matrices != MatrixGroup::Mlp) ||
               (ofMlp && choice.matrices != MatrixGroup::Attention);
    case SurrogateFamily::Quantised: return ofAttention || ofMlp;
    default: return false;
    }
}

std::int64_t fullRank(const ir::BlockProgram& program, std::string_view name)
{
    const auto weight = program.weights.find(std::string(name));
    return std::min(weight->second.shape.at(0), weight->second.shape.at(1));
}

void requireReduction(const SurrogateChoice& choice, const ir::BlockProgram& program)
{
    const std::vector<std::string> names = reducedMatrices(program, choice);
    if (std::any_of(names.begin(), names.end(),
                    [&](const std::string& name) { return isFitted(program, choice, name); }))
        return;
    std::int64_t highest = 0;
    for (const std::string& name : names)
        highest = std::max(highest, fullRank(program, name));
    throw UsageError(fmt::format("--surrogate {}: no matrix is reduced, because none of this model's has a rank above "
                                 "{}; use a rank below {}.",
                                 textOf(choice), highest, highest));
}

void requireWholeBlocks(const SurrogateChoice& choice, const ir::BlockProgram& program)
{
    const std::int64_t elements = storageBlock(choice.dtype).elements;
    for (const std::string& name : reducedMatrices(program, choice))
        if (const std::int64_t width = program.weights.at(name).shape.at(1); width % elements != 0)
            throw UsageError(fmt::format("--surrogate {}: the rows of {} have {} elements, which are not whole storage "
                                         "blocks of {}; this model cannot be quantised to {}.",
                                         textOf(choice), name, width, elements, nameOf(choice.dtype)));
}

}

std::vector<std::string> reducedMatrices(const ir::BlockProgram& program, const SurrogateChoice& choice)
{
    std::vector<std::string> names;
    for (const auto& [name, weight] : program.weights)
        if (isReduced(choice, name))
            names.push_back(name);
    return names;
}

std::optional<std::int64_t> rankOf(const ir::BlockProgram& program, const SurrogateChoice& choice,
                                   std::string_view name)
{
    if (choice.family != SurrogateFamily::LowRank || !isReduced(choice, name))
        return std::nullopt;
    return std::min(choice.rank, fullRank(program, name));
}

bool isFitted(const ir::BlockProgram& program, const SurrogateChoice& choice, std::string_view name)
{
    const std::optional<std::int64_t> rank = rankOf(program, choice, name);
    return rank && *rank < fullRank(program, name);
}

WeightReference familyReference(const SurrogateChoice& choice, std::string_view name, WeightReference baseline)
{
    if (choice.family == SurrogateFamily::Quantised && isReduced(choice, name))
        baseline.transforms.push_back({.kind = WeightTransform::Kind::RoundTrip, .dtype = choice.dtype});
    return baseline;
}

void requireSense(const SurrogateChoice& choice, const Ablation& ablation, const TransformerConfig& config)
{
    const ir::BlockProgram program = ir::makeProgram(config, LayerIndex{0});
    if (choice.family == SurrogateFamily::LowRank)
        requireReduction(choice, program);
    if (choice.family == SurrogateFamily::Quantised)
        requireWholeBlocks(choice, program);
    if (ablation.kind == Ablation::Kind::DropRope && program.ropeHalf == 0)
        throw UsageError("--ablate drop-rope: this model has no rotary position embeddings to drop.");
}

void requireSameShape(const std::string& model, const TransformerConfig& config, const std::string& other,
                      const TransformerConfig& otherConfig)
{
    const auto architecture = [](const TransformerConfig& c) {
        return std::string(c.architecture == Architecture::Llama ? "llama" : "gpt2");
    };
    const auto yes = [](bool value) { return std::string(value ? "present" : "absent"); };
    const auto number = [](std::int32_t value) { return std::to_string(value); };
    const std::vector<std::pair<std::string_view, std::pair<std::string, std::string>>> shapes = {
        {"the architecture is", {architecture(config), architecture(otherConfig)}},
        {"the number of blocks is", {number(config.layers), number(otherConfig.layers)}},
        {"d_model is", {number(config.dModel), number(otherConfig.dModel)}},
        {"the number of heads is", {number(config.heads), number(otherConfig.heads)}},
        {"the number of key heads is", {number(config.kvHeads), number(otherConfig.kvHeads)}},
        {"head_dim is", {number(config.headDim), number(otherConfig.headDim)}},
        {"d_ff is", {number(config.dFf), number(otherConfig.dFf)}},
        {"biases of the attention are", {yes(config.attentionBias), yes(otherConfig.attentionBias)}},
        {"biases of the MLP are", {yes(config.mlpBias), yes(otherConfig.mlpBias)}},
    };
    for (const auto& [what, values] : shapes)
        if (values.first != values.second)
            throw UsageError(fmt::format("The blocks of {} cannot stand in for those of {}: {} {} there and {} here; "
                                         "name a checkpoint of the same shape.",
                                         other, model, what, values.second, values.first));
}

}
