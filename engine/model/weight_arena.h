// Memory for the weights of one block, in pages of 2 MiB where the system gives them: decoding reads all weights for
// every token, and with small pages it is bound by looking up where they are rather than by the memory.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <memory>

namespace blockcert::model {

// Not thread-safe. Its tensors share its memory and keep it alive.
class WeightArena {
public:
    // For tensors of that many bytes together, with room for their alignment. On other devices than the CPU, and where
    // the system gives no such memory, tensors are LibTorch's own.
    WeightArena(std::size_t bytes, const at::TensorOptions& options);

    // Uninitialised. What does not fit any more is LibTorch's own.
    [[nodiscard]] at::Tensor take(at::IntArrayRef sizes);

private:
    class Mapping;

    at::TensorOptions m_options;
    std::shared_ptr<Mapping> m_mapping;
    std::size_t m_used = 0;
};

}
