#include "app/workbench/process/message_decoder.h"

#include "engine/base/error.h"

#include <string>

namespace blockcert::workbench {
namespace {

QString shown(const QByteArray& bytes)
{
    QString text = QString::fromLatin1(bytes.left(48)).simplified();
    for (QChar& c : text) {
        if (!c.isPrint())
            c = QLatin1Char('.');
    }
    return text;
}

}

void MessageDecoder::begin(quint64 generation)
{
    m_frames = protocol::FrameDecoder();
    m_generation = generation;
    m_isBroken = false;
}

void MessageDecoder::feed(const QByteArray& bytes, quint64 generation)
{
    pendingBytes -= bytes.size();
    if (generation != m_generation || m_isBroken)
        return;
    try {
        m_frames.feed({bytes.constData(), static_cast<std::size_t>(bytes.size())});
        while (const std::optional<std::string> body = m_frames.next())
            emit decoded(std::make_shared<const Json>(parseStrictJson(*body, "a message of the engine")), generation);
    } catch (const Error& error) {
        m_isBroken = true;
        emit broken(tr("it sent “%1”, which is no message (%2)").arg(shown(bytes), QString::fromUtf8(error.what())),
                    generation);
    }
}

void MessageDecoder::finish(quint64 generation)
{
    emit drained(generation);
}

}
