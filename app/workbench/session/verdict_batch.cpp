#include "app/workbench/session/verdict_batch.h"

#include "app/workbench/process/background.h"
#include "app/workbench/session/job_board.h"
#include "app/workbench/session/json_values.h"
#include "app/workbench/session/run_shelf.h"
#include "app/workbench/session/verdict_summary.h"

#include <algorithm>
#include <utility>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;
using widgets::StepState;

VerdictBatch::VerdictBatch(JobBoard& board, QObject* parent)
    : QObject(parent)
    , m_board(board)
{
}

BatchItem VerdictBatch::waiting(const QString& path, const QString& name, const QString& note)
{
    BatchItem item;
    item.path = path;
    item.name = name;
    item.note = note;
    return item;
}

void VerdictBatch::choose(const QString& folder, const std::vector<ShelvedRun>& runs)
{
    cancel();
    ++m_round;
    m_isRunning = false;
    m_folder = folder;
    m_items.clear();
    for (const ShelvedRun& run : runs)
        m_items.push_back(waiting(run.path, run.name,
                                  run.finished ? QString() : tr("SHA256SUMS is missing: unfinished, or taken away.")));
    emit changed();
}

void VerdictBatch::clear()
{
    choose({}, {});
}

void VerdictBatch::start(const VerifyRequest& request)
{
    if (m_isRunning)
        return;
    m_request = request;
    m_isRunning = true;
    for (BatchItem& item : m_items)
        item = waiting(item.path, item.name, item.note);
    emit changed();
    next();
}

void VerdictBatch::cancel()
{
    if (!m_isRunning)
        return;
    m_isRunning = false;
    for (BatchItem& item : m_items) {
        if (item.state == StepState::Waiting)
            item.state = StepState::Cancelled;
    }
    m_board.cancel(m_job);
    emit changed();
}

std::optional<CheckState> VerdictBatch::worst() const
{
    std::optional<CheckState> worst;
    const bool isAny = std::any_of(m_items.begin(), m_items.end(), [](const BatchItem& item) { return item.verdict; });
    if (!isAny)
        return worst;
    for (const BatchItem& item : m_items) {
        const CheckState state = item.verdict ? item.verdict->state : CheckState::NotChecked;
        worst = worst ? worseOf(*worst, state) : state;
    }
    return worst;
}

void VerdictBatch::next()
{
    if (!m_isRunning)
        return;
    for (std::size_t at = 0; at < m_items.size(); ++at) {
        if (m_items[at].state == StepState::Waiting) {
            verify(at);
            return;
        }
    }
    m_isRunning = false;
    emit changed();
}

void VerdictBatch::settle(std::size_t at, StepState state)
{
    m_items[at].state = state;
    emit itemChanged(static_cast<int>(at));
    next();
}

void VerdictBatch::verify(std::size_t at)
{
    const quint64 round = m_round;
    const auto isCurrent = [this, round, at] { return round == m_round && m_items[at].state == StepState::Running; };
    m_items[at].state = StepState::Running;
    JobCallbacks callbacks;
    const auto pace = std::make_shared<VerifyPace>(stageSecondsOf(nullptr, {}, m_request.level, false));
    callbacks.progressed = [this, isCurrent, at, pace](const JobProgress& progress) {
        if (!isCurrent())
            return;
        pace->take(progress);
        m_items[at].fraction = pace->fraction();
        emit itemChanged(static_cast<int>(at));
    };
    callbacks.finished = [this, isCurrent, at](const JsonResult& answer) {
        runInBackground<widgets::VerdictView>(
            this, [answer] { return verdictViewOf(*answer); },
            [this, isCurrent, at, answer](widgets::VerdictView view) {
                if (!isCurrent())
                    return;
                m_items[at].source = answer;
                m_items[at].verdict = std::make_shared<const widgets::VerdictView>(std::move(view));
                emit verified(m_items[at].path, m_items[at].verdict);
                settle(at, StepState::Done);
            },
            [this, isCurrent, at](const QString& sentence) {
                if (!isCurrent())
                    return;
                m_items[at].problem = tr("The verdict could not be shown: %1.").arg(sentence);
                settle(at, StepState::Failed);
            });
    };
    callbacks.failed = [this, isCurrent, at](const JobFault& fault) {
        if (!isCurrent())
            return;
        m_items[at].problem = fault.sentence;
        settle(at, StepState::Failed);
    };
    callbacks.cancelled = [this, isCurrent, at](bool) {
        if (isCurrent())
            settle(at, StepState::Cancelled);
    };
    VerifyRequest request = m_request;
    request.path = m_items[at].path;
    m_job = m_board.runLines(tr("Verify %1").arg(m_items[at].name), verifyArguments(request) << u"--jsonl"_s, this,
                             callbacks);
    emit itemChanged(static_cast<int>(at));
}

}
