#include "app/terminal/interrupt.h"

#include "engine/base/error.h"

#include <array>
#include <csignal>
#include <cstdint>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <utility>

namespace blockcert::terminal {

InterruptWatch::InterruptWatch(std::function<void()> onFirst, std::function<void()> onSecond)
{
    sigset_t signals;
    sigemptyset(&signals);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP})
        sigaddset(&signals, signal);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    m_signals = ::signalfd(-1, &signals, SFD_CLOEXEC);
    m_wake = ::eventfd(0, EFD_CLOEXEC);
    if (m_signals < 0 || m_wake < 0)
        throw ResourceError("The program cannot watch for Ctrl+C: too many files are open.");
    m_thread = std::jthread([this, first = std::move(onFirst), second = std::move(onSecond)] {
        for (;;) {
            std::array<pollfd, 2> files{pollfd{m_signals, POLLIN, 0}, pollfd{m_wake, POLLIN, 0}};
            if (::poll(files.data(), files.size(), -1) < 0)
                continue;
            if (files[1].revents != 0)
                return;
            signalfd_siginfo signal{};
            if (::read(m_signals, &signal, sizeof signal) != static_cast<ssize_t>(sizeof signal))
                continue;
            if (m_stop.stop_requested()) {
                second();
                ::_exit(static_cast<int>(ExitCode::Interrupted));
            }
            m_stop.request_stop();
            first();
        }
    });
}

InterruptWatch::~InterruptWatch()
{
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(m_wake, &one, sizeof one);
    m_thread.join();
    ::close(m_signals);
    ::close(m_wake);
}

}
