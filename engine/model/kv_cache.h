// Keys and values of the positions already seen, per block and prompt, for decoding one token at a time.
#pragma once

#include "engine/values/dtype.h"
#include "engine/values/ids.h"

#include <cstdint>
#include <memory>
#include <span>

namespace at {
class Tensor;
}

namespace c10 {
struct Device;
}

namespace blockcert {
struct TransformerConfig;
}

namespace blockcert::model {

struct Batch;

// Prompts keep their slot for the life of the cache; a pass may work on any subset of them. Not thread-safe but for
// keys() and values().
class KvCache {
public:
    // capacity[slot]: the most positions that slot will ever hold.
    KvCache(const TransformerConfig& config, std::span<const std::int64_t> capacity, DType dtype,
            const c10::Device& device);
    ~KvCache();
    KvCache(KvCache&&) noexcept;
    KvCache& operator=(KvCache&&) noexcept;

    // Takes over what `other`, made for the same model and capacities, holds.
    void copyFrom(const KvCache& other);

    // The slots that prompt 0, 1, … of the next pass use.
    void select(std::span<const std::int64_t> slots);
    // Writes the rows of the pass's prompts first … end − 1 behind the positions before them (batch.start). `keys` and
    // `values` hold the rows of the whole batch.
    void append(LayerIndex layer, const Batch& batch, std::int64_t first, std::int64_t end, const at::Tensor& keys,
                const at::Tensor& values);
    // [positions, kvWidth] of the pass's prompt.
    [[nodiscard]] at::Tensor keys(LayerIndex layer, std::int64_t prompt, std::int64_t positions) const;
    [[nodiscard]] at::Tensor values(LayerIndex layer, std::int64_t prompt, std::int64_t positions) const;

private:
    struct State;
    std::unique_ptr<State> m_state;
};

}
