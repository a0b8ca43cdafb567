#include "engine/pipeline/surrogate_ahead.h"

#include "engine/base/run_context.h"
#include "engine/model/parallel_tasks.h"

#include <chrono>
#include <stop_token>
#include <utility>

namespace blockcert::pipeline {

void SurrogateAhead::begin(LayerIndex block)
{
    if (m_block == block)
        return;
    drop();
    m_block = block;
    m_thread = std::jthread([this, block](const std::stop_token& stop) {
        const model::BackgroundTasks background;
        prepare(block, RunContext(stop, nullptr));
    });
}

Surrogate SurrogateAhead::take(LayerIndex block, const RunContext& context)
{
    if (m_block != block) {
        drop();
        return m_surrogates.block(block, m_positions, context);
    }
    {
        std::unique_lock<std::mutex> lock(m_mutex);
        while (!m_changed.wait_for(lock, std::chrono::milliseconds(5), [this] { return m_surrogate || m_failure; }))
            context.step();
    }
    m_thread.join(); // it has done its work
    m_block.reset();
    if (m_failure)
        std::rethrow_exception(std::exchange(m_failure, nullptr));
    Surrogate surrogate = std::move(*m_surrogate);
    m_surrogate.reset();
    return surrogate;
}

void SurrogateAhead::drop()
{
    m_thread.request_stop();
    if (m_thread.joinable())
        m_thread.join();
    m_block.reset();
    m_surrogate.reset();
    m_failure = nullptr;
}

void SurrogateAhead::prepare(LayerIndex block, const RunContext& context)
{
    std::optional<Surrogate> made;
    std::exception_ptr failure;
    try {
        made = m_surrogates.block(block, m_positions, context);
    } catch (...) {
        failure = std::current_exception();
    }
    const std::lock_guard<std::mutex> lock(m_mutex);
    m_surrogate = std::move(made);
    m_failure = failure;
    m_changed.notify_all();
}

}
