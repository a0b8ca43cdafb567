// The measures of an edit from its per-token numbers; used by the issuer and again by the verifier.
#pragma once

#include "engine/edit/patch_tensors.h"
#include "engine/values/edit_certificate.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace blockcert::certificate {

// Greedy completions of the run's prompts, one after the other.
struct CompletionColumns {
    std::vector<std::int64_t> offset = {0}; // [P + 1]
    std::vector<std::int32_t> id;           // [C]
    std::vector<double> margin;             // [C] its logit minus the second highest
    std::vector<std::int32_t> end;          // [P] CompletionEnd

    friend bool operator==(const CompletionColumns&, const CompletionColumns&) = default;
};

// The content of effect.h5: N tokens of P prompts, M held-out tokens of Q prompts, B edited blocks, L layers.
struct EditColumns {
    std::vector<std::int64_t> offset;  // [P + 1]
    std::vector<std::int32_t> tokenId; // [N]
    std::int64_t blocks = 0;
    std::int64_t layers = 0;
    std::vector<double> error;                // [B, N] ε_edit of each token
    std::vector<double> deviation;            // [L, N] ‖h′ − h‖₂ after each block
    std::vector<double> finalPost;            // [N] the same after the final norm
    std::vector<std::int64_t> heldoutOffset;  // [Q + 1]
    std::vector<std::int32_t> heldoutTokenId; // [M]
    std::vector<double> lossBase;             // [M − Q] nats
    std::vector<double> lossEdited;           // [M − Q]
    std::vector<double> divergence;           // [M] KL(baseline ‖ edited) of the next token
    std::vector<std::int32_t> topBase;        // [M] argmax, lowest id on ties
    std::vector<std::int32_t> topEdited;      // [M]
    CompletionColumns before;
    CompletionColumns after;
    edit::PatchTensors patch; // F64

    friend bool operator==(const EditColumns&, const EditColumns&) = default;
};

// Whether anything that was measured of the native model differs: a state of the residual stream, a held-out loss or
// next token, a completion or one of its margins. ε_edit alone is no effect: it is replayed in double, with edited
// weights that no type of the model's rounds.
[[nodiscard]] bool hasEffect(const EditColumns& columns);

// Sums are double, in token order; all numbers are finite. `heldoutIds` [Q].
[[nodiscard]] EditEffect measureEdit(const EditColumns& columns, std::span<const LayerIndex> blocks,
                                     std::span<const std::string> heldoutIds);

}
