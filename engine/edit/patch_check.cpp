#include "engine/edit/patch_check.h"

#include "engine/base/error.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

namespace blockcert::edit {

namespace {

bool isAttentionMatrix(std::string_view matrix)
{
    return matrix == "q" || matrix == "k" || matrix == "v" || matrix == "o";
}

bool isMlpMatrix(std::string_view matrix)
{
    return matrix == "gate" || matrix == "up" || matrix == "down";
}

// The shortest decimal that reads back as the same double: a tiny strength is no 0, and one next to 1 is no 1.
std::string number(double value)
{
    char buffer[32];
    return {buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr};
}

class StepCheck {
public:
    StepCheck(const PatchStep& step, std::size_t index, const TransformerConfig& config)
        : m_step(step)
        , m_index(index)
        , m_config(config)
    {
    }

    void run() const
    {
        if (m_step.block.value < 0 || m_step.block.value >= m_config.layers)
            refuse("block " + std::to_string(m_step.block.value) + " is not one of the model's blocks 0 to " +
                   std::to_string(m_config.layers - 1));
        if (!std::isfinite(m_step.strength))
            refuse("its strength is not a finite number");
        const bool head = m_step.target == PatchTarget::Head;
        if (head && (m_step.head < 0 || m_step.head >= m_config.heads))
            refuse("head " + std::to_string(m_step.head) + " is not one of the model's heads 0 to " +
                   std::to_string(m_config.heads - 1));
        if (!head && m_step.head != -1)
            refuse("only the target head takes a head");
        checkOperation();
        if (m_step.needsFile() && (m_step.file.empty() || m_step.fileSha256.empty()))
            refuse(std::string(nameOf(m_step.operation)) + " needs a file of tensors and its SHA-256");
        if (!m_step.needsFile() && !m_step.file.empty())
            refuse(std::string(nameOf(m_step.operation)) + " takes no file");
    }

private:
    void checkOperation() const
    {
        switch (m_step.operation) {
        case PatchOperation::Scale:
        case PatchOperation::Zero:
            if (m_step.target == PatchTarget::Residual)
                refuse("the whole residual stream cannot be scaled; choose mlp, attention or a head");
            if (m_step.operation == PatchOperation::Zero && m_step.strength != 0)
                refuse("zero has the strength 0 and no other");
            break;
        case PatchOperation::AddDirection:
        case PatchOperation::ScaleDirection:
            if (m_step.target == PatchTarget::Head)
                refuse("a direction belongs to the target mlp, attention or residual, not to a head");
            if (m_step.direction.empty())
                refuse("it does not name the direction's tensor");
            break;
        case PatchOperation::RankK: checkMatrix(); return;
        }
        if (!m_step.matrix.empty())
            refuse("only rank-k takes a matrix");
    }

    void checkMatrix() const
    {
        const bool attention = isAttentionMatrix(m_step.matrix) && m_step.target == PatchTarget::Attention;
        const bool mlp = isMlpMatrix(m_step.matrix) && m_step.target == PatchTarget::Mlp;
        if (!attention && !mlp)
            refuse("rank-k changes q, k, v or o of the target attention, or gate, up or down of the target mlp, not " +
                   (m_step.matrix.empty() ? std::string("nothing") : m_step.matrix) + " of " +
                   std::string(nameOf(m_step.target)));
        if (m_step.matrix == "gate" && m_config.architecture == Architecture::Gpt2)
            refuse("this model has no matrix gate");
        if (m_step.u.empty() || m_step.v.empty())
            refuse("it does not name the tensors U and V");
    }

    [[noreturn]] void refuse(const std::string& problem) const
    {
        throw UsageError("Step " + std::to_string(m_index + 1) + " of the patch: " + problem + ".");
    }

    const PatchStep& m_step;
    std::size_t m_index;
    const TransformerConfig& m_config;
};

// Scaling works on the product with the changed matrix, so the change has to come first to be one and the same edit in
// weights and in outputs.
void requireMatricesFirst(const Patch& patch)
{
    std::set<std::pair<LayerIndex, bool>> outputs; // block and whether it is the attention's
    for (std::size_t i = 0; i < patch.steps.size(); ++i) {
        const PatchStep& step = patch.steps[i];
        const bool attention = step.target != PatchTarget::Mlp;
        if (step.operation != PatchOperation::RankK) {
            if (step.target != PatchTarget::Residual)
                outputs.emplace(step.block, attention);
        } else if ((step.matrix == "o" || step.matrix == "down") && outputs.contains({step.block, attention})) {
            throw UsageError("Step " + std::to_string(i + 1) + " of the patch changes the matrix " + step.matrix +
                             " of block " + std::to_string(step.block.value) +
                             " behind a step that changes its product; put the rank-k step first.");
        }
    }
}

}

std::string_view nameOf(PatchTarget target)
{
    switch (target) {
    case PatchTarget::Mlp: return "mlp";
    case PatchTarget::Attention: return "attention";
    case PatchTarget::Head: return "head";
    case PatchTarget::Residual: return "residual";
    }
    return "";
}

std::string_view nameOf(PatchOperation operation)
{
    switch (operation) {
    case PatchOperation::Scale: return "scale";
    case PatchOperation::Zero: return "zero";
    case PatchOperation::AddDirection: return "add-direction";
    case PatchOperation::ScaleDirection: return "scale-direction";
    case PatchOperation::RankK: return "rank-k";
    }
    return "";
}

std::string textOf(const PatchStep& step)
{
    std::string place;
    switch (step.target) {
    case PatchTarget::Mlp: place = "MLP output"; break;
    case PatchTarget::Attention: place = "attention output"; break;
    case PatchTarget::Head: place = "head " + std::to_string(step.head); break;
    case PatchTarget::Residual: place = "block output"; break;
    }
    const std::string block = "block " + std::to_string(step.block.value) + ": ";
    switch (step.operation) {
    case PatchOperation::Scale: return block + place + " scaled by " + number(step.strength);
    case PatchOperation::Zero: return block + place + " set to zero";
    case PatchOperation::AddDirection:
        return block + number(step.strength) + " times the direction " + step.direction + " added to the " + place;
    case PatchOperation::ScaleDirection:
        return block + place + " scaled by " + number(step.strength) + " along the direction " + step.direction;
    case PatchOperation::RankK:
        return block + number(step.strength) + " times " + step.u + " times " + step.v + " transposed added to " +
               step.matrix;
    }
    return block;
}

void requireSense(const Patch& patch, const TransformerConfig& config)
{
    if (patch.steps.empty())
        throw UsageError("The patch has no step.");
    for (std::size_t i = 0; i < patch.steps.size(); ++i)
        StepCheck(patch.steps[i], i, config).run();
    requireMatricesFirst(patch);
}

void requireModel(const Patch& patch, std::vector<std::string> modelSha256, std::string_view modelName)
{
    std::sort(modelSha256.begin(), modelSha256.end());
    if (patch.modelSha256 != modelSha256)
        throw FormatError("The patch is for another model (" + patch.model + "): the files of " +
                          std::string(modelName) + " have other digests.");
}

std::vector<LayerIndex> editedBlocks(const Patch& patch)
{
    std::set<LayerIndex> blocks;
    for (const PatchStep& step : patch.steps)
        blocks.insert(step.block);
    return {blocks.begin(), blocks.end()};
}

}
