#include "engine/protocol/frame_codec.h"

#include "engine/base/error.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <system_error>
#include <utility>

namespace blockcert::protocol {

namespace {

constexpr std::string_view headerEnd = "\r\n\r\n";

bool equalsIgnoringCase(std::string_view a, std::string_view b)
{
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

std::string_view trim(std::string_view text)
{
    const std::size_t first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos)
        return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::size_t parseLength(std::string_view text)
{
    std::size_t length = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
    if (text.empty() || error != std::errc() || end != text.data() + text.size())
        throw FormatError("A message header has a Content-Length that is no number of bytes.");
    return length;
}

// The value of Content-Length; other header lines are read over.
std::size_t contentLength(std::string_view header)
{
    std::optional<std::size_t> length;
    while (!header.empty()) {
        const std::size_t end = std::min(header.find("\r\n"), header.size());
        const std::string_view line = header.substr(0, end);
        header.remove_prefix(std::min(end + 2, header.size()));
        const std::size_t colon = line.find(':');
        if (colon == std::string_view::npos)
            throw FormatError("A message header has a line without a colon; each message starts with "
                              "\"Content-Length: N\", an empty line and N bytes of JSON.");
        if (!equalsIgnoringCase(trim(line.substr(0, colon)), "Content-Length"))
            continue;
        if (length)
            throw FormatError("A message header has two Content-Length lines.");
        length = parseLength(trim(line.substr(colon + 1)));
    }
    if (!length)
        throw FormatError("A message header has no Content-Length line.");
    return *length;
}

}

FrameDecoder::FrameDecoder(FrameLimits limits)
    : m_limits(limits)
{
}

void FrameDecoder::feed(std::string_view bytes)
{
    discardConsumed();
    m_buffer += bytes;
}

std::optional<std::string> FrameDecoder::next()
{
    if (!m_bodyLength && !takeHeader())
        return std::nullopt;
    if (m_buffer.size() - m_consumed < *m_bodyLength)
        return std::nullopt;
    std::string body = m_buffer.substr(m_consumed, *m_bodyLength);
    m_consumed += *m_bodyLength;
    m_scanned = m_consumed;
    m_bodyLength.reset();
    return body;
}

bool FrameDecoder::takeHeader()
{
    const std::size_t end = m_buffer.find(headerEnd, m_scanned);
    const std::size_t size = std::min(end, m_buffer.size()) - m_consumed;
    if (size > m_limits.headerBytes)
        throw ResourceError("A message header has more than " + std::to_string(m_limits.headerBytes) + " bytes.");
    if (end == std::string::npos) {
        m_scanned = std::max(m_consumed, m_buffer.size() - std::min(m_buffer.size(), headerEnd.size() - 1));
        return false;
    }
    const std::size_t length = contentLength(std::string_view(m_buffer).substr(m_consumed, size));
    if (length > m_limits.bodyBytes)
        throw ResourceError("A message of " + std::to_string(length) + " bytes is longer than the limit of " +
                            std::to_string(m_limits.bodyBytes) + ".");
    m_bodyLength = length;
    m_consumed = end + headerEnd.size();
    m_scanned = m_consumed;
    return true;
}

void FrameDecoder::discardConsumed()
{
    m_buffer.erase(0, m_consumed);
    m_scanned -= m_consumed;
    m_consumed = 0;
}

std::string encodeFrame(std::string_view body, FrameLimits limits)
{
    if (body.size() > limits.bodyBytes)
        throw ResourceError("A message of " + std::to_string(body.size()) + " bytes is longer than the limit of " +
                            std::to_string(limits.bodyBytes) + "; ask for fewer prompts at a time.");
    std::string frame = "Content-Length: " + std::to_string(body.size());
    frame += headerEnd;
    frame += body;
    return frame;
}

}
