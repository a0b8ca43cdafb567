#include "engine/model/kv_cache.h"

#include "engine/model/batch.h"
#include "engine/model/few_rows.h"
#include "engine/model/tensor_bridge.h"
#include "engine/values/transformer_config.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/zeros.h>

#include <cstring>
#include <utility>
#include <vector>

namespace blockcert::model {

struct KvCache::State {
    struct Slot {
        std::vector<at::Tensor> keys;   // [layer] of [capacity, kvWidth]
        std::vector<at::Tensor> values; // [layer]
    };

    std::vector<Slot> slots;
    std::vector<std::int64_t> selected;

    [[nodiscard]] const Slot& slotOf(std::int64_t prompt) const
    {
        return slots[static_cast<std::size_t>(selected[static_cast<std::size_t>(prompt)])];
    }
};

KvCache::KvCache(const TransformerConfig& config, std::span<const std::int64_t> capacity, DType dtype,
                 const at::Device& device)
    : m_state(std::make_unique<State>())
{
    const at::TensorOptions options = at::TensorOptions().dtype(scalarTypeOf(dtype)).device(device);
    for (std::size_t slot = 0; slot < capacity.size(); ++slot) {
        State::Slot& made = m_state->slots.emplace_back();
        for (std::int32_t layer = 0; layer < config.layers; ++layer) {
            made.keys.push_back(at::zeros({capacity[slot], config.keyValueWidth()}, options));
            made.values.push_back(at::zeros({capacity[slot], config.keyValueWidth()}, options));
        }
        m_state->selected.push_back(static_cast<std::int64_t>(slot));
    }
}

KvCache::~KvCache() = default;
KvCache::KvCache(KvCache&&) noexcept = default;
KvCache& KvCache::operator=(KvCache&&) noexcept = default;

void KvCache::copyFrom(const KvCache& other)
{
    for (std::size_t slot = 0; slot < m_state->slots.size(); ++slot) {
        State::Slot& to = m_state->slots[slot];
        const State::Slot& from = other.m_state->slots[slot];
        for (std::size_t layer = 0; layer < to.keys.size(); ++layer) {
            to.keys[layer].copy_(from.keys[layer]);
            to.values[layer].copy_(from.values[layer]);
        }
    }
}

void KvCache::select(std::span<const std::int64_t> slots)
{
    m_state->selected.assign(slots.begin(), slots.end());
}

void KvCache::append(LayerIndex layer, const Batch& batch, std::int64_t first, std::int64_t end, const at::Tensor& keys,
                     const at::Tensor& values)
{
    for (std::int64_t p = first; p < end; ++p) {
        const State::Slot& slot = m_state->slotOf(p);
        const std::int64_t start = batch.start[static_cast<std::size_t>(p)];
        const auto index = static_cast<std::size_t>(layer.value);
        if (few_rows::fits(keys, batch.count(p))) {
            for (const auto& [rows, kept] :
                 {std::pair{&keys, &slot.keys[index]}, std::pair{&values, &slot.values[index]}})
                std::memcpy(static_cast<std::byte*>(kept->mutable_data_ptr()) +
                                start * kept->stride(0) * kept->element_size(),
                            static_cast<const std::byte*>(rows->const_data_ptr()) +
                                batch.begin(p) * rows->stride(0) * rows->element_size(),
                            static_cast<std::size_t>(batch.count(p) * rows->size(1) * rows->element_size()));
            continue;
        }
        slot.keys[index].narrow(0, start, batch.count(p)).copy_(keys.narrow(0, batch.begin(p), batch.count(p)));
        slot.values[index].narrow(0, start, batch.count(p)).copy_(values.narrow(0, batch.begin(p), batch.count(p)));
    }
}

at::Tensor KvCache::keys(LayerIndex layer, std::int64_t prompt, std::int64_t positions) const
{
    return m_state->slotOf(prompt).keys[static_cast<std::size_t>(layer.value)].narrow(0, 0, positions);
}

at::Tensor KvCache::values(LayerIndex layer, std::int64_t prompt, std::int64_t positions) const
{
    return m_state->slotOf(prompt).values[static_cast<std::size_t>(layer.value)].narrow(0, 0, positions);
}

}
