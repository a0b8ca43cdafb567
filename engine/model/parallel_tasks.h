// Shares tasks out among the processors; whatever a task calls then runs on its own thread alone.
#pragma once

#include <cstdint>
#include <functional>

namespace blockcert {
class RunContext;
}

namespace blockcert::model {

// Calls task(0) … task(count − 1), each once, in any order and from several threads; the first exception is
// rethrown. Polls the context before every task, so that a stop is answered within one of them. LibTorch and its
// BLAS never open threads of their own inside a task, nor anywhere else in a thread that has called runTasks().
//
// There is one set of threads per process, as there would be with LibTorch's own loops. Those are not used because
// their workers spin and their barrier waits for workers that have not even begun: on a machine with other work that
// made small loops up to seventeen times slower. Here a call waits only for tasks that have been started.
//
// Several threads may call it at once: each works on its own tasks, and the other processors on whichever are left.
void runTasks(std::int64_t count, const RunContext& context, const std::function<void(std::int64_t)>& task);

// While one lives, the calls of this thread are those of a preparation that others do not wait for yet: processors
// that help with them leave them, between two tasks, for those of any other thread.
class BackgroundTasks {
public:
    BackgroundTasks();
    ~BackgroundTasks();
    BackgroundTasks(const BackgroundTasks&) = delete;
    BackgroundTasks& operator=(const BackgroundTasks&) = delete;

private:
    bool m_before;
};

// How many threads runTasks uses, the caller included; 0 means all processors this process may use. Returns the
// number set. Not while tasks are running.
int setThreads(int threads);
[[nodiscard]] int threadCount();

}
