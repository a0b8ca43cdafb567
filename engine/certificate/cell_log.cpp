#include "engine/certificate/cell_log.h"

#include "engine/base/file_fault.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace blockcert::certificate {

namespace {

namespace fs = std::filesystem;

// "cell 3 118234\n" or "loss 3 5120\n": prompt and bytes that follow.
constexpr std::size_t longestHead = 64;

struct Head {
    CellPlace place;
    std::int64_t size = 0; // of the bytes behind it
    std::int64_t headSize = 0;
};

std::string headFor(CellPlace place, std::size_t size)
{
    return (place.part == CellPart::Cell ? "cell " : "loss ") + std::to_string(place.prompt.value) + " " +
           std::to_string(size) + "\n";
}

std::optional<Head> headIn(std::string_view text)
{
    text = text.substr(0, longestHead);
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos || !(text.starts_with("cell ") || text.starts_with("loss ")))
        return std::nullopt;
    Head head;
    head.place.part = text.starts_with("cell ") ? CellPart::Cell : CellPart::Losses;
    head.headSize = static_cast<std::int64_t>(end) + 1;
    const char* const last = text.data() + end;
    const auto prompt = std::from_chars(text.data() + 5, last, head.place.prompt.value);
    if (prompt.ec != std::errc() || prompt.ptr == last || *prompt.ptr != ' ' || head.place.prompt.value < 0)
        return std::nullopt;
    const auto size = std::from_chars(prompt.ptr + 1, last, head.size);
    if (size.ec != std::errc() || size.ptr != last || head.size < 0)
        return std::nullopt;
    return head;
}

}

CellLog::CellLog(fs::path path)
    : m_path(std::move(path))
{
}

CellLog::~CellLog()
{
    if (m_descriptor >= 0)
        ::close(m_descriptor);
}

bool CellLog::open(bool create)
{
    if (m_descriptor >= 0)
        return true;
    constexpr int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW;
    m_descriptor = ::open(m_path.c_str(), flags);
    if (m_descriptor < 0 && errno == ENOENT && create) {
        std::error_code failed;
        fs::create_directories(m_path.parent_path(), failed);
        if (failed)
            refuseToWrite("Cannot create", m_path.parent_path(), failed.value());
        m_descriptor = ::open(m_path.c_str(), flags | O_CREAT, 0666);
    }
    if (m_descriptor < 0) {
        if (create)
            refuseToWrite("Cannot open", m_path, errno);
        if (errno == ENOENT)
            return false;
        throw FileError("Cannot open " + m_path.string() + ": " + std::strerror(errno) + ".");
    }
    scan();
    return true;
}

void CellLog::scan()
{
    struct stat status {};

    if (::fstat(m_descriptor, &status) != 0 || !S_ISREG(status.st_mode))
        throw FileError("Cannot read " + m_path.string() + ": it is not a regular file.");
    m_end = 0;
    m_size = status.st_size;
    while (m_end < m_size) {
        const std::int64_t rest = m_size - m_end;
        const auto head = headIn(readAt(m_end, std::min<std::int64_t>(rest, longestHead)));
        if (!head || head->size > rest - head->headSize)
            return;
        m_ranges[head->place] = {m_end + head->headSize, head->size};
        m_end += head->headSize + head->size;
    }
}

std::string CellLog::readAt(std::int64_t offset, std::int64_t size) const
{
    std::string bytes(static_cast<std::size_t>(size), '\0');
    std::size_t filled = 0;
    while (filled < bytes.size()) {
        const ssize_t count = ::pread(m_descriptor, bytes.data() + filled, bytes.size() - filled,
                                      offset + static_cast<std::int64_t>(filled));
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            throw FileError("Cannot read " + m_path.string() + ": " + std::strerror(count < 0 ? errno : EIO) + ".");
        filled += static_cast<std::size_t>(count);
    }
    return bytes;
}

void CellLog::append(CellPlace place, std::string_view bytes)
{
    open(true);
    const std::string head = headFor(place, bytes.size());
    // Only what a stopped write has left: ext4 begins to write a file that was cut to nothing as soon as it is closed,
    // and to remove one while it is written takes milliseconds.
    if (m_size > m_end && ::ftruncate(m_descriptor, m_end) != 0)
        refuseToWrite("Cannot write", m_path, errno);
    m_size = m_end;
    std::int64_t at = m_end;
    for (std::string_view rest : {std::string_view(head), bytes})
        while (!rest.empty()) {
            const ssize_t count = ::pwrite(m_descriptor, rest.data(), rest.size(), at);
            if (count < 0 && errno == EINTR)
                continue;
            if (count < 0) {
                const int error = errno;
                m_size = ::ftruncate(m_descriptor, m_end) == 0 ? m_end : at;
                refuseToWrite("Cannot write", m_path, error);
            }
            rest.remove_prefix(static_cast<std::size_t>(count));
            at += count;
        }
    m_ranges[place] = {m_end + static_cast<std::int64_t>(head.size()), static_cast<std::int64_t>(bytes.size())};
    m_end = at;
    m_size = at;
}

std::optional<std::string> CellLog::read(CellPlace place)
{
    if (!open(false))
        return std::nullopt;
    const auto range = m_ranges.find(place);
    if (range == m_ranges.end())
        return std::nullopt;
    return readAt(range->second.offset, range->second.size);
}

std::map<CellPlace, std::string_view> cellsOf(std::string_view log)
{
    std::map<CellPlace, std::string_view> cells;
    while (const auto head = headIn(log)) {
        log.remove_prefix(static_cast<std::size_t>(head->headSize));
        if (head->size > static_cast<std::int64_t>(log.size()))
            break;
        cells[head->place] = log.substr(0, static_cast<std::size_t>(head->size));
        log.remove_prefix(static_cast<std::size_t>(head->size));
    }
    return cells;
}

}
