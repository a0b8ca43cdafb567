// The parent's half of the reader child: starts it, waits no longer than it must, believes nothing it says.
#include "engine/artifact/archive_layout.h"
#include "engine/artifact/archive_reader.h"
#include "engine/base/error.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <system_error>
#include <thread>
#include <unistd.h>

namespace blockcert::artifact {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t longestAnswer = std::size_t{4} << 20U;
constexpr int archiveDescriptor = 3;

// A copy above every number that posix_spawn's actions are about to overwrite.
Descriptor movedUp(int descriptor)
{
    return Descriptor(::fcntl(descriptor, F_DUPFD_CLOEXEC, archiveDescriptor + 1));
}

// The child as long as it runs. Killed and reaped at the latest when this object ends.
class Child {
public:
    explicit Child(pid_t process)
        : m_process(process)
    {
    }

    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    ~Child()
    {
        if (m_process > 0)
            (void)killed();
    }

    // Its wait status; a child that has not ended by then is killed.
    [[nodiscard]] int waitUntil(Clock::time_point deadline)
    {
        int status = 0;
        pid_t ended = 0;
        while ((ended = ::waitpid(m_process, &status, WNOHANG)) == 0 && Clock::now() < deadline)
            std::this_thread::sleep_for(std::chrono::microseconds(100));
        if (ended == 0)
            status = killed();
        m_process = -1;
        return status;
    }

private:
    [[nodiscard]] int killed() const
    {
        int status = 0;
        ::kill(m_process, SIGKILL);
        while (::waitpid(m_process, &status, 0) < 0 && errno == EINTR) {
        }
        return status;
    }

    pid_t m_process;
};

struct StartedReader {
    pid_t process;
    Descriptor answer;
};

StartedReader startReader(int archive, const std::filesystem::path& program)
{
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0)
        throw ResourceError(fmt::format("no pipe for the archive reader: {}.", std::generic_category().message(errno)));
    Descriptor answer(ends[0]);
    Descriptor childEnd(ends[1]);
    const Descriptor target = movedUp(childEnd.value());
    const Descriptor file = movedUp(archive);
    if (target.value() < 0 || file.value() < 0)
        throw ResourceError(
            fmt::format("no file descriptor for the archive reader: {}.", std::generic_category().message(errno)));

    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, target.value(), STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, file.value(), archiveDescriptor);

    // Its own process group and default signals: Ctrl-C is for the parent, which then says "interrupted" and not that
    // the file is malformed.
    posix_spawnattr_t attributes;
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

    std::string name = program.string();
    std::string verb = "--archive-reader";
    const std::array<char*, 3> arguments = {name.data(), verb.data(), nullptr};
    const std::array<char*, 1> environment = {nullptr}; // nothing of the user's settings steers HDF5
    pid_t process = -1;
    const int problem =
        ::posix_spawn(&process, name.c_str(), &actions, &attributes, arguments.data(), environment.data());
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (problem != 0)
        throw FileError(fmt::format("{}: the archive reader cannot be started: {}.", name,
                                    std::generic_category().message(problem)));
    return {process, std::move(answer)};
}

[[noreturn]] void refuse(std::string_view source, std::string_view what)
{
    throw FormatError(fmt::format("{}: the file cannot be read as an archive: {}.", source, what));
}

// All that the child writes, up to its end; FormatError if it says too much or nothing for too long.
std::string readAnswerText(int pipe, Clock::time_point deadline, std::string_view source)
{
    std::string text;
    std::array<char, 16384> buffer{};
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
        pollfd ready{pipe, POLLIN, 0};
        const int events = left.count() <= 0 ? 0 : ::poll(&ready, 1, static_cast<int>(left.count()));
        if (events < 0 && errno == EINTR)
            continue;
        if (events <= 0)
            refuse(source, "its reader gave no answer in time");
        const ssize_t count = ::read(pipe, buffer.data(), buffer.size());
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return text;
        text.append(buffer.data(), static_cast<std::size_t>(count));
        if (text.size() > longestAnswer)
            refuse(source, "its reader gave an endless answer");
    }
}

void checkEnd(int status, std::string_view source)
{
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU)
        refuse(source, "reading its structure takes too long");
    if (WIFSIGNALED(status))
        refuse(source, fmt::format("its reader was ended by signal {}", WTERMSIG(status)));
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        refuse(source, "its reader failed");
}

}

std::unique_ptr<ArchiveReader> openThroughChild(int descriptor, std::string_view name,
                                                const std::filesystem::path& childProgram,
                                                std::chrono::milliseconds patience)
{
    const std::uint64_t size = sizeOfFile(descriptor, name);
    Descriptor own = movedUp(descriptor);
    if (own.value() < 0)
        throw ResourceError(
            fmt::format("{}: no file descriptor left: {}.", name, std::generic_category().message(errno)));

    StartedReader reader = startReader(descriptor, childProgram);
    Child child(reader.process);
    const Clock::time_point deadline = Clock::now() + patience;
    const std::string answer = readAnswerText(reader.answer.value(), deadline, name);
    checkEnd(child.waitUntil(deadline), name);

    const ArchiveLayout layout = readAnswer(answer, name);
    checkLayout(layout, size, name);
    return readPlaced(std::move(own), layout, name);
}

std::unique_ptr<ArchiveReader> openForeignArchive(int descriptor, std::string_view name,
                                                  const std::filesystem::path& childProgram)
{
    constexpr std::chrono::seconds patience(30); // the child has 10 s of CPU time; the rest is for a busy machine
    return openThroughChild(descriptor, name, childProgram, patience);
}

}
