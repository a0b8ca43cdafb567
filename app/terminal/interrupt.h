// Ctrl+C: the first asks the work to stop, the second ends the program at once.
#pragma once

#include <functional>
#include <stop_token>
#include <thread>

namespace blockcert::terminal {

// Takes SIGINT, SIGTERM and SIGHUP for the whole process. Construct it in main before any other thread exists,
// because threads inherit which signals are held back.
class InterruptWatch {
public:
    // Both are called on the watching thread; the program ends when `onSecond` returns. They must not throw.
    InterruptWatch(std::function<void()> onFirst, std::function<void()> onSecond);
    ~InterruptWatch();
    InterruptWatch(const InterruptWatch&) = delete;
    InterruptWatch& operator=(const InterruptWatch&) = delete;

    [[nodiscard]] std::stop_token stopToken() const { return m_stop.get_token(); }

private:
    std::stop_source m_stop;
    int m_signals = -1; // signalfd
    int m_wake = -1;    // eventfd
    std::jthread m_thread;
};

}
