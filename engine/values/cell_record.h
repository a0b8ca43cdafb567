// What one block on one prompt yields: the unit that is computed, saved and resumed.
#pragma once

#include "engine/values/host_tensor.h"
#include "engine/values/ids.h"

#include <cstdint>
#include <vector>

namespace blockcert {

// S = tokens of the prompt, d = width, H = heads. Doubles are row-major.
struct CellRecord {
    LayerIndex block;
    PromptIndex prompt;
    HostTensor input;                    // [S, d] baseline dtype, as recorded
    HostTensor output;                   // [S, d]
    HostTensor attentionOutput;          // [S, d] the baseline's attention sublayer output, as recorded
    HostTensor mlpOutput;                // [S, d]
    HostTensor mask;                     // U8 [S, S] what the baseline attended to
    std::vector<double> error;           // [S] eq. 3
    std::vector<double> errorAttention;  // [S] ‖attn(IR) − attn(baseline)‖₂
    std::vector<double> errorMlp;        // [S]
    std::vector<double> outputNorm;      // [S] ‖y‖₂
    std::vector<double> attentionMargin; // [H, S]
    // With LossMode::FirstOrder alone: ∂L/∂output with L = Σ lossBase, and ⟨∂L/∂output, s − output⟩ of every row, s the
    // surrogate's output rounded once to the baseline's dtype.
    HostTensor lossGradient;        // F32 [S, d], nats
    std::vector<double> firstOrder; // [S] nats
    // Absent (empty) with LossMode::None or S < 2; with LossMode::FirstOrder all but lossBase are.
    std::vector<double> lossBase;            // [S-1] nats, NLL of token t+1 given tokens 0 … t
    std::vector<double> lossStitched;        // [S-1]
    std::vector<std::int32_t> topIdBase;     // [S, 5] highest logits first, lowest id on ties
    std::vector<double> topLogitBase;        // [S, 5]
    std::vector<std::int32_t> topIdStitched; // [S, 5]
    std::vector<double> topLogitStitched;    // [S, 5]
};

}
