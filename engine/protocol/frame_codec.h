// Content-Length framing (the Language Server Protocol's base protocol): bytes of a pipe in, whole messages out.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace blockcert::protocol {

struct FrameLimits {
    std::size_t headerBytes = 4U << 10U;
    std::size_t bodyBytes = 64U << 20U;
};

// Takes bytes as they come, in pieces of any size. After it has thrown, the stream cannot be followed any more.
// Not thread-safe.
class FrameDecoder {
public:
    explicit FrameDecoder(FrameLimits limits = {});

    void feed(std::string_view bytes);

    // The body of the next whole message; nothing while bytes are missing. Throws FormatError for what is no
    // header, ResourceError for a header or a declared body above the limits (before the body is stored).
    [[nodiscard]] std::optional<std::string> next();

    // True between two messages: where the input may end without having lost anything.
    [[nodiscard]] bool isIdle() const { return m_buffer.size() == m_consumed && !m_bodyLength; }

private:
    [[nodiscard]] bool takeHeader();
    void discardConsumed();

    FrameLimits m_limits;
    std::string m_buffer;
    std::size_t m_consumed = 0; // bytes of m_buffer that belong to messages already given out
    std::size_t m_scanned = 0;  // bytes of m_buffer known not to start the end of the header
    std::optional<std::size_t> m_bodyLength;
};

// "Content-Length: N\r\n\r\n" and the body. Throws ResourceError above the limit.
[[nodiscard]] std::string encodeFrame(std::string_view body, FrameLimits limits = {});

}
