#include "engine/certificate/run_lock.h"

#include "engine/base/error.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace blockcert::certificate {

namespace {

// The folder of the lock is removed when a run ends, so a lock may have been taken on a file that is gone.
bool stillThere(int descriptor, const std::filesystem::path& path)
{
    struct stat held {};

    struct stat named {};

    return ::fstat(descriptor, &held) == 0 && ::lstat(path.c_str(), &named) == 0 && held.st_ino == named.st_ino &&
           held.st_dev == named.st_dev;
}

}

RunLock::RunLock(const std::filesystem::path& path)
{
    while (true) {
        const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
        if (descriptor < 0)
            throw OutputError("Cannot create the lock " + path.string() + ": " + std::strerror(errno) + ".");
        if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
            const int error = errno;
            ::close(descriptor);
            if (error == EINTR)
                continue;
            throw UsageError("The folder " + path.parent_path().parent_path().string() +
                             " is being written by another process; wait until it has ended.");
        }
        if (stillThere(descriptor, path)) {
            m_descriptor = descriptor;
            return;
        }
        ::close(descriptor);
    }
}

RunLock::~RunLock()
{
    if (m_descriptor >= 0)
        ::close(m_descriptor);
}

RunLock::RunLock(RunLock&& other) noexcept
    : m_descriptor(std::exchange(other.m_descriptor, -1))
{
}

RunLock& RunLock::operator=(RunLock&& other) noexcept
{
    std::swap(m_descriptor, other.m_descriptor);
    return *this;
}

}
