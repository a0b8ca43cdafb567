// What is known of the runs on the shelf without opening one: a glance at each by `blockcert show`, one at a time.
#pragma once

#include "app/workbench/process/job.h"
#include "app/workbench/session/run_facts.h"
#include "app/workbench/session/run_shelf.h"

#include <QObject>
#include <QString>

#include <deque>
#include <map>
#include <vector>

namespace blockcert::workbench {

class JobBoard;

// GUI thread. Keeps what it learnt of a run until the folder changes.
class RunCatalogue : public QObject {
    Q_OBJECT

public:
    explicit RunCatalogue(JobBoard& board, QObject* parent = nullptr);

    // Runs that are being measured are not looked at.
    void setRuns(const std::vector<ShelvedRun>& runs);
    // A run that is not on the shelf.
    void lookAt(const QString& path);
    // What was learnt by reading the run as a whole.
    void learn(const QString& path, RunFacts facts);
    // Null while it has not been looked at.
    [[nodiscard]] const RunFacts* of(const QString& path) const;

signals:
    void changed(const QString& path);

private:
    struct Known {
        QDateTime changed;
        RunFacts facts;
    };

    void next();
    void looked(RunFacts facts); // at m_looking

    JobBoard& m_board;
    std::map<QString, Known> m_known;
    std::map<QString, QDateTime> m_times; // of the runs on the shelf
    std::deque<QString> m_waiting;
    QString m_looking; // at which run, or empty
};

}
