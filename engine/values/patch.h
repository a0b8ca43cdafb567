// A patch: an ordered stack of local edits of one model, as read from or written to a patch file.
#pragma once

#include "engine/values/ids.h"

#include <cstdint>
#include <string>
#include <vector>

namespace blockcert {

// What of a block is edited.
enum class PatchTarget : std::uint8_t {
    Mlp,       // the MLP sublayer's output, before the residual addition
    Attention, // the attention sublayer's output, before the residual addition
    Head,      // one head's share of the attention output
    Residual,  // the block's output
};

enum class PatchOperation : std::uint8_t {
    Scale,          // s ← strength · s
    Zero,           // s ← 0
    AddDirection,   // s ← s + strength · v
    ScaleDirection, // s ← s + (strength − 1) · (s · v̂) v̂, v̂ = v / ‖v‖₂
    RankK,          // W ← W + strength · U · Vᵀ
};

// Steps of one place work in the order of the stack; places work in the order in which a block computes them: weights,
// heads, sublayer outputs, block output.
struct PatchStep {
    LayerIndex block;
    PatchTarget target = PatchTarget::Mlp;
    std::int32_t head = -1; // PatchTarget::Head alone
    PatchOperation operation = PatchOperation::Scale;
    double strength = 1;
    std::string matrix;     // RankK alone: q, k, v, o (attention), gate, up, down (mlp)
    std::string file;       // of the tensors: base name; empty where the operation needs none
    std::string fileSha256; // lower-case hex
    std::string direction;  // name of v [d] in the file
    std::string u, v;       // names of U [out, k] and V [in, k]

    [[nodiscard]] bool needsFile() const
    {
        return operation == PatchOperation::AddDirection || operation == PatchOperation::ScaleDirection ||
               operation == PatchOperation::RankK;
    }

    friend bool operator==(const PatchStep&, const PatchStep&) = default;
};

struct Patch {
    std::string model;                    // for people
    std::vector<std::string> modelSha256; // of every weight file, ascending: the edit is about these bytes
    std::vector<PatchStep> steps;         // not empty

    friend bool operator==(const Patch&, const Patch&) = default;
};

}
