// A dense tensor in ordinary memory: what crosses the walls between rooms instead of a LibTorch tensor.
#pragma once

#include "engine/values/dtype.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace blockcert {

// Row-major (C order), little-endian, no padding. bytes.size() equals elementCount() elements of dtype;
// dtype is never a quantised type here. Reuse one object for many reads: bytes keeps its capacity.
struct HostTensor {
    DType dtype = DType::F32;
    std::vector<std::int64_t> shape;
    std::vector<std::byte> bytes;

    [[nodiscard]] std::int64_t elementCount() const
    {
        std::int64_t count = 1;
        for (const std::int64_t dimension : shape)
            count *= dimension;
        return count;
    }

    friend bool operator==(const HostTensor&, const HostTensor&) = default;
};

}
