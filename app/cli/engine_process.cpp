#include "app/cli/engine_process.h"

#include "app/terminal/surroundings.h"
#include "engine/base/error.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
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

}

void becomeEngine(std::span<const std::string> arguments)
{
    const std::filesystem::path engine = enginePath();
    std::vector<std::string> words = commandLine(engine, arguments);
    const std::vector<char*> pointers = argumentPointers(words);
    ::execv(engine.c_str(), pointers.data());
    throw FileError(engine.string() + " cannot be started: " + std::strerror(errno) + ".");
}

Json askEngine(std::span<const std::string> arguments)
{
    const std::filesystem::path engine = enginePath();
    std::vector<std::string> words = commandLine(engine, arguments);
    const std::vector<char*> pointers = argumentPointers(words);
    std::array<int, 2> output{};
    if (::pipe2(output.data(), O_CLOEXEC) != 0)
        throw ResourceError("The program cannot open a pipe: too many files are open.");
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO);
    pid_t child = 0;
    const int started = ::posix_spawn(&child, engine.c_str(), &actions, nullptr, pointers.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(output[1]);

    std::string answer;
    std::array<char, 1U << 14U> buffer{};
    for (ssize_t count = 1; started == 0 && (count > 0 || errno == EINTR) && answer.size() < largestAnswer;) {
        count = ::read(output[0], buffer.data(), buffer.size());
        if (count > 0)
            answer.append(buffer.data(), static_cast<std::size_t>(count));
        else if (count == 0)
            break;
    }
    ::close(output[0]);
    if (started != 0)
        throw FileError(engine.string() + " cannot be started: " + std::strerror(started) + ".");
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFSIGNALED(status))
        throw FormatError("blockcert-engine was ended by signal " + std::to_string(WTERMSIG(status)) + " (" +
                          ::strsignal(WTERMSIG(status)) + ").");
    return parseStrictJson(answer, "the engine's answer");
}

}
