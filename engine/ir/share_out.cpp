#include "engine/ir/share_out.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace blockcert::ir {

void shareOut(int threads, std::int64_t count, const std::function<void(std::int64_t)>& task)
{
    std::atomic<std::int64_t> next = 0;
    std::exception_ptr failure;
    std::mutex failureLock;
    const auto work = [&] {
        try {
            for (std::int64_t index = next++; index < count; index = next++)
                task(index);
        } catch (...) {
            next = count;
            const std::lock_guard lock(failureLock);
            if (!failure)
                failure = std::current_exception();
        }
    };

    {
        std::vector<std::jthread> helpers;
        for (std::int64_t i = 1; i < std::min<std::int64_t>(threads, count); ++i)
            helpers.emplace_back(work);
        work();
    }
    if (failure)
        std::rethrow_exception(failure);
}

int threadsWorthwhile(int threads, std::int64_t multiplyAdds)
{
    return multiplyAdds < (std::int64_t{4} << 20U) ? 1 : threads;
}

}
