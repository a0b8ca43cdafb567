// Brings a finished run from the engine's machine to this one, file by file, whole or not at all.
#pragma once

#include "app/workbench/process/job.h"

#include <QElapsedTimer>
#include <QObject>
#include <QString>

#include <memory>
#include <optional>
#include <vector>

namespace blockcert::workbench {

class JobBoard;

struct FetchLimits {
    qint64 bytes = qint64{64} << 30;
    int files = 20'000;
    qint64 chunkBytes = qint64{512} << 10; // asked for at once; the engine gives no more
};

// GUI thread; bytes are written and hashed in the thread pool. Every byte is checked twice: each file against the
// digest that the engine's list names, and SHA256SUMS against the digest of the run. What does not agree is thrown
// away. The folder appears under its name when all of it is there.
class RunFetch : public QObject {
    Q_OBJECT

public:
    explicit RunFetch(JobBoard& board, FetchLimits limits = {}, QObject* parent = nullptr);
    ~RunFetch() override;

    // `folder` must not exist. One fetch at a time: a second one is refused with failed().
    void start(const QString& remoteRun, const QString& folder);
    void cancel();

    [[nodiscard]] bool isRunning() const { return m_work != nullptr; }

    [[nodiscard]] QString remoteRun() const { return m_remote; }

signals:
    void finished(const QString& folder);
    void failed(const QString& sentence);
    void cancelled();

private:
    struct Work;

    void list(const Json& answer);
    void askNext();
    void take(const Json& answer);
    void publish();
    void fail(const QString& sentence);
    void report();
    static void discard(const std::shared_ptr<Work>& work);

    // Whether an answer still belongs to the fetch that goes on.
    [[nodiscard]] bool isCurrent(const std::shared_ptr<Work>& work) const { return work && work == m_work; }

    JobBoard& m_board;
    FetchLimits m_limits;
    QString m_remote;
    std::shared_ptr<Work> m_work; // null: nothing goes on
};

}
