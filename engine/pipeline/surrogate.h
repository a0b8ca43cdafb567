// The surrogates of one run: what stands in for each block, as an explicit program with its weights.
#pragma once

#include "engine/artifact/checkpoint.h"
#include "engine/ir/block_ir.h"
#include "engine/values/ids.h"
#include "engine/values/run_manifest.h"
#include "engine/values/surrogate.h"

#include <cstdint>
#include <memory>

namespace blockcert {
class RunContext;
}

namespace blockcert::pipeline {

class WeightDigests;

struct Surrogate {
    ir::BlockIr block;
    SurrogateWeights weights; // what its certificate says about them
};

// Made once per run. Thread-safe.
class Surrogates {
public:
    // `request` says family, ablation, dtype, origin of the weights and whether they are embedded. `other` is the
    // second checkpoint of the family Checkpoint, and null for every other. The files of both must have been hashed;
    // `checkpoint` must outlive this. Weights in `digests` are not hashed again. Throws UsageError where the request
    // makes no sense for the model.
    Surrogates(const artifact::Checkpoint& checkpoint, const RunRequest& request,
               std::shared_ptr<const artifact::Checkpoint> other = nullptr,
               std::shared_ptr<WeightDigests> digests = nullptr);

    // Program, weights with their digests and references (or embedded), mask [positions, positions] and the RoPE tables
    // of the baseline's dtype. Polls the context at every slab and weight. Throws FileError, FormatError, ShapeError,
    // and NumericError for a matrix that cannot be decomposed.
    [[nodiscard]] Surrogate block(LayerIndex layer, std::int64_t positions, const RunContext& context) const;

private:
    [[nodiscard]] WeightReference referenceTo(const artifact::Checkpoint& source, LayerIndex layer,
                                              const std::string& name) const;
    [[nodiscard]] HostTensor load(const artifact::Checkpoint& source, const WeightReference& reference,
                                  LayerIndex layer, const std::string& name, const ir::IrWeight& weight,
                                  const RunContext& context) const;
    [[nodiscard]] std::string digestOf(const ir::IrWeight& weight, const HostTensor& value) const;

    const artifact::Checkpoint& m_checkpoint;
    RunRequest m_request;
    std::shared_ptr<const artifact::Checkpoint> m_other;
    std::shared_ptr<WeightDigests> m_digests;
};

// U8 [tokens, tokens], 1 on and below the diagonal.
[[nodiscard]] HostTensor causalMask(std::int64_t tokens);

}
