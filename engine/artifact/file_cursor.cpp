#include "engine/artifact/file_cursor.h"

#include "engine/base/error.h"

#include <algorithm>

namespace blockcert::artifact {

namespace {

constexpr std::uint64_t bufferBytes = 256U << 10U;

}

FileCursor::FileCursor(const InputFile& file, std::uint64_t limit)
    : m_file(file)
    , m_limit(limit)
{
}

void FileCursor::read(std::span<std::byte> target, const char* what)
{
    if (target.size() > remaining())
        refuse(m_offset, std::string("the file ends within ") + what);
    if (target.size() > m_limit - m_offset)
        throw ResourceError(m_file.path().string() + ": the header is longer than " + std::to_string(m_limit) +
                            " bytes, which is the limit.");
    while (!target.empty()) {
        if (m_offset == m_bufferBegin + m_buffer.size())
            fill();
        const std::size_t at = m_offset - m_bufferBegin;
        const std::size_t count = std::min(target.size(), m_buffer.size() - at);
        std::copy_n(m_buffer.begin() + static_cast<std::ptrdiff_t>(at), count, target.begin());
        target = target.subspan(count);
        m_offset += count;
    }
}

void FileCursor::fill()
{
    m_bufferBegin = m_offset;
    m_buffer.resize(std::min(bufferBytes, remaining()));
    m_file.readAt(m_bufferBegin, m_buffer);
}

std::string FileCursor::text(std::uint64_t limit, const char* what)
{
    const std::uint64_t begin = m_offset;
    const auto length = unsignedInteger<std::uint64_t>(what);
    if (length > remaining())
        refuse(begin, std::string("the length of ") + what + " is " + std::to_string(length) + ", but only " +
                          std::to_string(remaining()) + " bytes follow");
    if (length > limit)
        refuse(begin, std::string("the length of ") + what + " is " + std::to_string(length) + "; the limit is " +
                          std::to_string(limit) + " bytes");
    std::string value(length, '\0');
    read(std::as_writable_bytes(std::span(value)), what);
    return value;
}

void FileCursor::requireRoom(std::uint64_t count, std::uint64_t bytesEach, const char* what) const
{
    if (count > remaining() / bytesEach)
        refuse(m_offset, std::string("the number of ") + what + " is " + std::to_string(count) + ", but only " +
                             std::to_string(remaining()) + " bytes follow");
}

void FileCursor::refuse(std::uint64_t offset, const std::string& what) const
{
    throw FormatError(m_file.path().string() + ": " + what + " (byte " + std::to_string(offset) + ").");
}

}
