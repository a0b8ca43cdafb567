// One residual block as an explicit typed program over named registers: nothing hidden, nothing implied.
#pragma once

#include "engine/values/host_tensor.h"
#include "engine/values/ids.h"
#include "engine/values/transformer_config.h"
#include "engine/values/weight_reference.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace blockcert::ir {

// Registers hold doubles. Row registers are [token, width]; score registers are [head, token, token].
// "x" is the block input, "y" its output; "attn" and "mlp" are the two sublayers' own outputs, tapped for the
// component errors. A register is written once.
struct RmsNorm { // out = in / sqrt(mean(in²) + epsilon) * weight                       weight [width]
    std::string in, out, weight;
    double epsilon = 0;
    friend bool operator==(const RmsNorm&, const RmsNorm&) = default;
};

struct LayerNorm { // out = (in − mean) / sqrt(var + epsilon) * weight + bias           biased variance
    std::string in, out, weight, bias;
    double epsilon = 0;
    friend bool operator==(const LayerNorm&, const LayerNorm&) = default;
};

struct Linear { // out = in · weightᵀ (+ bias)                                weight [out, in], bias [out] or ""
    std::string in, out, weight, bias;
    friend bool operator==(const Linear&, const Linear&) = default;
};

struct Rope { // rotate-half pairs (i, i + headDim/2) by rope_cos/rope_sin at the token's position
    std::string in, out;
    std::int32_t heads = 0, headDim = 0;
    friend bool operator==(const Rope&, const Rope&) = default;
};

struct Scores { // out[h, t, s] = (q[t, h] · k[s, h / (heads / kvHeads)]) * multiply / divide
    std::string query, key, out;
    std::int32_t heads = 0, kvHeads = 0, headDim = 0;
    double multiply = 1, divide = 1;
    friend bool operator==(const Scores&, const Scores&) = default;
};

struct MaskedSoftmax { // over s with mask[t, s] = 1; a row that allows nothing is all zero
    std::string in, out;
    friend bool operator==(const MaskedSoftmax&, const MaskedSoftmax&) = default;
};

struct Mix { // out[t, h] = Σ_s weights[h, t, s] · value[s, h / (heads / kvHeads)]
    std::string weights, value, out;
    std::int32_t heads = 0, kvHeads = 0, headDim = 0;
    friend bool operator==(const Mix&, const Mix&) = default;
};

struct Activation {
    enum class Kind : std::uint8_t { Silu, GeluNew };
    std::string in, out;
    Kind kind = Kind::Silu;
    friend bool operator==(const Activation&, const Activation&) = default;
};

struct Multiply { // element-wise
    std::string a, b, out;
    friend bool operator==(const Multiply&, const Multiply&) = default;
};

struct Add {
    std::string a, b, out;
    friend bool operator==(const Add&, const Add&) = default;
};

using Operation = std::variant<RmsNorm, LayerNorm, Linear, Rope, Scores, MaskedSoftmax, Mix, Activation, Multiply, Add>;

// A weight is embedded in ir.h5 (dataset weight/NAME) or referenced in a checkpoint file; in both cases its
// shape, dtype and content digest (sha256OfTensor) are part of the program.
struct IrWeight {
    DType dtype = DType::F32;
    std::vector<std::int64_t> shape;
    std::string sha256;
    std::optional<WeightReference> reference; // absent: embedded

    friend bool operator==(const IrWeight&, const IrWeight&) = default;
};

struct BlockProgram {
    LayerIndex layer;
    std::int32_t width = 0; // d_model
    std::vector<Operation> operations;
    std::map<std::string, IrWeight> weights; // by role name ("q.weight")
    std::int64_t positions = 0;              // rows of the RoPE tables; 0 without RoPE
    std::int32_t ropeHalf = 0;               // headDim / 2

    friend bool operator==(const BlockProgram&, const BlockProgram&) = default;
};

// A program with the tensors it names: everything an interpreter needs.
struct BlockIr {
    BlockProgram program;
    HostTensor mask;    // U8 [S, S], 1 = allowed; prompts use the leading corner
    HostTensor ropeCos; // [positions, headDim/2] in the baseline dtype, or empty shape {0}
    HostTensor ropeSin;
    std::map<std::string, HostTensor> weights; // values, whether embedded or loaded by reference
    // F64 [min(out, in)], falling: the singular values of the baseline's matrix behind a weight of low rank. Kept for
    // people; no interpreter reads them.
    std::map<std::string, HostTensor> spectra;
};

// The word for an operation in ir.h5 and in messages: "rms_norm", "linear", …
[[nodiscard]] std::string_view nameOf(const Operation& operation);

// The exact copy of a pre-norm block for this architecture. Weight entries carry shapes but no reference, digest or
// value yet; the caller fills them. positions is config.context; the caller sets it to the rows of its RoPE tables.
[[nodiscard]] BlockProgram makeProgram(const TransformerConfig& config, LayerIndex layer);

// Rows are [token, extent]; scores are [extent = head, token, token].
struct RegisterShape {
    bool scores = false;
    std::int64_t extent = 0;

    friend bool operator==(const RegisterShape&, const RegisterShape&) = default;
};

// Checks that every register is written once before it is read, that widths and weight shapes fit, that no weight is
// unused, that "x" is read, "attn", "mlp" and "y" are produced as [token, width], and that there is exactly one
// masked softmax. Returns the shapes of all registers. Throws FormatError naming the operation.
std::map<std::string, RegisterShape> registerShapes(const BlockProgram& program);

// registerShapes() for its checks alone.
void validate(const BlockProgram& program);

}
