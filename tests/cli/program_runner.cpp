#include "tests/cli/program_runner.h"

#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <pty.h>
#include <sstream>
#include <stdexcept>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace blockcert::tests {

namespace fs = std::filesystem;

namespace {

fs::path programPath(const std::string& program)
{
    const char* folder = std::getenv("BLOCKCERT_BIN");
    if (folder == nullptr)
        throw std::runtime_error("BLOCKCERT_BIN is not set");
    return fs::path(folder) / program;
}

std::vector<char*> pointersTo(std::vector<std::string>& words)
{
    std::vector<char*> pointers;
    for (std::string& word : words)
        pointers.push_back(word.data());
    pointers.push_back(nullptr);
    return pointers;
}

// In the child: "NAME=value" sets, "NAME" alone removes.
void changeEnvironment(const std::vector<std::string>& environment)
{
    for (const std::string& entry : environment) {
        const std::size_t equals = entry.find('=');
        if (equals == std::string::npos)
            ::unsetenv(entry.c_str());
        else
            ::setenv(entry.substr(0, equals).c_str(), entry.c_str() + equals + 1, 1);
    }
}

int statusOf(int waited)
{
    return WIFEXITED(waited) ? WEXITSTATUS(waited) : 1000 + WTERMSIG(waited);
}

[[noreturn]] void execute(const fs::path& program, const std::vector<std::string>& arguments,
                          const std::vector<std::string>& environment)
{
    changeEnvironment(environment);
    std::vector<std::string> words = {program.string()};
    words.insert(words.end(), arguments.begin(), arguments.end());
    const std::vector<char*> pointers = pointersTo(words);
    ::execv(program.c_str(), pointers.data());
    ::_exit(127);
}

}

Json Outcome::json() const
{
    try {
        return parseStrictJson(out, "standard output");
    } catch (const std::exception& error) {
        ADD_FAILURE() << error.what() << "\n" << out << "\n" << err;
        return nullptr;
    }
}

std::vector<Json> Outcome::jsonLines() const
{
    std::vector<Json> lines;
    std::istringstream stream(out);
    for (std::string line; std::getline(stream, line);)
        lines.push_back(parseStrictJson(line, "line " + std::to_string(lines.size() + 1)));
    return lines;
}

TemporaryFolder::TemporaryFolder()
{
    std::string pattern = (fs::temp_directory_path() / "blockcert-test-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr)
        throw std::runtime_error("mkdtemp");
    m_path = pattern;
}

TemporaryFolder::~TemporaryFolder()
{
    std::error_code ignored;
    fs::remove_all(m_path, ignored);
}

Process::Process(const std::string& program, const std::vector<std::string>& arguments,
                 const std::vector<std::string>& environment)
{
    const fs::path path = programPath(program);
    const std::string out = (m_folder / "out").string();
    const std::string err = (m_folder / "err").string();
    m_child = ::fork();
    if (m_child == 0) {
        const int input = ::open("/dev/null", O_RDONLY);
        const int output = ::open(out.c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0600);
        const int error = ::open(err.c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0600);
        ::dup2(input, STDIN_FILENO);
        ::dup2(output, STDOUT_FILENO);
        ::dup2(error, STDERR_FILENO);
        execute(path, arguments, environment);
    }
}

Process::~Process()
{
    if (isRunning()) {
        ::kill(m_child, SIGKILL);
        ::waitpid(m_child, &m_status, 0);
    }
}

void Process::signal(int number) const
{
    ::kill(m_child, number);
}

std::string Process::errorSoFar() const
{
    return readFile(m_folder / "err");
}

std::string Process::outputSoFar() const
{
    return readFile(m_folder / "out");
}

bool Process::isRunning()
{
    if (!m_ended && ::waitpid(m_child, &m_status, WNOHANG) == m_child)
        m_ended = true;
    return !m_ended;
}

Outcome Process::wait(std::chrono::seconds limit)
{
    const auto end = std::chrono::steady_clock::now() + limit;
    while (isRunning() && std::chrono::steady_clock::now() < end)
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    if (isRunning()) {
        ::kill(m_child, SIGKILL);
        ::waitpid(m_child, &m_status, 0);
        m_ended = true;
    }
    return {statusOf(m_status), outputSoFar(), errorSoFar()};
}

Outcome runBlockcert(const std::vector<std::string>& arguments, const std::vector<std::string>& environment)
{
    return Process("blockcert", arguments, environment).wait();
}

Outcome runShell(const std::string& script)
{
    const std::string path = "PATH=" + programPath("").string() + ":" + std::getenv("PATH");
    return Process("/bin/bash", {"-c", script}, {path}).wait();
}

Outcome runOnTerminal(const std::vector<std::string>& arguments, const std::vector<std::string>& environment,
                      unsigned short columns)
{
    winsize size{};
    size.ws_col = columns;
    size.ws_row = 40;
    int terminal = -1;
    const pid_t child = ::forkpty(&terminal, nullptr, nullptr, &size);
    if (child == 0) {
        ::setenv("TERM", "xterm-256color", 1);
        ::unsetenv("NO_COLOR");
        execute(programPath("blockcert"), arguments, environment);
    }
    Outcome outcome;
    std::array<char, 4096> buffer{};
    for (;;) {
        const ssize_t count = ::read(terminal, buffer.data(), buffer.size());
        if (count > 0)
            outcome.out.append(buffer.data(), static_cast<std::size_t>(count));
        else if (count == 0 || errno != EINTR)
            break; // EIO: the child is gone
    }
    int waited = 0;
    ::waitpid(child, &waited, 0);
    ::close(terminal);
    outcome.status = statusOf(waited);
    return outcome;
}

std::string readFile(const fs::path& path)
{
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

void writeFile(const fs::path& path, const std::string& bytes)
{
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << bytes;
}

}
