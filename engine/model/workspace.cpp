#include "engine/model/workspace.h"

#include "engine/model/tensor_bridge.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/zeros.h>

#include <map>
#include <string>

namespace blockcert::model {

struct Workspace::State {
    at::TensorOptions options;
    std::map<std::string, at::Tensor, std::less<>> buffers;
};

Workspace::Workspace(DType dtype, const at::Device& device)
    : m_state(std::make_unique<State>())
{
    m_state->options = at::TensorOptions().dtype(scalarTypeOf(dtype)).device(device);
}

Workspace::~Workspace() = default;
Workspace::Workspace(Workspace&&) noexcept = default;
Workspace& Workspace::operator=(Workspace&&) noexcept = default;

at::Tensor Workspace::take(std::string_view name, std::int64_t rows, std::int64_t width)
{
    const std::int64_t needed = rows * width;
    auto found = m_state->buffers.find(name);
    if (found == m_state->buffers.end())
        found = m_state->buffers.emplace(std::string(name), at::Tensor()).first;
    if (!found->second.defined() || found->second.numel() < needed) {
        found->second = at::Tensor(); // give the old memory back first
        found->second = at::zeros({needed}, m_state->options);
    }
    return found->second.narrow(0, 0, needed).view({rows, width});
}

}
