#include "app/workbench/session/run_document.h"

#include "app/workbench/process/background.h"
#include "app/workbench/session/job_board.h"
#include "app/workbench/session/json_values.h"

#include <utility>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;

RunDocument::RunDocument(JobBoard& board, QObject* parent)
    : QObject(parent)
    , m_board(board)
{
}

void RunDocument::replace(const QString& path)
{
    const std::shared_ptr<const RunView> shown = m_run.value ? m_run.value : m_replaced;
    const QString shownPath = m_run.value ? m_path : m_replacedPath;
    open(path);
    if (!shown || path == shownPath)
        return;
    m_replaced = shown;
    m_replacedPath = shownPath;
}

void RunDocument::open(const QString& path)
{
    m_replaced.reset();
    m_replacedPath.clear();
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
    m_replaced.reset();
    m_replacedPath.clear();
    m_path.clear();
    m_run.clear();
    emit changed();
}

void RunDocument::fail(const JobFault& fault)
{
    if (!m_replaced) {
        m_run.fail(fault);
        emit changed();
        return;
    }
    const QString path = std::exchange(m_path, std::exchange(m_replacedPath, {}));
    m_run.clear();
    m_run.value = std::exchange(m_replaced, nullptr);
    m_run.state = Loadable<RunView>::State::Ready;
    emit changed();
    emit refused(path, fault);
}

void RunDocument::reload()
{
    auto job = std::make_shared<JobId>(0);
    const auto isCurrent = [this, job] { return m_run.job == *job && m_run.isLoading(); };
    const auto failed = [this, isCurrent](const JobFault& fault) {
        if (isCurrent())
            fail(fault);
    };
    JobCallbacks callbacks;
    callbacks.finished = [this, isCurrent, failed](const JsonResult& answer) {
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
                m_replaced.reset();
                m_replacedPath.clear();
                m_run.fill(std::move(view));
                emit changed();
            },
            [failed](const QString& sentence) {
                failed({JobFault::Origin::Protocol, tr("The run could not be shown: %1.").arg(sentence), {}, 0, false});
            });
    };
    callbacks.failed = failed;
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
