// The verification under way or done, by `blockcert verify` in a child process.
#pragma once

#include "app/workbench/session/loadable.h"
#include "app/workbench/session/verify_pace.h"
#include "widgets/values.h"

#include <QObject>

#include <memory>
#include <optional>

namespace blockcert::workbench {

class JobBoard;

struct VerifyRequest {
    QString path; // a run directory, or one block's certificate.json
    int level = 3;
    QString model;  // empty: where run.json points
    QString policy; // a file; empty: the certificate's own

    friend bool operator==(const VerifyRequest&, const VerifyRequest&) = default;
};

[[nodiscard]] QStringList verifyArguments(const VerifyRequest& request);

// GUI thread.
class VerdictDocument : public QObject {
    Q_OBJECT

public:
    explicit VerdictDocument(JobBoard& board, QObject* parent = nullptr);

    // Chooses what is to be checked; forgets a verdict about something else.
    void choose(const QString& path);
    void verify(const VerifyRequest& request);
    void cancel();
    // A verdict that was made elsewhere, such as in a batch.
    void adopt(const VerifyRequest& request, const widgets::VerdictView& verdict, const JsonResult& source);

    [[nodiscard]] const VerifyRequest& request() const { return m_request; }

    [[nodiscard]] const Loadable<widgets::VerdictView>& verdict() const { return m_verdict; }

    [[nodiscard]] const JobProgress& progress() const { return m_progress; } // of the stage under way

    [[nodiscard]] const VerifyPace& pace() const { return m_pace; } // of all stages

    // What is known of the run that lies there, and of this machine, for the pace of the next check.
    void setCost(const QString& run, const std::optional<RunFacts>& facts, const VerifySpeeds& speeds);

    // The verdict as blockcert wrote it, for saving; null without one.
    [[nodiscard]] const JsonResult& source() const { return m_source; }

    [[nodiscard]] bool wasCancelled() const { return m_wasCancelled; }

signals:
    void changed();
    void verified(); // a check has just come to its verdict; before changed()
    void progressed();

private:
    JobBoard& m_board;
    VerifyRequest m_request;
    Loadable<widgets::VerdictView> m_verdict;
    JobProgress m_progress;
    VerifyPace m_pace;
    QString m_costOf;
    std::optional<RunFacts> m_facts;
    VerifySpeeds m_speeds;
    JsonResult m_source;
    bool m_wasCancelled = false;
};

}
