#include "app/workbench/process/message_decoder.h"

#include "engine/base/error.h"

#include <string_view>

namespace blockcert::workbench {

void MessageDecoder::begin(quint64 generation)
{
    m_reader = FrameReader();
    m_generation = generation;
    m_isBroken = false;
}

void MessageDecoder::feed(const QByteArray& bytes, quint64 generation)
{
    pendingBytes -= bytes.size();
    if (generation != m_generation || m_isBroken)
        return;
    try {
        m_reader.append(bytes);
        while (const std::optional<QByteArray> body = m_reader.next()) {
            const std::string_view text(body->constData(), static_cast<std::size_t>(body->size()));
            emit decoded(std::make_shared<const Json>(parseStrictJson(text, "a message of the engine")), generation);
        }
    } catch (const Error& error) {
        m_isBroken = true;
        emit broken(QString::fromUtf8(error.what()), generation);
    }
}

void MessageDecoder::finish(quint64 generation)
{
    emit drained(generation);
}

}
