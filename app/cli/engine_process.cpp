#include "app/cli/engine_process.h"

#include "app/terminal/surroundings.h"
#include "engine/base/error.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace blockcert::cli {

namespace {

constexpr std::size_t largestAnswer = 16U << 20U;

std::filesystem::path enginePath()
{
    std::filesystem::path path = terminal::siblingProgram("blockcert-engine");
    if (path.empty())
        throw FileError(
            "blockcert-engine, the program of this verb, is neither beside " + terminal::thisProgram().string() +
            " nor in ../libexec/blockcert; build it with the preset release, or install the whole package.");
    return path;
}

// argv of the engine; the strings must outlive it.
std::vector<char*> argumentPointers(std::vector<std::string>& words)
{
    std::vector<char*> pointers;
    for (std::string& word : words)
        pointers.push_back(word.data());
    pointers.push_back(nullptr);
    return pointers;
}

std::vector<std::string> commandLine(const std::filesystem::path& engine, std::span<const std::string> arguments)
{
    std::vector<std::string> words = {engine.string()};
    words.insert(words.end(), arguments.begin(), arguments.end());
    return words;
}

// In a process group of its own: Ctrl+C on the terminal is for this program, which ends the engine itself.
int startApart(const std::filesystem::path& engine, const std::vector<char*>& pointers, int output, pid_t& child)
{
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    posix_spawnattr_t attributes;
    ::posix_spawnattr_init(&attributes);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    const int result = ::posix_spawn(&child, engine.c_str(), &actions, &attributes, pointers.data(), environ);
    ::posix_spawnattr_destroy(&attributes);
    ::posix_spawn_file_actions_destroy(&actions);
    return result;
}

// What the engine prints until it ends, until there is too much of it, or until the work is asked to stop.
std::string readAnswer(int descriptor, const RunContext& context)
{
    constexpr int stopInterval = 50; // ms
    std::string answer;
    std::array<char, 1U << 14U> buffer{};
    while (!context.stopRequested() && answer.size() < largestAnswer) {
        pollfd file{descriptor, POLLIN, 0};
        if (::poll(&file, 1, stopInterval) <= 0)
            continue;
        const ssize_t count = ::read(descriptor, buffer.data(), buffer.size());
        if (count > 0)
            answer.append(buffer.data(), static_cast<std::size_t>(count));
        else if (count == 0 || errno != EINTR)
            break;
    }
    return answer;
}

}

void becomeEngine(std::span<const std::string> arguments)
{
    const std::filesystem::path engine = enginePath();
    std::vector<std::string> words = commandLine(engine, arguments);
    const std::vector<char*> pointers = argumentPointers(words);
    ::execv(engine.c_str(), pointers.data());
    throw FileError(engine.string() + " cannot be started: " + std::strerror(errno) + ".");
}

Json askEngine(std::span<const std::string> arguments, const RunContext& context)
{
    const std::filesystem::path engine = enginePath();
    std::vector<std::string> words = commandLine(engine, arguments);
    const std::vector<char*> pointers = argumentPointers(words);
    std::array<int, 2> output{};
    if (::pipe2(output.data(), O_CLOEXEC) != 0)
        throw ResourceError("The program cannot open a pipe: too many files are open.");
    pid_t child = 0;
    const int started = startApart(engine, pointers, output[1], child);
    ::close(output[1]);
    if (started != 0) {
        ::close(output[0]);
        throw FileError(engine.string() + " cannot be started: " + std::strerror(started) + ".");
    }
    const std::string answer = readAnswer(output[0], context);
    ::close(output[0]);
    if (context.stopRequested())
        ::kill(child, SIGKILL);
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    context.step(); // throws if it was interrupted
    if (WIFSIGNALED(status))
        throw FormatError("blockcert-engine was ended by signal " + std::to_string(WTERMSIG(status)) + " (" +
                          ::strsignal(WTERMSIG(status)) + ").");
    return parseStrictJson(answer, "the engine's answer");
}

}
