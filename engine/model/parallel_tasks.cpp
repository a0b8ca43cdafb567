#include "engine/model/parallel_tasks.h"

#include "engine/base/run_context.h"

#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <atomic>

namespace blockcert::model {

void runTasks(std::int64_t count, const RunContext& context, const std::function<void(std::int64_t)>& task)
{
    std::atomic<std::int64_t> next = 0;
    // Two workers at least: with one, parallel_for would not open a region, and BLAS would use all threads.
    const std::int64_t workers = std::max(2, at::get_num_threads());
    at::parallel_for(0, workers, 1, [&](std::int64_t, std::int64_t) {
        const c10::InferenceMode inference;
        for (std::int64_t i = next++; i < count; i = next++) {
            try {
                context.step();
                task(i);
            } catch (...) {
                next = count;
                throw;
            }
        }
    });
}

}
