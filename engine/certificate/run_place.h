// Notices that the folder of a run was moved, renamed or removed while the run is written.
#pragma once

#include "engine/base/error.h"

#include <filesystem>

namespace blockcert::certificate {

// What was finished lies at the new place, which the sentence names, and can be continued there.
class RunMovedError : public FileError {
public:
    RunMovedError(ExitCode code, const std::string& sentence)
        : FileError(code, sentence)
    {
    }
};

// Keeps the folder itself in view, whatever it is called. Const members may be called from several threads.
class RunPlace {
public:
    // The folder must be there. Throws OutputError if it cannot be opened.
    explicit RunPlace(std::filesystem::path path);
    ~RunPlace();
    RunPlace(const RunPlace&) = delete;
    RunPlace& operator=(const RunPlace&) = delete;

    // Whether the path still names the folder that it named at first.
    [[nodiscard]] bool isUnchanged() const;
    // Throws RunMovedError with this exit code unless it does.
    void require(ExitCode code) const;

private:
    std::filesystem::path m_path;
    int m_descriptor = -1;
};

}
