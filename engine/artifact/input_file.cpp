#include "engine/artifact/input_file.h"

#include "engine/base/error.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <mutex>
#include <string>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace blockcert::artifact {

InputFile::InputFile(const std::filesystem::path& path)
    : m_path(path)
    , m_descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY))
{
    if (m_descriptor < 0)
        throw FileError("Cannot open " + path.string() + ": " + std::generic_category().message(errno) + ".");
    struct stat status = {};
    if (::fstat(m_descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
        ::close(m_descriptor);
        throw FileError("Cannot read " + path.string() + ": it is not a regular file.");
    }
    m_size = static_cast<std::uint64_t>(status.st_size);
    m_modifiedSeconds = status.st_mtim.tv_sec;
    m_modifiedNanoseconds = status.st_mtim.tv_nsec;
}

InputFile::~InputFile()
{
    ::close(m_descriptor);
}

void InputFile::hold(std::vector<Held> ranges) const
{
    const std::unique_lock<std::shared_mutex> lock(m_holding);
    m_held = std::move(ranges);
}

void InputFile::readAt(std::uint64_t offset, std::span<std::byte> target) const
{
    {
        const std::shared_lock<std::shared_mutex> lock(m_holding);
        for (const Held& held : m_held) {
            if (offset < held.begin || offset - held.begin > held.bytes.size() ||
                target.size() > held.bytes.size() - (offset - held.begin))
                continue;
            std::copy_n(held.bytes.begin() + static_cast<std::ptrdiff_t>(offset - held.begin), target.size(),
                        target.begin());
            return;
        }
    }
    while (!target.empty()) {
        const ssize_t count = ::pread(m_descriptor, target.data(), target.size(), static_cast<off_t>(offset));
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            throw FileError("Cannot read " + m_path.string() + " at byte " + std::to_string(offset) + ": " +
                            std::generic_category().message(errno) + ".");
        if (count == 0)
            throw FileError(m_path.string() + " ends at byte " + std::to_string(offset) + ", where " +
                            std::to_string(target.size()) +
                            " more bytes were declared; it became shorter while it was open.");
        m_bytesRead.fetch_add(static_cast<std::uint64_t>(count), std::memory_order_relaxed);
        target = target.subspan(static_cast<std::size_t>(count));
        offset += static_cast<std::uint64_t>(count);
    }
}

void InputFile::requireUnchanged() const
{
    struct stat status = {};
    if (::fstat(m_descriptor, &status) != 0)
        throw FileError("Cannot inspect " + m_path.string() + ": " + std::generic_category().message(errno) + ".");
    if (static_cast<std::uint64_t>(status.st_size) != m_size || status.st_mtim.tv_sec != m_modifiedSeconds ||
        status.st_mtim.tv_nsec != m_modifiedNanoseconds)
        throw FileError(m_path.string() + " was modified while it was open; open the model again.");
}

}
