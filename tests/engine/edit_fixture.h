// Invented numbers for directions and factors of edits.
#pragma once

#include "engine/values/host_tensor.h"

#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

namespace blockcert::test {

inline HostTensor numbers(std::vector<std::int64_t> shape, double scale)
{
    HostTensor tensor{DType::F64, std::move(shape), {}};
    tensor.bytes.resize(static_cast<std::size_t>(tensor.elementCount()) * 8);
    std::uint32_t state = 4;
    for (std::size_t i = 0; i < tensor.bytes.size(); i += 8) {
        state = state * 1664525U + 1013904223U;
        const double value = scale * (static_cast<double>(state >> 8U) / 16777216.0 - 0.5);
        std::memcpy(&tensor.bytes[i], &value, 8);
    }
    return tensor;
}

}
