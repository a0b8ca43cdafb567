// Turns the engine's bytes into JSON values outside the GUI thread, in order.
#pragma once

#include "app/workbench/process/job.h"
#include "engine/protocol/frame_codec.h"

#include <QObject>

#include <atomic>

namespace blockcert::workbench {

// Lives in a worker thread; talk to it through queued calls only. `generation` counts the engine's starts, so that
// what a dead engine said cannot be taken for an answer of its successor.
class MessageDecoder : public QObject {
    Q_OBJECT

public:
    // Bytes handed over and not yet decoded, for the flood limit. Any thread.
    std::atomic<qsizetype> pendingBytes = 0;

public slots:
    void begin(quint64 generation);
    void feed(const QByteArray& bytes, quint64 generation);
    void finish(quint64 generation);

signals:
    void decoded(const blockcert::workbench::JsonResult& message, quint64 generation);
    void broken(const QString& sentence, quint64 generation);
    void drained(quint64 generation); // after the last message of this generation

private:
    protocol::FrameDecoder m_frames;
    quint64 m_generation = 0;
    bool m_isBroken = false;
};

}
