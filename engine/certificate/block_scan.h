// One pass over a block's probes: everything is read and digested once, and replayed where asked.
#pragma once

#include "engine/certificate/probe_reader.h"
#include "engine/ir/block_ir.h"

#include <cstdint>
#include <functional>
#include <vector>

namespace blockcert {
class RunContext;
}

namespace blockcert::certificate {

// Per-token numbers, prompts one after the other; margins are [head, N].
struct TokenColumns {
    std::vector<double> error, errorAttention, errorMlp, outputNorm; // [N]
    std::vector<double> margin;                                      // [H, N]
};

struct BlockScan {
    TokenColumns recorded;
    std::vector<double> lossBase, lossStitched; // [N - P], or empty
    // [N], or empty: every token's part of a first-order estimate, and how far an honest one may be from the replayed
    // one: ŷ within ρ·scale rounds to one of few values of the baseline's dtype.
    std::vector<double> firstOrder, firstOrderReplayed, firstOrderAllowed;
    TokenColumns replayed; // 0 where a prompt was not replayed
    // What the comparison tolerance ρ multiplies, per token: max(‖x‖, ‖y‖, ‖ŷ‖), and with the sublayer's own norm.
    std::vector<double> scale, scaleAttention, scaleMlp; // [N]
    // Scores are sums that cancel: ten times the largest margin of the prompt, at least 10.
    std::vector<double> marginScale;      // [P]
    std::vector<std::uint8_t> pathAgrees; // [N]
    std::vector<bool> wasReplayed;        // [P]
    std::vector<TensorDigest> digests;    // of probes.h5, from the bytes that were read
};

// `rho` is the comparison tolerance. `ir` null: nothing is replayed, and path agreement stays 0. Reports stage "replay"
// in cells, counting `cells` up to `allCells`. Bits do not depend on `threads`. Throws what ProbeReader and
// ReferenceInterpreter throw.
[[nodiscard]] BlockScan scanBlock(ProbeReader& probes, const ir::BlockIr* ir,
                                  const std::function<bool(PromptIndex)>& replayed, double rho, int threads,
                                  std::int64_t& cells, std::int64_t allCells, const RunContext& context);

// The mask alone decides path agreement; the IR's weights are not needed. `irMask` is U8 [S, S].
[[nodiscard]] bool maskFits(const HostTensor& irMask, const ProbeShape& shape);

}
