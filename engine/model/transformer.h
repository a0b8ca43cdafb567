// The baseline: a GPT-2 or Llama transformer whose results depend neither on the batch nor on the thread count.
#pragma once

#include "engine/model/batch.h"
#include "engine/model/invariance.h"
#include "engine/model/tiled_linear.h"
#include "engine/values/dtype.h"
#include "engine/values/host_tensor.h"
#include "engine/values/ids.h"
#include "engine/values/transformer_config.h"

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>

namespace at {
class Tensor;
}

namespace c10 {
struct Device;
}

namespace blockcert {
class RunContext;
}

namespace blockcert::artifact {
class Checkpoint;
}

namespace blockcert::model {

class KvCache;
struct KeyValues;
struct Past;

// What a pass shows of itself, [rows, d] in the baseline's dtype. The tensors are the pass's own: they are only
// valid during the call, and what is written into them is what the pass goes on with (edits do that).
class Taps {
public:
    virtual ~Taps() = default;

    virtual void blockInput(LayerIndex, const at::Tensor&) {}

    // What the heads give before the output matrix mixes them, for the rows of some prompts at a time.
    virtual void headOutputs(LayerIndex, const at::Tensor&) {} // [some rows, heads · headDim]

    virtual void attentionOutput(LayerIndex, const at::Tensor&) {} // before the residual addition

    virtual void mlpOutput(LayerIndex, const at::Tensor&) {}

    virtual void blockOutput(LayerIndex, const at::Tensor&) {}
};

enum class Residency : std::uint8_t {
    Whole,    // every weight stays in memory
    OneBlock, // a block's weights are read when the block runs and dropped when another one does; the next block's are
              // read meanwhile
};

struct ForwardOptions {
    std::int32_t end = -1; // the first block that does not run; −1: all blocks run
    Taps* taps = nullptr;
    KvCache* cache = nullptr;
    const Past* past = nullptr; // for a pass through one block whose prompts begin behind position 0 (batch.start)
    KeyValues* kept = nullptr;  // receives keys and values of the last block that runs; its tensors are reused
    bool decoding = false;      // kernels for few rows; last digits differ from the others'
};

// One pass at a time: not thread-safe.
class Transformer {
public:
    // Reports stage "load" in bytes. `batchInvariant` and `tiling` are the self-test's answers on these very weights.
    [[nodiscard]] static Transformer load(std::shared_ptr<const artifact::Checkpoint> checkpoint, DType dtype,
                                          const c10::Device& device, Residency residency, const RunContext& context);
    ~Transformer();
    Transformer(Transformer&&) noexcept;
    Transformer& operator=(Transformer&&) noexcept;

    [[nodiscard]] const TransformerConfig& config() const;
    [[nodiscard]] DType dtype() const;
    [[nodiscard]] const c10::Device& device() const;
    [[nodiscard]] const Tiling& tiling() const;
    [[nodiscard]] bool batchInvariant() const;
    [[nodiscard]] Residency residency() const;

    // With Residency::OneBlock, otherwise without effect. prefetch() begins to read a block in the background unless it
    // is already there: whatever reads this block's weights from the checkpoint then waits for nothing, and does not
    // read them again until another block is prefetched or dropPrefetched() gives the memory back. release() drops a
    // block's weights.
    void prefetch(LayerIndex layer);
    void dropPrefetched();
    void release(LayerIndex layer);

    // The self-test's answer for the shapes of a block's layers, one by one, in the type of a replay; asked once.
    [[nodiscard]] TilingChoice tilingForReplay(DType dtype, const RunContext& context);

    // Runs `layer` with other matrices from now on: by role ("q.weight", "down.weight", …), in the baseline's dtype.
    // The weights of the model itself stay as they are. Throws ShapeError for a role the block does not have or a
    // shape.
    void overlay(LayerIndex layer, const std::map<std::string, HostTensor>& weights, const RunContext& context);
    void clearOverlays();

    // The state before block 0, [rows, d]. Throws FormatError for an id outside the vocabulary, UsageError for a
    // position outside the context.
    [[nodiscard]] at::Tensor embed(std::span<const TokenId> ids, const Batch& batch) const;

    // Runs blocks `first` … L − 1 (or options.end − 1) from any state [rows, d] in the baseline's dtype, for the
    // prompts of the batch; first == L returns the state. Cancellable within a few milliseconds of work.
    [[nodiscard]] at::Tensor forwardFrom(LayerIndex first, const at::Tensor& state, const Batch& batch,
                                         const ForwardOptions& options, const RunContext& context);

    // The state behind the final norm, [rows, d].
    [[nodiscard]] at::Tensor finalNorm(const at::Tensor& state, const RunContext& context);

    // Final norm and head of the state after the last block: [rows, V] in the baseline's dtype.
    [[nodiscard]] at::Tensor logits(const at::Tensor& state, bool decoding, const RunContext& context);

    // Reverse mode over one prompt that begins at position 0, in fp32 (pull_back.h): the gradient of its summed loss at
    // the state [S, d] after the last block, and at a block's input [S, d] from that at its output.
    [[nodiscard]] at::Tensor lossGradient(const at::Tensor& state, std::span<const TokenId> ids,
                                          const RunContext& context);
    [[nodiscard]] at::Tensor pullBack(LayerIndex layer, const at::Tensor& input, const at::Tensor& gradient,
                                      const RunContext& context);

private:
    struct State;
    explicit Transformer(std::unique_ptr<State> state);
    std::unique_ptr<State> m_state;
};

}
