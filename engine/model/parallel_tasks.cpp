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
#include <utility>
#include <vector>

namespace blockcert::model {

namespace {

// One call of runTasks.
struct Job {
    std::int64_t count = 0;
    const RunContext* context = nullptr;
    const std::function<void(std::int64_t)>* task = nullptr;
    bool background = false;
    std::atomic<std::int64_t> next = 0;
    std::mutex failing;
    std::exception_ptr failure;
    std::atomic<int> helpers = 0; // workers inside; changed with the pool's mutex held

    [[nodiscard]] bool isOpen() const { return next.load(std::memory_order_relaxed) < count; }

    // Until nothing is left, or `leave` says so between two tasks.
    template <class Leave>
    void work(Leave leave)
    {
        const c10::InferenceMode inference;
        while (!leave()) {
            const std::int64_t i = next++;
            if (i >= count)
                return;
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

    void workToTheEnd()
    {
        work([] { return false; });
    }
};

// Thread-safe. Every caller works on its own job; the workers help where there is something left, and look up
// from a background job whenever another one comes.
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

    static bool setBackground(bool background) { return std::exchange(s_background, background); }

    void run(Job& job)
    {
        keepLibTorchSerial();
        if (s_insideTask || job.count == 1 || m_size == 1) {
            job.workToTheEnd();
            return;
        }
        job.background = s_background;
        {
            const std::lock_guard<std::mutex> lock(m_mutex);
            m_jobs.push_back(&job);
            ++m_generation;
        }
        m_wake.notify_all();
        s_insideTask = true;
        job.workToTheEnd();
        s_insideTask = false;
        {
            const std::lock_guard<std::mutex> lock(m_mutex);
            std::erase(m_jobs, &job); // whoever has not begun stays out
        }
        const auto isDone = [&] { return job.helpers.load(std::memory_order_acquire) == 0; };
        spinUntil(isDone);                          // to sleep and to be woken takes longer than most last tasks
        std::unique_lock<std::mutex> lock(m_mutex); // even then: the last helper may still be about to let go of it
        m_done.wait(lock, isDone);
    }

private:
    // Or until it has waited for longer than a sleep takes.
    template <class Condition>
    static void spinUntil(Condition condition)
    {
        const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(150);
        while (!condition() && std::chrono::steady_clock::now() < end)
            for (int i = 0; i < 16 && !condition(); ++i)
                pause();
    }

    // Leaves the processor's other thread, and its energy, alone for a moment.
    static void pause()
    {
#if defined(__x86_64__)
        __builtin_ia32_pause();
#endif
    }

    // LibTorch's thread count is kept per thread: oneDNN and OpenMP ask for the calling thread's.
    static void keepLibTorchSerial()
    {
        if (!s_serial) {
            at::set_num_threads(1);
            s_serial = true;
        }
    }

    // What a worker helps with: another thread's foreground job before a background one. With m_mutex held.
    [[nodiscard]] Job* openJob() const
    {
        Job* found = nullptr;
        for (Job* job : m_jobs)
            if (job->isOpen() && (found == nullptr || (found->background && !job->background)))
                found = job;
        return found;
    }

    void serve()
    {
        keepLibTorchSerial();
        s_insideTask = true;
        std::int64_t seen = 0;
        while (true) {
            // The next loop of a forward pass usually follows within microseconds.
            spinUntil([&] { return m_generation.load(std::memory_order_acquire) != seen || m_stopping; });
            std::unique_lock<std::mutex> lock(m_mutex);
            Job* job = nullptr;
            m_wake.wait(lock, [&] { return m_stopping || (job = openJob()) != nullptr; });
            if (m_stopping)
                return;
            seen = m_generation;
            ++job->helpers;
            lock.unlock();
            job->work([&] { return job->background && m_generation != seen; });
            lock.lock();
            if (--job->helpers == 0)
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
    static inline thread_local bool s_background = false;

    std::mutex m_mutex;
    std::condition_variable m_wake;
    std::condition_variable m_done;
    std::vector<std::thread> m_workers;
    std::atomic<std::int64_t> m_generation = 0;
    std::atomic<bool> m_stopping = false;
    std::vector<Job*> m_jobs; // of callers that are at work, in the order of their calls
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

BackgroundTasks::BackgroundTasks()
    : m_before(TaskPool::setBackground(true))
{
}

BackgroundTasks::~BackgroundTasks()
{
    TaskPool::setBackground(m_before);
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
