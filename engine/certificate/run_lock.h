// One process at a time writes a run: a lock file that the kernel lets go of when its process dies.
#pragma once

#include <filesystem>

namespace blockcert::certificate {

// Holds an exclusive flock on `path` until destroyed; a dead process never blocks. Moves, never copies.
class RunLock {
public:
    // Creates the file. Throws UsageError if another process holds it, OutputError if it cannot be created.
    explicit RunLock(const std::filesystem::path& path);
    ~RunLock();
    RunLock(RunLock&& other) noexcept;
    RunLock& operator=(RunLock&& other) noexcept;

private:
    int m_descriptor = -1;
};

}
