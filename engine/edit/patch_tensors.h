// The vectors and factors that a patch's steps work with, checked against the model's shapes.
#pragma once

#include "engine/values/host_tensor.h"
#include "engine/values/patch.h"
#include "engine/values/transformer_config.h"

#include <map>
#include <string>
#include <vector>

namespace blockcert::edit {

// By name in a patch's own archive: "0.direction", "2.u", "2.v" for step 0 and step 2. F64: widened exactly, so that
// issuer and verifier compute from the same numbers.
using PatchTensors = std::map<std::string, HostTensor>;

struct PatchTensorShape {
    std::string name;      // "2.u"
    std::string source;    // the tensor's name in the step's file
    std::int64_t rows = 0; // the first dimension
    bool isMatrix = false; // [rows, k], k the same for U and V
};

// What step `index` needs, in order; empty for scale and zero.
[[nodiscard]] std::vector<PatchTensorShape> tensorsOf(const PatchStep& step, std::size_t index,
                                                      const TransformerConfig& config);

// Throws FormatError for a tensor that is missing, of another shape or not F64, ShapeError and NumericError naming step
// and tensor for a wrong shape, a value that is not finite, or a direction of length zero.
void requireFit(const Patch& patch, const PatchTensors& tensors, const TransformerConfig& config);

// The elements of such a tensor.
[[nodiscard]] std::vector<double> valuesOf(const PatchTensors& tensors, const std::string& name);

}
