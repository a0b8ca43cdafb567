#include "app/workbench/session/run_document.h"

#include "app/workbench/process/background.h"
#include "app/workbench/session/job_board.h"
#include "app/workbench/session/json_values.h"

namespace blockcert::workbench {

using namespace Qt::StringLiterals;

RunDocument::RunDocument(JobBoard& board, QObject* parent)
    : QObject(parent)
    , m_board(board)
{
}

void RunDocument::open(const QString& path)
{
    if (m_run.isLoading())
        m_board.cancel(m_run.job);
    if (path != m_path)
        m_run.clear();
    m_path = path;
    reload();
}

void RunDocument::close()
{
    if (m_run.isLoading())
        m_board.cancel(m_run.job);
    m_path.clear();
    m_run.clear();
    emit changed();
}

void RunDocument::reload()
{
    auto job = std::make_shared<JobId>(0);
    const auto isCurrent = [this, job] { return m_run.job == *job && m_run.isLoading(); };
    const auto fail = [this, isCurrent](const JobFault& fault) {
        if (!isCurrent())
            return;
        m_run.fail(fault);
        emit changed();
    };
    JobCallbacks callbacks;
    callbacks.finished = [this, isCurrent, fail](const JsonResult& answer) {
        if (!isCurrent())
            return;
        runInBackground<RunView>(
            this,
            [answer, path = m_path] {
                RunView view = runViewOf(*answer);
                view.facts = runFactsOf(*answer);
                view.path = path; // what the user opened, however the program spells it
                if (view.settings)
                    view.settings->out = path;
                return view;
            },
            [this, isCurrent](RunView view) {
                if (!isCurrent())
                    return;
                m_run.fill(std::move(view));
                emit changed();
            },
            [fail](const QString& sentence) {
                fail({JobFault::Origin::Protocol, tr("The run could not be shown: %1.").arg(sentence), {}, 0, false});
            });
    };
    callbacks.failed = fail;
    callbacks.cancelled = [this, isCurrent](bool) {
        if (!isCurrent())
            return;
        m_run.clear();
        emit changed();
    };
    *job = m_board.runTool(tr("Read run"), {u"show"_s, m_path, u"--json"_s, u"--tokens"_s}, this, callbacks);
    m_run.begin(*job);
    emit changed();
}

}
