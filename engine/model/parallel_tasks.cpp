#include "engine/model/parallel_tasks.h"

#include "engine/base/run_context.h"

#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <sched.h>
#include <thread>
#include <vector>

namespace blockcert::model {

namespace {

// One call of runTasks.
struct Job {
    std::int64_t count = 0;
    const RunContext* context = nullptr;
    const std::function<void(std::int64_t)>* task = nullptr;
    std::atomic<std::int64_t> next = 0;
    std::mutex failing;
    std::exception_ptr failure;

    void work()
    {
        const c10::InferenceMode inference;
        for (std::int64_t i = next++; i < count; i = next++) {
            try {
                context->step();
                (*task)(i);
            } catch (...) {
                next = count;
                const std::lock_guard<std::mutex> lock(failing);
                if (!failure)
                    failure = std::current_exception();
            }
        }
    }
};

// Thread-safe; concurrent calls of run() take turns.
class TaskPool {
public:
    TaskPool() { resize(0); }

    ~TaskPool() { stop(); }

    TaskPool(const TaskPool&) = delete;
    TaskPool& operator=(const TaskPool&) = delete;

    int resize(int threads)
    {
        if (threads <= 0) {
            cpu_set_t allowed;
            CPU_ZERO(&allowed);
            threads = sched_getaffinity(0, sizeof(allowed), &allowed) == 0 ? CPU_COUNT(&allowed) : 1;
        }
        const std::lock_guard<std::mutex> turn(m_turn);
        if (threads != static_cast<int>(m_workers.size()) + 1) {
            stop();
            m_stopping = false;
            for (int i = 1; i < threads; ++i)
                m_workers.emplace_back([this] { serve(); });
            m_size = threads;
        }
        return threads;
    }

    [[nodiscard]] int size() const { return m_size; }

    void run(Job& job)
    {
        keepLibTorchSerial();
        if (s_insideTask || job.count == 1 || m_size == 1) {
            job.work();
            return;
        }
        const std::lock_guard<std::mutex> turn(m_turn);
        {
            const std::lock_guard<std::mutex> lock(m_mutex);
            m_job = &job;
            ++m_generation;
        }
        m_wake.notify_all();
        s_insideTask = true;
        job.work();
        s_insideTask = false;
        std::unique_lock<std::mutex> lock(m_mutex);
        m_job = nullptr; // whoever has not begun stays out
        m_done.wait(lock, [this] { return m_active == 0; });
    }

private:
    // LibTorch's thread count is kept per thread: oneDNN and OpenMP ask for the calling thread's.
    static void keepLibTorchSerial()
    {
        if (!s_serial) {
            at::set_num_threads(1);
            s_serial = true;
        }
    }

    void serve()
    {
        keepLibTorchSerial();
        s_insideTask = true;
        std::int64_t seen = 0;
        while (true) {
            // The next loop of a forward pass usually follows within microseconds.
            const auto patience = std::chrono::steady_clock::now() + std::chrono::microseconds(40);
            while (m_generation.load(std::memory_order_acquire) == seen && !m_stopping &&
                   std::chrono::steady_clock::now() < patience) {
            }
            std::unique_lock<std::mutex> lock(m_mutex);
            m_wake.wait(lock, [&] { return m_stopping || m_generation != seen; });
            if (m_stopping)
                return;
            seen = m_generation;
            if (m_job == nullptr)
                continue;
            Job& job = *m_job;
            ++m_active;
            lock.unlock();
            job.work();
            lock.lock();
            if (--m_active == 0)
                m_done.notify_all();
        }
    }

    void stop()
    {
        {
            const std::lock_guard<std::mutex> lock(m_mutex);
            m_stopping = true;
        }
        m_wake.notify_all();
        for (std::thread& worker : m_workers)
            worker.join();
        m_workers.clear();
    }

    static inline thread_local bool s_serial = false;
    static inline thread_local bool s_insideTask = false;

    std::mutex m_turn; // one job at a time
    std::mutex m_mutex;
    std::condition_variable m_wake;
    std::condition_variable m_done;
    std::vector<std::thread> m_workers;
    std::atomic<std::int64_t> m_generation = 0;
    std::atomic<bool> m_stopping = false;
    Job* m_job = nullptr;
    int m_active = 0;
    std::atomic<int> m_size = 1;
};

TaskPool& pool()
{
    static TaskPool tasks;
    return tasks;
}

}

void runTasks(std::int64_t count, const RunContext& context, const std::function<void(std::int64_t)>& task)
{
    if (count <= 0)
        return;
    Job job;
    job.count = count;
    job.context = &context;
    job.task = &task;
    pool().run(job);
    if (job.failure)
        std::rethrow_exception(job.failure);
}

int setThreads(int threads)
{
    return pool().resize(threads);
}

int threadCount()
{
    return pool().size();
}

}
