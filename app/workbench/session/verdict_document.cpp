#include "app/workbench/session/verdict_document.h"

#include "app/workbench/process/background.h"
#include "app/workbench/session/job_board.h"
#include "app/workbench/session/json_values.h"
#include "app/workbench/session/verdict_book.h"

#include <QDir>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;

QStringList verifyArguments(const VerifyRequest& request)
{
    QStringList arguments{u"verify"_s, request.path, u"--level"_s, QString::number(request.level)};
    if (!request.model.isEmpty())
        arguments << u"--model"_s << request.model;
    if (!request.policy.isEmpty())
        arguments << u"--policy"_s << request.policy;
    return arguments;
}

VerdictDocument::VerdictDocument(JobBoard& board, QObject* parent)
    : QObject(parent)
    , m_board(board)
{
}

void VerdictDocument::choose(const QString& path)
{
    if (path == m_request.path)
        return;
    cancel();
    m_request.path = path;
    m_request.model.clear(); // the policy stays: it is the reader's, not the run's
    m_verdict.clear();
    m_source.reset();
    m_wasCancelled = false;
    emit changed();
}

void VerdictDocument::verify(const VerifyRequest& request)
{
    cancel();
    m_request = request;
    m_verdict.clear();
    m_source.reset();
    m_progress = {};
    const QString run = runOf(request.path);
    m_pace = VerifyPace(stageSecondsOf(m_facts && m_costOf == run ? &*m_facts : nullptr, m_speeds, request.level,
                                       run != QDir::cleanPath(request.path)));
    m_wasCancelled = false;
    auto job = std::make_shared<JobId>(0);
    const auto isCurrent = [this, job] { return m_verdict.job == *job && m_verdict.isLoading(); };
    const auto fail = [this, isCurrent](const JobFault& fault) {
        if (!isCurrent())
            return;
        m_verdict.fail(fault);
        emit changed();
    };
    JobCallbacks callbacks;
    callbacks.progressed = [this, isCurrent](const JobProgress& progress) {
        if (!isCurrent())
            return;
        m_progress = progress;
        m_pace.take(progress);
        emit progressed();
    };
    callbacks.finished = [this, isCurrent, fail](const JsonResult& answer) {
        if (!isCurrent())
            return;
        m_source = answer;
        runInBackground<widgets::VerdictView>(
            this, [answer] { return verdictViewOf(*answer); },
            [this, isCurrent](widgets::VerdictView view) {
                if (!isCurrent())
                    return;
                m_verdict.fill(std::move(view));
                emit verified();
                emit changed();
            },
            [fail](const QString& sentence) {
                fail({JobFault::Origin::Protocol,
                      tr("The verdict could not be shown: %1.").arg(sentence),
                      {},
                      0,
                      false});
            });
    };
    callbacks.failed = fail;
    callbacks.cancelled = [this, isCurrent](bool) {
        if (!isCurrent())
            return;
        m_verdict.clear();
        m_wasCancelled = true;
        emit changed();
    };
    *job = m_board.runLines(tr("Verify"), verifyArguments(request) << u"--jsonl"_s, this, callbacks);
    m_verdict.begin(*job);
    emit changed();
}

void VerdictDocument::adopt(const VerifyRequest& request, const widgets::VerdictView& verdict, const JsonResult& source)
{
    cancel();
    m_request = request;
    m_source = source;
    m_wasCancelled = false;
    m_verdict.fill(verdict);
    emit changed();
}

void VerdictDocument::setCost(const QString& run, const std::optional<RunFacts>& facts, const VerifySpeeds& speeds)
{
    m_costOf = run;
    m_facts = facts;
    m_speeds = speeds;
}

void VerdictDocument::cancel()
{
    if (m_verdict.isLoading())
        m_board.cancel(m_verdict.job);
}

}
