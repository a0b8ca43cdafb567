#include "engine/pipeline/edit/edit_session.h"

#include "engine/base/run_context.h"
#include "engine/edit/patch_check.h"
#include "engine/edit/patched_block.h"
#include "engine/model/torch_guard.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/mul.h>

#include <algorithm>
#include <cmath>

namespace blockcert::pipeline {

EditTaps::EditTaps(const Patch& patch, const edit::PatchTensors& tensors, const model::Transformer& transformer)
    : m_headDim(transformer.config().headDim)
{
    for (std::size_t i = 0; i < patch.steps.size(); ++i) {
        const PatchStep& step = patch.steps[i];
        if (step.operation == PatchOperation::RankK)
            continue;
        Work work{step, {}};
        if (step.needsFile()) {
            std::vector<double> values = edit::valuesOf(tensors, std::to_string(i) + ".direction");
            if (step.operation == PatchOperation::ScaleDirection) {
                double squares = 0;
                for (const double value : values)
                    squares += value * value;
                const double norm = std::sqrt(squares);
                for (double& value : values)
                    value /= norm;
            }
            const at::Tensor direction = at::empty({static_cast<std::int64_t>(values.size())}, at::kDouble);
            std::copy(values.begin(), values.end(), direction.mutable_data_ptr<double>());
            work.direction = direction.to(transformer.device());
        }
        m_work.push_back(std::move(work));
    }
}

void EditTaps::headOutputs(LayerIndex block, const at::Tensor& rows)
{
    apply(block, PatchTarget::Head, rows);
}

void EditTaps::attentionOutput(LayerIndex block, const at::Tensor& rows)
{
    apply(block, PatchTarget::Attention, rows);
}

void EditTaps::mlpOutput(LayerIndex block, const at::Tensor& rows)
{
    apply(block, PatchTarget::Mlp, rows);
}

void EditTaps::blockOutput(LayerIndex block, const at::Tensor& rows)
{
    apply(block, PatchTarget::Residual, rows);
}

void EditTaps::apply(LayerIndex block, PatchTarget target, const at::Tensor& rows) const
{
    for (const Work& work : m_work) {
        const PatchStep& step = work.step;
        if (step.block != block || step.target != target)
            continue;
        at::Tensor part = target == PatchTarget::Head ? rows.narrow(1, step.head * m_headDim, m_headDim) : rows;
        switch (step.operation) {
        case PatchOperation::Scale: part.mul_(step.strength); break;
        case PatchOperation::Zero: part.zero_(); break;
        case PatchOperation::AddDirection:
            if (step.strength != 0)
                part.copy_(part.to(at::kDouble).add_(work.direction, step.strength));
            break;
        case PatchOperation::ScaleDirection:
            if (step.strength != 1) {
                at::Tensor wide = part.to(at::kDouble);
                const at::Tensor along = at::mul(wide, work.direction).sum({1}, /*keepdim=*/true);
                part.copy_(wide.add_(at::mul(along, work.direction), step.strength - 1));
            }
            break;
        case PatchOperation::RankK: break;
        }
    }
}

EditSession::EditSession(model::Transformer& transformer, const Patch& patch, const edit::PatchTensors& tensors,
                         const std::map<LayerIndex, ir::BlockIr>& blocks, const RunContext& context)
    : m_transformer(transformer)
    , m_steps(patch.steps)
    , m_first{transformer.config().layers}
    , m_taps(patch, tensors, transformer)
{
    for (const PatchStep& step : patch.steps)
        m_first = std::min(m_first, step.block);
    Patch matrices = patch;
    edit::PatchTensors factors;
    matrices.steps.clear();
    for (std::size_t i = 0; i < patch.steps.size(); ++i) {
        if (patch.steps[i].operation != PatchOperation::RankK)
            continue;
        for (const char* name : {".u", ".v"})
            factors[std::to_string(matrices.steps.size()) + name] = tensors.at(std::to_string(i) + name);
        matrices.steps.push_back(patch.steps[i]);
    }
    for (const LayerIndex block : edit::editedBlocks(matrices)) {
        const ir::BlockIr& before = blocks.at(block);
        const ir::BlockIr after = edit::patchedBlock(before, matrices, factors, transformer.config());
        for (const auto& [role, weight] : after.program.weights)
            if (weight.sha256 != before.program.weights.at(role).sha256)
                m_overlays[block][role] = edit::roundedWeight(after.weights.at(role), transformer.dtype());
    }
    lay(true, context);
}

EditSession::~EditSession()
{
    m_transformer.clearOverlays();
}

bool EditSession::editsOutputsAlone(LayerIndex block) const
{
    return std::none_of(m_steps.begin(), m_steps.end(), [&](const PatchStep& step) {
        return step.block == block && (step.operation == PatchOperation::RankK || step.target == PatchTarget::Head ||
                                       step.target == PatchTarget::Attention);
    });
}

void EditSession::lay(bool on, const RunContext& context)
{
    m_transformer.clearOverlays();
    if (!on)
        return;
    for (const auto& [block, weights] : m_overlays)
        m_transformer.overlay(block, weights, context);
}

Patch neutral(Patch patch)
{
    for (PatchStep& step : patch.steps) {
        if (step.operation == PatchOperation::Zero)
            step.operation = PatchOperation::Scale;
        const bool scales = step.operation == PatchOperation::Scale || step.operation == PatchOperation::ScaleDirection;
        step.strength = scales ? 1 : 0;
    }
    return patch;
}

}
