// The judge: runs a block program in double with plain loops. The same bits on every CPU and thread count.
#pragma once

#include "engine/ir/block_ir.h"

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace blockcert {
class RunContext;
}

namespace blockcert::ir {

// What one prompt's replay gives; vectors are row-major.
struct BlockReplay {
    std::vector<double> output;    // [token, width]  ŷ
    std::vector<double> attention; // [token, width]  the attention sublayer's own output
    std::vector<double> mlp;       // [token, width]
    std::vector<double> margin;    // [head, token]   top-1 minus top-2 pre-softmax score among allowed keys;
                                   //                 0 where fewer than two keys are allowed
};

// Weights are widened to double and packed once at construction; run() may be called from several threads.
// Every sum runs in index order (see the source for the tiling that keeps this true and fast).
class ReferenceInterpreter {
public:
    // Throws what validate() throws, ShapeError for tensors that do not fit the program.
    ReferenceInterpreter(const BlockIr& block, int threads);
    ~ReferenceInterpreter();
    ReferenceInterpreter(ReferenceInterpreter&&) noexcept;
    ReferenceInterpreter& operator=(ReferenceInterpreter&&) noexcept;

    // `input` is one prompt's rows [tokens, width]; position[t] indexes the RoPE tables.
    [[nodiscard]] BlockReplay run(std::span<const double> input, std::span<const std::int32_t> position,
                                  const RunContext& context) const;

    // The same, and a copy of every register that is a key of `taps`, row-major.
    [[nodiscard]] BlockReplay run(std::span<const double> input, std::span<const std::int32_t> position,
                                  const RunContext& context, std::map<std::string, std::vector<double>>& taps) const;

private:
    struct State;
    std::unique_ptr<State> m_state;
};

}
