// A few threads taking numbered jobs from one counter; the first failure ends all and is thrown.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace blockcert::certificate {

// Calls job(0) … job(count − 1), each once, on up to `threads` threads.
template <class Job>
void inParallel(int threads, std::int64_t count, Job job)
{
    std::atomic<std::int64_t> next = 0;
    std::exception_ptr failure;
    std::mutex failureMutex;
    const auto work = [&] {
        try {
            for (std::int64_t i = next++; i < count; i = next++)
                job(i);
        } catch (...) {
            next = count;
            const std::lock_guard lock(failureMutex);
            if (!failure)
                failure = std::current_exception();
        }
    };
    std::vector<std::jthread> others;
    for (std::int64_t i = 1; i < threads && i < count; ++i)
        others.emplace_back(work);
    work();
    others.clear(); // joins
    if (failure)
        std::rethrow_exception(failure);
}

}
