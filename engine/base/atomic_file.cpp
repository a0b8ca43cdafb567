#include "engine/base/atomic_file.h"

#include "engine/base/error.h"
#include "engine/base/file_fault.h"
#include "engine/base/run_context.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <exception>
#include <fcntl.h>
#include <mutex>
#include <set>
#include <sys/stat.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <vector>

namespace blockcert {

namespace {

[[noreturn]] void refuseReading(const std::string& what, const std::filesystem::path& path, int error)
{
    throw FileError(what + " " + path.string() + ": " + std::strerror(error) + ".");
}

void flush(const std::filesystem::path& path, int flags)
{
    const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC);
    if (descriptor < 0)
        refuseToWrite("Cannot open", path, errno);
    const int result = ::fsync(descriptor);
    const int error = errno;
    ::close(descriptor);
    // Some file systems cannot fsync a folder; that is not a failure of the write.
    if (result != 0 && !((flags & O_DIRECTORY) != 0 && (error == EINVAL || error == ENOTSUP)))
        refuseToWrite("Cannot flush", path, error);
}

// Each fsync waits for the journal, and those that wait together wait for the same write of it.
constexpr std::size_t flushThreads = 8;

void flushTogether(std::span<const std::filesystem::path> paths, int flags, const RunContext& context)
{
    std::atomic<std::size_t> next = 0;
    std::mutex failing;
    std::exception_ptr failure;
    const auto work = [&] {
        for (std::size_t i = next++; i < paths.size(); i = next++) {
            try {
                context.step();
                flush(paths[i], flags);
            } catch (...) {
                next = paths.size();
                const std::lock_guard<std::mutex> lock(failing);
                if (!failure)
                    failure = std::current_exception();
            }
        }
    };
    {
        std::vector<std::jthread> helpers;
        try {
            while (helpers.size() + 1 < std::min(flushThreads, paths.size()))
                helpers.emplace_back(work);
        } catch (const std::system_error&) { // no more threads to be had: those that there are do it
        }
        work();
    }
    if (failure)
        std::rethrow_exception(failure);
}

std::filesystem::path folderOf(const std::filesystem::path& path)
{
    return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

// A device, a pipe or a socket would be gone, and a plain file in its place.
void requireReplaceable(const std::filesystem::path& path)
{
    struct stat status = {};
    if (::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode))
        throw OutputError(path.string() + " is a device, a pipe or a socket, which a file cannot take the place of; "
                                          "name a file.");
}

void writeAll(int descriptor, std::string_view bytes, const std::filesystem::path& path)
{
    while (!bytes.empty()) {
        const ssize_t count = ::write(descriptor, bytes.data(), bytes.size());
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            refuseToWrite("Cannot write", path, errno);
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
}

}

void writeFileAtomically(const std::filesystem::path& path, std::string_view bytes, Flush when)
{
    requireReplaceable(path);
    std::filesystem::path temporary = path;
    temporary += ".new";
    const int descriptor = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (descriptor < 0)
        refuseToWrite("Cannot create", temporary, errno);
    try {
        writeAll(descriptor, bytes, temporary);
    } catch (...) {
        ::close(descriptor);
        ::unlink(temporary.c_str());
        throw;
    }
    if (::close(descriptor) != 0) {
        const int error = errno;
        ::unlink(temporary.c_str());
        refuseToWrite("Cannot write", temporary, error);
    }
    publishFile(temporary, path, when);
}

void beginFlush(const std::filesystem::path& path)
{
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return; // what there is to say about the file is said by its fsync
    (void)::sync_file_range(descriptor, 0, 0, SYNC_FILE_RANGE_WRITE);
    ::close(descriptor);
}

void publishFile(const std::filesystem::path& temporary, const std::filesystem::path& path, Flush when)
{
    try {
        requireReplaceable(path);
        if (when == Flush::Now)
            flush(temporary, O_RDONLY);
        if (::rename(temporary.c_str(), path.c_str()) != 0)
            refuseToWrite("Cannot rename to", path, errno);
    } catch (...) {
        ::unlink(temporary.c_str());
        throw;
    }
    if (when == Flush::Now)
        flush(folderOf(path), O_RDONLY | O_DIRECTORY);
}

void flushFiles(std::span<const std::filesystem::path> files, const RunContext& context)
{
    std::set<std::filesystem::path> folders;
    for (const std::filesystem::path& file : files)
        folders.insert(folderOf(file));
    const std::vector<std::filesystem::path> folderList(folders.begin(), folders.end());
    flushTogether(files, O_RDONLY, context);
    flushTogether(folderList, O_RDONLY | O_DIRECTORY, context);
}

std::string readWholeFile(const std::filesystem::path& path, std::size_t limit)
{
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0)
        refuseReading("Cannot open", path, errno);

    struct stat status {};

    if (::fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
        ::close(descriptor);
        throw FileError("Cannot read " + path.string() + ": it is not a regular file.");
    }
    if (static_cast<std::uint64_t>(status.st_size) > limit) {
        ::close(descriptor);
        throw ResourceError(path.string() + " has " + std::to_string(status.st_size) +
                            " bytes, more than the limit of " + std::to_string(limit) + " for this kind of file.");
    }
    std::string content(static_cast<std::size_t>(status.st_size), '\0');
    std::size_t filled = 0;
    while (filled < content.size()) {
        const ssize_t count = ::read(descriptor, content.data() + filled, content.size() - filled);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0) {
            const int error = count < 0 ? errno : EIO;
            ::close(descriptor);
            refuseReading("Cannot read", path, error);
        }
        filled += static_cast<std::size_t>(count);
    }
    ::close(descriptor);
    return content;
}

}
