#include "engine/pipeline/output_thread.h"

#include <utility>

namespace blockcert::pipeline {

OutputThread::OutputThread(std::size_t most)
    : m_most(most)
    , m_thread([this] { serve(); })
{
}

OutputThread::~OutputThread()
{
    {
        const std::lock_guard<std::mutex> lock(m_mutex);
        m_stopping = true;
        m_tasks.clear();
    }
    m_changed.notify_all();
    m_thread.join();
}

void OutputThread::submit(std::function<void()> task)
{
    std::unique_lock<std::mutex> lock(m_mutex);
    m_changed.wait(lock, [this] { return m_tasks.size() < m_most || m_failure; });
    rethrow();
    m_tasks.push_back(std::move(task));
    m_changed.notify_all();
}

void OutputThread::drain()
{
    std::unique_lock<std::mutex> lock(m_mutex);
    m_changed.wait(lock, [this] { return (m_tasks.empty() && !m_busy) || m_failure; });
    rethrow();
}

void OutputThread::rethrow()
{
    if (m_failure)
        std::rethrow_exception(std::exchange(m_failure, nullptr));
}

void OutputThread::serve()
{
    std::unique_lock<std::mutex> lock(m_mutex);
    while (true) {
        m_changed.wait(lock, [this] { return m_stopping || !m_tasks.empty(); });
        if (m_stopping)
            return;
        const std::function<void()> task = std::move(m_tasks.front());
        m_tasks.pop_front();
        m_busy = true;
        lock.unlock();
        std::exception_ptr failure;
        try {
            task();
        } catch (...) {
            failure = std::current_exception();
        }
        lock.lock();
        m_busy = false;
        if (failure) {
            m_failure = failure;
            m_tasks.clear();
        }
        m_changed.notify_all();
    }
}

}
