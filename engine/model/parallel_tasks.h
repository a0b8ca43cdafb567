// Shares tasks out among LibTorch's threads; whatever a task calls then runs on its own thread alone.
#pragma once

#include <cstdint>
#include <functional>

namespace blockcert {
class RunContext;
}

namespace blockcert::model {

// Calls task(0) … task(count − 1), each once, in any order and from several threads; the first exception is
// rethrown. Polls the context before every task, so that a stop is answered within one of them. Tasks are always
// inside a parallel region: BLAS calls made by a task never open threads of their own.
void runTasks(std::int64_t count, const RunContext& context, const std::function<void(std::int64_t)>& task);

}
