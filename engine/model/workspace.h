// Reused buffers: allocating large tensors anew costs more than filling them.
#pragma once

#include "engine/values/dtype.h"

#include <cstdint>
#include <memory>
#include <string_view>

namespace at {
class Tensor;
}

namespace c10 {
struct Device;
}

namespace blockcert::model {

// Named row buffers. Not thread-safe; what take() returned stays valid until the same name is taken again.
class Workspace {
public:
    Workspace(DType dtype, const c10::Device& device);
    ~Workspace();
    Workspace(Workspace&&) noexcept;
    Workspace& operator=(Workspace&&) noexcept;

    // [rows, width], contiguous. Fresh memory is zero; reused memory holds what the last user left there.
    [[nodiscard]] at::Tensor take(std::string_view name, std::int64_t rows, std::int64_t width);

private:
    struct State;
    std::unique_ptr<State> m_state;
};

}
