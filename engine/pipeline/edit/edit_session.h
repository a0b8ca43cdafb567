// A patch at work in the native model: sublayer outputs edited through taps, changed matrices laid over the block's
// own.
#pragma once

#include "engine/edit/patch_tensors.h"
#include "engine/ir/block_ir.h"
#include "engine/model/transformer.h"
#include "engine/values/patch.h"

#include <ATen/core/Tensor.h>

#include <functional>
#include <map>
#include <vector>

namespace blockcert::pipeline {

// Edits what it sees, in the baseline's dtype with one rounding a step. Steps of strength one are worked, too: they
// change no bit. Not thread-safe.
class EditTaps : public model::Taps {
public:
    // Rank-k steps are not its business.
    EditTaps(const Patch& patch, const edit::PatchTensors& tensors, const model::Transformer& transformer);

    void headOutputs(LayerIndex block, const at::Tensor& rows) override;
    void attentionOutput(LayerIndex block, const at::Tensor& rows) override;
    void mlpOutput(LayerIndex block, const at::Tensor& rows) override;
    void blockOutput(LayerIndex block, const at::Tensor& rows) override;

private:
    struct Work {
        PatchStep step;
        at::Tensor direction; // double [d]: v for adding, v̂ for scaling
    };

    void apply(LayerIndex block, PatchTarget target, const at::Tensor& rows) const;

    std::int64_t m_headDim;
    std::vector<Work> m_work;
};

// While it lives, forward passes with its taps are the edited model's; others see the changed matrices, too, so that
// the baseline is to be run before or after. Clears the overlays at its end.
class EditSession {
public:
    // `blocks`: the edited blocks' unedited programs with weights, for rank-k steps.
    EditSession(model::Transformer& transformer, const Patch& patch, const edit::PatchTensors& tensors,
                const std::map<LayerIndex, ir::BlockIr>& blocks, const RunContext& context);
    ~EditSession();
    EditSession(const EditSession&) = delete;
    EditSession& operator=(const EditSession&) = delete;

    [[nodiscard]] model::Taps* taps() { return &m_taps; }

    // Turns the changed matrices off and on again.
    void lay(bool on, const RunContext& context);

    // The first block that is edited; the number of blocks where nothing is.
    [[nodiscard]] LayerIndex first() const { return m_first; }

    // Whether all that is edited of this block lies behind its attention and its matrices.
    [[nodiscard]] bool editsOutputsAlone(LayerIndex block) const;

    // Whether this block has changed matrices: where it has none, both models run the same weights.
    [[nodiscard]] bool overlays(LayerIndex block) const { return m_overlays.contains(block); }

private:
    model::Transformer& m_transformer;
    std::vector<PatchStep> m_steps;
    LayerIndex m_first;
    EditTaps m_taps;
    std::map<LayerIndex, std::map<std::string, HostTensor>> m_overlays;
};

// The same patch with every strength neutral: scaled by one, nothing added.
[[nodiscard]] Patch neutral(Patch patch);

}
