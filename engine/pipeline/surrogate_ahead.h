// Prepares the next block's surrogate while the one before it is replayed.
#pragma once

#include "engine/pipeline/surrogate.h"

#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>

namespace blockcert::pipeline {

// One surrogate at a time is under way or waits to be taken. Used by one thread; the preparation has a thread of its
// own, which ends with this object: it stops at the next slab or weight.
class SurrogateAhead {
public:
    // For masks and tables of `positions`. `surrogates` must outlive this.
    SurrogateAhead(const Surrogates& surrogates, std::int64_t positions)
        : m_surrogates(surrogates)
        , m_positions(positions)
    {
    }

    ~SurrogateAhead() { drop(); }

    SurrogateAhead(const SurrogateAhead&) = delete;
    SurrogateAhead& operator=(const SurrogateAhead&) = delete;

    // Another block that is under way, or has not been taken, is dropped.
    void begin(LayerIndex block);

    // The block's surrogate, prepared here and now if it has not been begun. Throws what Surrogates::block() throws,
    // whichever thread it was thrown in, and Cancelled as soon as the context says so.
    [[nodiscard]] Surrogate take(LayerIndex block, const RunContext& context);

private:
    void drop();
    void prepare(LayerIndex block, const RunContext& context);

    const Surrogates& m_surrogates;
    std::int64_t m_positions;
    std::optional<LayerIndex> m_block; // begun and not taken
    std::mutex m_mutex;
    std::condition_variable m_changed;
    std::optional<Surrogate> m_surrogate;
    std::exception_ptr m_failure;
    std::jthread m_thread; // last: ends before what it fills
};

}
