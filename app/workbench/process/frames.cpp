#include "app/workbench/process/frames.h"

#include "engine/base/error.h"

#include <QList>

#include <string>

namespace blockcert::workbench {
namespace {

std::string shown(const QByteArray& bytes)
{
    QByteArray text = bytes.left(40);
    for (char& c : text) {
        if (c < ' ' || c > '~')
            c = '.';
    }
    return text.toStdString();
}

}

QByteArray frame(const QByteArray& body)
{
    return "Content-Length: " + QByteArray::number(body.size()) + "\r\n\r\n" + body;
}

void FrameReader::append(const QByteArray& bytes)
{
    if (m_begin > 0) {
        m_bytes.remove(0, m_begin);
        m_begin = 0;
    }
    m_bytes.append(bytes);
}

void FrameReader::readHeader()
{
    const qsizetype end = m_bytes.indexOf("\r\n\r\n", m_begin);
    if (end < 0) {
        if (m_bytes.size() - m_begin > m_limits.header)
            throw FormatError("a message of the engine has no header within " + std::to_string(m_limits.header) +
                              " bytes; it begins with '" + shown(m_bytes.mid(m_begin)) + "'");
        return;
    }
    const QByteArray header = m_bytes.mid(m_begin, end - m_begin);
    if (header.size() > m_limits.header)
        throw FormatError("a message header of the engine has " + std::to_string(header.size()) + " bytes; at most " +
                          std::to_string(m_limits.header) + " are accepted");
    std::optional<qsizetype> length;
    for (const QByteArray& line : header.split('\n')) {
        const qsizetype colon = line.indexOf(':');
        if (colon <= 0)
            throw FormatError("the engine sent '" + shown(header) + "' where a message header belongs");
        if (line.left(colon).trimmed().toLower() != "content-length")
            continue;
        bool isNumber = false;
        const qlonglong value = line.mid(colon + 1).trimmed().toLongLong(&isNumber);
        if (!isNumber || value < 0 || length)
            throw FormatError("the engine sent '" + shown(line) + "' as the length of a message");
        length = value;
    }
    if (!length)
        throw FormatError("the engine sent a message header without Content-Length: '" + shown(header) + "'");
    if (*length > m_limits.body)
        throw FormatError("the engine announced a message of " + std::to_string(*length) + " bytes; at most " +
                          std::to_string(m_limits.body) + " are accepted");
    m_length = length;
    m_begin = end + 4;
}

std::optional<QByteArray> FrameReader::next()
{
    if (!m_length)
        readHeader();
    if (!m_length || m_bytes.size() - m_begin < *m_length)
        return std::nullopt;
    QByteArray body = m_bytes.mid(m_begin, *m_length);
    m_begin += *m_length;
    m_length.reset();
    return body;
}

}
