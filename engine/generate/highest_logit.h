// The token that greedy decoding takes.
#pragma once

#include "engine/values/ids.h"

#include <span>

namespace at {
class Tensor;
}

namespace blockcert::generate {

struct Choice {
    TokenId id = 0;
    double margin = 0; // its logit minus the second highest
};

// The highest of one row of logits [V], the lowest id on ties. What is not a number is passed over.
[[nodiscard]] Choice highestLogit(const at::Tensor& logits);
[[nodiscard]] Choice highestLogit(std::span<const float> logits);

}
