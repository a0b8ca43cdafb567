#include "engine/certificate/run_folder.h"

#include "engine/base/error.h"
#include "engine/certificate/run_layout.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace blockcert::certificate {

namespace {

// O_NONBLOCK: opening a named pipe must not wait for a writer.
constexpr int fileFlags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
constexpr int folderFlags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_DIRECTORY;

[[noreturn]] void refuse(std::string_view path, int error)
{
    // O_NOFOLLOW answers ELOOP for a file and ENOTDIR for a folder that is a link.
    const std::string why = error == ELOOP ? "it is a symbolic link" : std::strerror(error);
    throw FileError("Cannot open " + std::string(path) + ": " + why + ".");
}

void listFolder(int folder, const std::string& prefix, int depth, std::size_t limit, std::vector<std::string>& names)
{
    const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(folder), &::closedir);
    if (!stream) {
        ::close(folder);
        return;
    }
    while (const dirent* entry = ::readdir(stream.get())) {
        const std::string name = entry->d_name;
        if (name == "." || name == ".." || names.size() >= limit)
            continue;
        const int inner = depth < 4 ? ::openat(::dirfd(stream.get()), name.c_str(), folderFlags) : -1;
        if (inner >= 0)
            listFolder(inner, prefix + name + "/", depth + 1, limit, names);
        else
            names.push_back(prefix + name);
    }
}

}

OpenFile::~OpenFile()
{
    if (m_descriptor >= 0)
        ::close(m_descriptor);
}

OpenFile::OpenFile(OpenFile&& other) noexcept
    : m_descriptor(std::exchange(other.m_descriptor, -1))
{
}

OpenFile& OpenFile::operator=(OpenFile&& other) noexcept
{
    std::swap(m_descriptor, other.m_descriptor);
    return *this;
}

std::uint64_t OpenFile::size() const
{
    struct stat status {};

    return ::fstat(m_descriptor, &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

// The folder itself is the user's word, so a link to it is followed.
RunFolder::RunFolder(const std::filesystem::path& path)
    : m_path(path)
    , m_folder(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECTORY))
{
    if (m_folder.descriptor() < 0)
        refuse(path.string(), errno);
}

OpenFile RunFolder::open(std::string_view path) const
{
    if (!isSafePath(path))
        throw FormatError("The path \"" + std::string(path.substr(0, 200)) +
                          "\" is not a plain relative path inside the run.");
    OpenFile folder(::fcntl(m_folder.descriptor(), F_DUPFD_CLOEXEC, 3));
    std::string_view rest = path;
    for (std::size_t end = rest.find('/'); end != std::string_view::npos; end = rest.find('/')) {
        OpenFile inner(::openat(folder.descriptor(), std::string(rest.substr(0, end)).c_str(), folderFlags));
        if (inner.descriptor() < 0)
            refuse(path, errno);
        folder = std::move(inner);
        rest.remove_prefix(end + 1);
    }
    OpenFile file(::openat(folder.descriptor(), std::string(rest).c_str(), fileFlags));
    if (file.descriptor() < 0)
        refuse(path, errno);

    struct stat status {};

    if (::fstat(file.descriptor(), &status) != 0 || !S_ISREG(status.st_mode))
        throw FileError("Cannot read " + std::string(path) + ": it is not a regular file.");
    return file;
}

std::string RunFolder::readText(std::string_view path, std::size_t limit) const
{
    return readAll(open(path), path, limit);
}

std::vector<std::string> RunFolder::list(std::size_t limit) const
{
    std::vector<std::string> names;
    listFolder(::openat(m_folder.descriptor(), ".", folderFlags), "", 0, limit, names);
    std::sort(names.begin(), names.end());
    return names;
}

bool RunFolder::exists(std::string_view path) const
{
    struct stat status {};

    return isSafePath(path) &&
           ::fstatat(m_folder.descriptor(), std::string(path).c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
}

std::string readAll(const OpenFile& file, std::string_view name, std::size_t limit)
{
    const std::uint64_t size = file.size();
    if (size > limit)
        throw ResourceError(std::string(name) + " has " + std::to_string(size) + " bytes, more than the limit of " +
                            std::to_string(limit) + ".");
    std::string text(static_cast<std::size_t>(size), '\0');
    std::size_t filled = 0;
    while (filled < text.size()) {
        const ssize_t count =
            ::pread(file.descriptor(), text.data() + filled, text.size() - filled, static_cast<off_t>(filled));
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            refuse(name, errno);
        if (count == 0)
            throw FileError("Cannot read " + std::string(name) + ": it became shorter while it was read.");
        filled += static_cast<std::size_t>(count);
    }
    return text;
}

}
