#include "engine/certificate/cell_tensors.h"

#include "engine/certificate/run_layout.h"
#include "engine/certificate/widen.h"

#include <array>
#include <string_view>
#include <utility>

namespace blockcert::certificate {

namespace {

using TensorMember = std::pair<std::string_view, HostTensor CellRecord::*>;
using NumberMember = std::pair<std::string_view, std::vector<double> CellRecord::*>;
using IdMember = std::pair<std::string_view, std::vector<std::int32_t> CellRecord::*>;

constexpr std::array<TensorMember, 6> tensorMembers = {{{"input", &CellRecord::input},
                                                        {"output", &CellRecord::output},
                                                        {"attention_output", &CellRecord::attentionOutput},
                                                        {"mlp_output", &CellRecord::mlpOutput},
                                                        {"mask", &CellRecord::mask},
                                                        {"gradient", &CellRecord::lossGradient}}};
constexpr std::array<NumberMember, 8> numberMembers = {{{"error", &CellRecord::error},
                                                        {"error_attn", &CellRecord::errorAttention},
                                                        {"error_mlp", &CellRecord::errorMlp},
                                                        {"output_norm", &CellRecord::outputNorm},
                                                        {"attention_margin", &CellRecord::attentionMargin},
                                                        {"first_order", &CellRecord::firstOrder},
                                                        {"loss_base", &CellRecord::lossBase},
                                                        {"loss_stitched", &CellRecord::lossStitched}}};
constexpr std::array<IdMember, 2> idMembers = {
    {{"top_id_base", &CellRecord::topIdBase}, {"top_id_stitched", &CellRecord::topIdStitched}}};
constexpr std::array<NumberMember, 2> logitMembers = {
    {{"top_logit_base", &CellRecord::topLogitBase}, {"top_logit_stitched", &CellRecord::topLogitStitched}}};

// Not in every run.
bool isOfLosses(std::string_view name)
{
    return name.starts_with("loss") || name == "first_order";
}

std::vector<std::int64_t> shapeOf(std::string_view name, const CellShape& shape)
{
    if (name == "attention_margin")
        return {shape.heads, shape.tokens};
    if (name.starts_with("loss"))
        return {shape.tokens - 1};
    return {shape.tokens};
}

}

std::vector<NamedTensor> tensorsOf(const CellRecord& cell, const CellShape& shape)
{
    std::vector<NamedTensor> tensors;
    for (const auto& [name, member] : tensorMembers)
        if ((shape.sublayers || !isSublayerTensor(name)) && (name != "gradient" || !(cell.*member).shape.empty()))
            tensors.push_back({std::string(name), cell.*member});
    for (const auto& [name, member] : numberMembers)
        if ((shape.sublayers || !isSublayerTensor(name)) && (!isOfLosses(name) || !(cell.*member).empty()))
            tensors.push_back({std::string(name), tensorOf(cell.*member, shapeOf(name, shape))});
    for (const auto& [name, member] : idMembers)
        if (!(cell.*member).empty())
            tensors.push_back({std::string(name), tensorOf(cell.*member, {shape.tokens, 5})});
    for (const auto& [name, member] : logitMembers)
        if (!(cell.*member).empty())
            tensors.push_back({std::string(name), tensorOf(cell.*member, {shape.tokens, 5})});
    return tensors;
}

CellRecord recordOf(LayerIndex block, PromptIndex prompt, std::vector<NamedTensor> tensors)
{
    CellRecord cell;
    cell.block = block;
    cell.prompt = prompt;
    for (NamedTensor& part : tensors) {
        for (const auto& [name, member] : tensorMembers)
            if (part.name == name)
                cell.*member = std::move(part.tensor);
        for (const auto& [name, member] : numberMembers)
            if (part.name == name)
                cell.*member = widened(part.tensor);
        for (const auto& [name, member] : idMembers)
            if (part.name == name)
                cell.*member = int32Elements(part.tensor);
        for (const auto& [name, member] : logitMembers)
            if (part.name == name)
                cell.*member = widened(part.tensor);
    }
    return cell;
}

}
