#include "engine/certificate/run_place.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace blockcert::certificate {

namespace fs = std::filesystem;

RunPlace::RunPlace(fs::path path)
    : m_path(std::move(path))
    , m_descriptor(::open(m_path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC))
{
    if (m_descriptor < 0)
        throw OutputError("Cannot open the folder " + m_path.string() + ": " + std::strerror(errno) + ".");
}

RunPlace::~RunPlace()
{
    ::close(m_descriptor);
}

bool RunPlace::isUnchanged() const
{
    struct stat held {};

    struct stat named {};

    return ::fstat(m_descriptor, &held) == 0 && ::stat(m_path.c_str(), &named) == 0 && held.st_ino == named.st_ino &&
           held.st_dev == named.st_dev;
}

void RunPlace::require(ExitCode code) const
{
    if (isUnchanged())
        return;
    const std::string begin = "The run folder " + m_path.string() + " was ";
    std::error_code unknown;
    const fs::path now = fs::read_symlink("/proc/self/fd/" + std::to_string(m_descriptor), unknown);

    struct stat held {};

    if (::fstat(m_descriptor, &held) == 0 && held.st_nlink == 0)
        throw RunMovedError(code, begin + "removed while the run was written; start it anew.");
    if (unknown)
        throw RunMovedError(code, begin + "moved while the run was written; what is finished is kept: repeat the "
                                          "command with --resume and the new place as --out.");
    throw RunMovedError(code, begin + "moved to " + now.string() +
                                  " while the run was written; what is finished is kept there: repeat the command with "
                                  "--out " +
                                  now.string() + " --resume.");
}

}
