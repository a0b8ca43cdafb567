// What is known about every token of one block: errors as recorded, key and value norms from a replay of its program.
#pragma once

#include "engine/certificate/probe_reader.h"
#include "engine/ir/block_ir.h"
#include "engine/protocol/standouts.h"
#include "engine/values/certificate.h"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace blockcert {
class RunContext;
}

namespace blockcert::failures {

// l2 norms of one position's vectors over the key/value heads: keys as they enter the scores (turned by RoPE where
// there is one), values as they are mixed.
struct HeadNorms {
    double least = 0;
    double median = 0;
    double most = 0;
};

// Tokens of all prompts one after the other, N in all; H heads.
struct BlockFacts {
    LayerIndex block;
    std::int64_t heads = 0;
    std::vector<std::int64_t> offset; // [P + 1]

    // As recorded.
    std::vector<double> error, relative;          // [N]; relative is infinite where there is none
    std::vector<double> errorAttention, errorMlp; // [N], or empty: an imported trace without sublayers
    std::vector<double> inputNorm, outputNorm;    // [N] ‖x‖, ‖y‖
    std::vector<double> margin;                   // [H, N]
    std::vector<bool> hasMargin; // [N] two keys or more were allowed: below, the recorded 0 is no measurement
    std::vector<std::optional<double>> lossChange; // [N] |ℓ_stitched − ℓ_base| of this token; absent where unmeasured
    double medianNorm = 0;                         // of outputNorm
    double medianInputNorm = 0;                    // of inputNorm

    bool relativeDecides = false; // the policy's measure: relative errors instead of errors
    std::vector<bool> covered;    // [N] under it

    // From the replay; empty where the weights were not found.
    std::vector<HeadNorms> key, value; // [N]

    [[nodiscard]] std::size_t tokens() const { return error.size(); }

    [[nodiscard]] std::size_t row(PromptIndex prompt, std::int32_t token) const
    {
        return static_cast<std::size_t>(offset[static_cast<std::size_t>(prompt.value)] + token);
    }

    // [N] what tokens are judged and ordered by; infinite where an output without a norm has no relative error.
    [[nodiscard]] const std::vector<double>& deciding() const { return relativeDecides ? relative : error; }

    [[nodiscard]] TokenLocation place(std::size_t row) const;
    [[nodiscard]] std::vector<double> marginsOf(std::size_t row) const; // [H]

    [[nodiscard]] bool isMassive(std::size_t row) const
    {
        return medianNorm > 0 && outputNorm[row] >= protocol::massiveFactor * medianNorm;
    }

    // On the way into the block.
    [[nodiscard]] bool wasMassive(std::size_t row) const
    {
        return medianInputNorm > 0 && inputNorm[row] >= protocol::massiveFactor * medianInputNorm;
    }
};

// Reads every prompt of the block once. `surrogate` null: without key and value norms. Reports stage "replay" in
// cells, counting `cells` up to `allCells`. Results do not depend on `threads`.
[[nodiscard]] BlockFacts readFacts(certificate::ProbeReader& probes, const Certificate& certificate,
                                   const ir::BlockIr* surrogate, int threads, std::int64_t& cells,
                                   std::int64_t allCells, const RunContext& context);

}
