// The arithmetic of a block program on LibTorch tensors of the replay's own precision, without intermediate rounding.
#pragma once

#include "engine/ir/block_ir.h"

#include <ATen/core/Tensor.h>

namespace blockcert::replay {

// Everything takes a few rows at a time; `out` is a view to be filled.
void rmsNormRows(const at::Tensor& in, const at::Tensor& weight, double epsilon, at::Tensor out);
void layerNormRows(const at::Tensor& in, const at::Tensor& weight, const at::Tensor& bias, double epsilon,
                   at::Tensor out);
void activateRows(const at::Tensor& in, ir::Activation::Kind kind, at::Tensor out);

// scores [query, key] in place: softmax over the keys that `forbidden` (bool, same shape) leaves; rows without any
// become zero. `margin` [query] gets the top-1 minus top-2 score among the allowed keys, 0 with fewer than two.
void softmaxWithMargin(at::Tensor& scores, const at::Tensor& forbidden, double* margin);

}
