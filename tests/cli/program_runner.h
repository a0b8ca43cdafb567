// Runs the programs as a user would, and keeps what they say.
#pragma once

#include "engine/base/strict_json.h"

#include <chrono>
#include <filesystem>
#include <string>
#include <sys/types.h>
#include <vector>

namespace blockcert::tests {

struct Outcome {
    int status = -1; // exit code, or 1000 + signal
    std::string out;
    std::string err;

    // Standard output as exactly one JSON value; fails the test and gives null otherwise.
    [[nodiscard]] Json json() const;
    // One JSON value a line.
    [[nodiscard]] std::vector<Json> jsonLines() const;
};

// A folder that is gone after the test.
class TemporaryFolder {
public:
    TemporaryFolder();
    ~TemporaryFolder();
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    [[nodiscard]] std::filesystem::path operator/(const std::string& name) const { return m_path / name; }

private:
    std::filesystem::path m_path;
};

// A program of BLOCKCERT_BIN with its output in files.
class Process {
public:
    Process(const std::string& program, const std::vector<std::string>& arguments,
            const std::vector<std::string>& environment = {});
    ~Process();
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    void signal(int number) const;
    // What it has written to standard error so far.
    [[nodiscard]] std::string errorSoFar() const;
    [[nodiscard]] std::string outputSoFar() const;
    [[nodiscard]] bool isRunning();
    // Ends it by force after the time; the status is then 1009.
    [[nodiscard]] Outcome wait(std::chrono::seconds limit = std::chrono::seconds(120));

private:
    TemporaryFolder m_folder;
    pid_t m_child = -1;
    int m_status = 0;
    bool m_ended = false;
};

// `blockcert` with these arguments, to its end.
[[nodiscard]] Outcome runBlockcert(const std::vector<std::string>& arguments,
                                   const std::vector<std::string>& environment = {});

// The same with standard output and standard error on a terminal; all it says is in `out`.
[[nodiscard]] Outcome runOnTerminal(const std::vector<std::string>& arguments,
                                    const std::vector<std::string>& environment = {}, unsigned short columns = 100);

// A bash script that finds the programs on its PATH.
[[nodiscard]] Outcome runShell(const std::string& script);

[[nodiscard]] std::string readFile(const std::filesystem::path& path);
void writeFile(const std::filesystem::path& path, const std::string& bytes);

}
