// ‖W‖_F and ‖W − Ŵ‖_F with sums in one order, so that issuer and verifier get the same bits.
#pragma once

#include "engine/values/host_tensor.h"
#include "engine/values/surrogate.h"

#include <cstdint>
#include <optional>
#include <string>

namespace blockcert::surrogate {

// Elements widened to double, squares summed in C order. Both tensors have the same shape and a floating type.
[[nodiscard]] double frobeniusNorm(const HostTensor& tensor);
[[nodiscard]] double frobeniusDistance(const HostTensor& baseline, const HostTensor& surrogate);

// What a certificate says of one weight; nothing if it is bit for bit the baseline's and has no rank to state.
[[nodiscard]] std::optional<WeightDistance> distanceOf(const std::string& name, const HostTensor& baseline,
                                                       const HostTensor& surrogate, std::optional<std::int64_t> rank);

}
