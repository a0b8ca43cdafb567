// The verification under way or done, by `blockcert verify` in a child process.
#pragma once

#include "app/workbench/session/loadable.h"
#include "widgets/values.h"

#include <QObject>

#include <memory>

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

    [[nodiscard]] const JobProgress& progress() const { return m_progress; }

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
    JsonResult m_source;
    bool m_wasCancelled = false;
};

}
