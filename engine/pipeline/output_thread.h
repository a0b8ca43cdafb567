// Writes in the background what has been computed: flushing a file takes longer than computing a small cell.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>

namespace blockcert::pipeline {

// Tasks run one after the other, in order, on one thread. What a task throws comes out of the next call of submit() or
// drain(); tasks behind it are dropped. The destructor waits for the task that is running and drops the others: who
// wants them done calls drain() first.
class OutputThread {
public:
    // submit() waits while more than `most` tasks are in line.
    explicit OutputThread(std::size_t most);
    ~OutputThread();
    OutputThread(const OutputThread&) = delete;
    OutputThread& operator=(const OutputThread&) = delete;

    void submit(std::function<void()> task);
    void drain();

private:
    void serve();
    void rethrow(); // with m_mutex held

    std::size_t m_most;
    std::mutex m_mutex;
    std::condition_variable m_changed;
    std::deque<std::function<void()>> m_tasks;
    bool m_busy = false;
    bool m_stopping = false;
    std::exception_ptr m_failure;
    std::thread m_thread; // last: starts when everything else is there
};

}
