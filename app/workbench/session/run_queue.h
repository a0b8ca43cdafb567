// Runs that wait for the one that goes on.
#pragma once

#include "app/workbench/session/run_settings.h"
#include "widgets/values.h"

#include <QObject>
#include <QString>
#include <QStringList>

#include <memory>
#include <vector>

namespace blockcert::workbench {

// Everything that starting a run takes.
struct QueuedRun {
    RunSettings settings;
    QString model; // its name for people
    std::shared_ptr<const widgets::PromptList> prompts;
    std::vector<int> blocks;
};

// GUI thread; forgotten when the window closes, for nothing of it has been computed.
class RunQueue : public QObject {
    Q_OBJECT

public:
    using QObject::QObject;

    void add(QueuedRun run);
    void remove(int at);
    void moveUp(int at);
    [[nodiscard]] QueuedRun takeNext(); // only where it is not empty

    [[nodiscard]] const std::vector<QueuedRun>& runs() const { return m_runs; }

    // The folders that are spoken for.
    [[nodiscard]] QStringList folders() const;

signals:
    void changed();

private:
    std::vector<QueuedRun> m_runs;
};

}
