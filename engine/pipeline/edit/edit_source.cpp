#include "engine/pipeline/edit/edit_source.h"

#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/certificate/metrics.h"
#include "engine/edit/patch_check.h"
#include "engine/edit/patched_block.h"
#include "engine/model/batch.h"
#include "engine/model/tensor_bridge.h"
#include "engine/model/torch_guard.h"
#include "engine/model/transformer.h"
#include "engine/pipeline/surrogate.h"
#include "engine/replay/torch_interpreter.h"

#include <ATen/core/Tensor.h>

#include <algorithm>

namespace blockcert::pipeline {

void requireExact(const RunManifest& manifest)
{
    const RunRequest& request = manifest.request;
    if (request.imported || !request.isExactCopy() || request.weights != WeightOrigin::Baseline)
        throw UsageError("Edits need a run of exact surrogates of this program's own baseline; certify the blocks with "
                         "--surrogate exact.");
}

std::map<LayerIndex, ir::BlockIr> uneditedBlocks(const StitchSource& source, const Patch& patch,
                                                 const artifact::Checkpoint& model, const RunContext& context)
{
    const std::vector<StitchedBlock> all = source.choose("all");
    std::map<LayerIndex, ir::BlockIr> blocks;
    for (const LayerIndex block : edit::editedBlocks(patch)) {
        if (!contains(all, block))
            throw UsageError("The run has no certificate of block " + std::to_string(block.value) +
                             ", which the patch edits; add it with blockcert certify … --blocks " +
                             std::to_string(block.value) + " --resume.");
        blocks.emplace(block, source.surrogate(block, model, nullptr, context));
    }
    return blocks;
}

std::map<LayerIndex, ir::BlockIr> modelBlocks(const artifact::Checkpoint& model, const std::vector<LayerIndex>& blocks,
                                              DType baseline, const RunContext& context)
{
    RunRequest request;
    request.baselineDtype = baseline;
    const Surrogates surrogates(model, request);
    std::map<LayerIndex, ir::BlockIr> programs;
    for (const LayerIndex block : blocks)
        programs.emplace(block, surrogates.block(block, 1, context).block);
    return programs;
}

namespace {

// "block 15: MLP output scaled by 1 and 2 more steps"
std::string textOf(const Patch& patch)
{
    const std::size_t more = patch.steps.size() - 1;
    return edit::textOf(patch.steps[0]) +
           (more == 0 ? "" : " and " + std::to_string(more) + (more == 1 ? " more step" : " more steps"));
}

}

std::string noOpReason(const Patch& patch)
{
    return "No certificate for an edit that changes nothing: " +
           (patch.steps.empty() ? std::string("no edit is given")
                                : "every weight keeps its bytes (" + textOf(patch) + ")") +
           ".";
}

std::string noEffectReason(const Patch& patch, std::size_t touched, DType dtype)
{
    return "No certificate for an edit that changes nothing: " + std::to_string(touched) +
           (touched == 1 ? " tensor differs" : " tensors differ") +
           ", but no state, held-out loss or completion of the " + std::string(nameOf(dtype)) + " model does (" +
           textOf(patch) + "); the edit is too weak for that type.";
}

std::vector<TouchedTensor> receiptOf(const std::map<LayerIndex, ir::BlockIr>& blocks, const Patch& patch,
                                     const edit::PatchTensors& tensors, const TransformerConfig& config, DType baseline)
{
    std::vector<TouchedTensor> touched;
    for (const LayerIndex layer : edit::editedBlocks(patch)) {
        const ir::BlockIr& block = blocks.at(layer);
        for (TouchedTensor& tensor :
             edit::touchedTensors(block, edit::patchedBlock(block, patch, tensors, config), baseline))
            touched.push_back(std::move(tensor));
    }
    return touched;
}

std::vector<double> editErrors(const StitchSource& source, const std::map<LayerIndex, ir::BlockIr>& blocks,
                               const Patch& patch, const edit::PatchTensors& tensors,
                               const model::Transformer& transformer, const model::Tiling& tiling, DType replayDtype,
                               const RunContext& context)
{
    return model::guarded([&] {
        std::vector<double> errors;
        const auto prompts = static_cast<std::int64_t>(source.manifest().prompts.prompts.size());
        Progress progress{"replay edit", 0, prompts * static_cast<std::int64_t>(blocks.size()), {}, {}, "prompts", ""};
        for (const auto& [layer, block] : blocks) {
            replay::TorchInterpreter unedited(block, replayDtype, transformer.device(), tiling, context);
            replay::TorchInterpreter edited(edit::patchedBlock(block, patch, tensors, transformer.config()),
                                            replayDtype, transformer.device(), tiling, context);
            certificate::ProbeReader probes = source.probes(layer, context);
            const auto width = static_cast<std::size_t>(transformer.config().dModel);
            progress.block = layer.value;
            for (std::int32_t p = 0; p < prompts; ++p) {
                const at::Tensor input = model::toTensor(probes.read({p}).input, transformer.device());
                model::Batch batch;
                batch.add(input.size(0));
                const ir::BlockReplay y = unedited.run(input, batch, context)[0];
                const ir::BlockReplay z = edited.run(input, batch, context)[0];
                for (std::size_t t = 0; t < static_cast<std::size_t>(input.size(0)); ++t)
                    errors.push_back(certificate::l2Distance(std::span(z.output).subspan(t * width, width),
                                                             std::span(y.output).subspan(t * width, width)));
                ++progress.done;
                context.step(progress);
            }
        }
        return errors;
    });
}

}
