// A folder of runs, verified one after the other.
#pragma once

#include "app/workbench/session/verdict_document.h"
#include "widgets/values.h"

#include <QObject>
#include <QString>

#include <memory>
#include <optional>
#include <vector>

namespace blockcert::workbench {

class JobBoard;
struct ShelvedRun;

struct BatchItem {
    QString path;
    QString name;
    QString note; // what its folder lacks at first sight; the verdict says what that means
    widgets::StepState state = widgets::StepState::Waiting;
    std::shared_ptr<const widgets::VerdictView> verdict; // of the state Done
    JsonResult source;                                   // the verdict as blockcert wrote it
    QString problem;                                     // of the state Failed: why there is no verdict
    double fraction = 0;                                 // of the state Running
};

// GUI thread. A run that cannot be checked is an answer as well, and the next one's turn comes.
class VerdictBatch : public QObject {
    Q_OBJECT

public:
    explicit VerdictBatch(JobBoard& board, QObject* parent = nullptr);

    // The runs to verify; forgets those before.
    void choose(const QString& folder, const std::vector<ShelvedRun>& runs);
    // `request` says how; its path is not looked at.
    void start(const VerifyRequest& request);
    void cancel(); // after the run under way nothing is started, and that one is stopped
    void clear();

    [[nodiscard]] const QString& folder() const { return m_folder; }

    [[nodiscard]] const std::vector<BatchItem>& items() const { return m_items; }

    [[nodiscard]] const VerifyRequest& request() const { return m_request; }

    [[nodiscard]] bool isRunning() const { return m_isRunning; }

    // The state to be shown for all of them; nothing without a verdict. A run without one counts as not checked.
    [[nodiscard]] std::optional<CheckState> worst() const;

signals:
    void changed();           // other runs, started, ended
    void itemChanged(int at); // one run's state, progress or verdict
    void verified(const QString& path, const std::shared_ptr<const blockcert::widgets::VerdictView>& verdict);

private:
    [[nodiscard]] static BatchItem waiting(const QString& path, const QString& name, const QString& note);
    void next();
    void verify(std::size_t at);
    void settle(std::size_t at, widgets::StepState state);

    JobBoard& m_board;
    QString m_folder;
    std::vector<BatchItem> m_items;
    VerifyRequest m_request;
    bool m_isRunning = false;
    quint64 m_round = 0; // answers of an earlier choice are not for this one
    JobId m_job = 0;
};

}
