// A checkpoint's transformer for the verifier: its blocks as IR, its embedding bit for bit, its logits in double.
#pragma once

#include "engine/artifact/checkpoint.h"
#include "engine/ir/block_ir.h"
#include "engine/ir/reference_interpreter.h"
#include "engine/ir/reference_ops.h"
#include "engine/values/host_tensor.h"
#include "engine/values/run_manifest.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace blockcert {
class RunContext;
}

namespace blockcert::certificate {

// The exact surrogate of a block, rebuilt: weights as a baseline of `dtype` uses them (or as the file holds them), a
// causal mask and the positional tables for `positions` tokens. Every weight carries reference, digest and value.
[[nodiscard]] ir::BlockIr rebuildIr(const artifact::Checkpoint& model, LayerIndex layer, WeightOrigin origin,
                                    DType dtype, std::int64_t positions);

// The rows that a baseline of `dtype` starts from, [token, width] in that dtype: GPT-2 adds its positions in float and
// rounds once. Throws FormatError for an id outside the vocabulary or a prompt beyond the model's positions.
class ReferenceEmbedding {
public:
    ReferenceEmbedding(const artifact::Checkpoint& model, DType dtype);

    [[nodiscard]] HostTensor rows(std::span<const TokenId> ids) const;

private:
    DType m_dtype;
    HostTensor m_tokens;
    HostTensor m_positions; // GPT-2 alone
};

// Final norm and vocabulary matrix. const members may be called from several threads.
class ReferenceHead {
public:
    ReferenceHead(const artifact::Checkpoint& model, DType dtype, int threads);

    // Gives `use` the logits [row, vocabulary] of a few states at a time, with the index of their first row.
    void forEachLogits(std::span<const double> states,
                       const std::function<void(std::size_t, std::span<const double>)>& use, int threads,
                       const RunContext& context) const;

    // The states behind the final norm.
    [[nodiscard]] std::vector<double> normed(std::span<const double> states) const;

    [[nodiscard]] std::size_t vocabulary() const { return static_cast<std::size_t>(m_matrix->outputs()); }

private:
    TransformerConfig m_config;
    std::vector<double> m_weight;
    std::vector<double> m_bias;
    std::unique_ptr<ir::PackedMatrix> m_matrix;
};

// Every state [token, width] of `states` through the block, in place; positions are 0, 1, 2, … The threads share the
// states where there are as many, and each state's rows otherwise. `kept` receives what the first states' replay gave,
// without its output.
void advanceStates(const ir::BlockIr& block, std::span<std::vector<double>* const> states, int threads,
                   const RunContext& context, std::span<ir::BlockReplay> kept = {});

// Raises `largest` [P][token], which may be shorter, to the norms of `states` [P][token, width]: a baseline's errors
// are carried along from a token's largest state, not from its present one.
void raiseNorms(std::span<const std::vector<double>> states, std::size_t width,
                std::vector<std::vector<double>>& largest);

// −log softmax(logits)[target] in nats.
[[nodiscard]] double negativeLogLikelihood(std::span<const double> logits, TokenId target);
// KL(p ‖ q) of two rows of logits in nats.
[[nodiscard]] double divergence(std::span<const double> p, std::span<const double> q);

}
