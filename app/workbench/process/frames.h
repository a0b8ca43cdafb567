// Cuts a byte stream into the frames of docs/protocol.md ("Content-Length: N", an empty line, N bytes).
#pragma once

#include <QByteArray>

#include <optional>

namespace blockcert::workbench {

struct FrameLimits {
    qsizetype header = 4096;
    qsizetype body = qsizetype{64} << 20;
};

[[nodiscard]] QByteArray frame(const QByteArray& body);

// Not thread-safe. After an exception the stream is lost: nothing tells where the next frame begins.
class FrameReader {
public:
    explicit FrameReader(FrameLimits limits = {})
        : m_limits(limits)
    {
    }

    void append(const QByteArray& bytes);
    // The next whole body, or nothing yet. Throws FormatError for a header that is none, or a limit that is broken.
    [[nodiscard]] std::optional<QByteArray> next();

private:
    void readHeader();

    FrameLimits m_limits;
    QByteArray m_bytes;
    qsizetype m_begin = 0; // first byte not yet handed out
    std::optional<qsizetype> m_length;
};

}
