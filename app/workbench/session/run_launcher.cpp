#include "app/workbench/session/run_launcher.h"

#include "app/workbench/process/json_reading.h"
#include "app/workbench/session/job_board.h"
#include "app/workbench/session/json_values.h"
#include "widgets/number_text.h"

#include <QFileInfo>

#include <utility>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;
using widgets::StepState;

namespace {

widgets::Thresholds thresholdsOf(const RunSettings& settings)
{
    widgets::Thresholds thresholds = settings.policy;
    if (!settings.tauRelGiven)
        thresholds.tauRel = defaultTauRel(settings.dtype);
    return thresholds;
}

// Whether an estimate for the one holds for the other: where a run goes costs nothing, and typed prompts become a file.
bool sameWork(RunSettings asked, const RunSettings& run)
{
    asked.out = run.out;
    if (asked.prompts.kind == PromptChoice::Kind::Typed && run.prompts.text == asked.prompts.text)
        asked.prompts = run.prompts;
    return asked == run;
}

}

RunLauncher::RunLauncher(JobBoard& board, QObject* parent)
    : QObject(parent)
    , m_board(board)
{
    m_estimateTimer.setSingleShot(true);
    m_estimateTimer.setInterval(250);
    connect(&m_estimateTimer, &QTimer::timeout, this, &RunLauncher::askEstimate);
}

void RunLauncher::setSettings(const RunSettings& settings)
{
    if (settings == m_settings)
        return;
    clearSettings();
    m_settings = settings;
    m_estimateTimer.start();
}

void RunLauncher::clearSettings()
{
    m_estimateTimer.stop();
    m_settings = {};
    if (m_estimate.isLoading())
        m_board.cancel(m_estimate.job);
    m_estimate.clear();
    emit estimateChanged();
}

void RunLauncher::askEstimate()
{
    if (m_settings.model.isEmpty() || m_settings.blocks.isEmpty() || m_state == State::Running)
        return;
    auto job = std::make_shared<JobId>(0);
    const auto isCurrent = [this, job] { return m_estimate.job == *job && m_estimate.isLoading(); };
    JobCallbacks callbacks;
    callbacks.finished = [this, isCurrent](const JsonResult& answer) {
        if (!isCurrent())
            return;
        m_estimate.fill({wholeOf(*answer, "cells"), wholeOf(*answer, "tokens"), sizeOf(*answer, "memory_bytes"),
                         sizeOf(*answer, "disk_bytes"), numberOf(*answer, "flops")});
        emit estimateChanged();
    };
    callbacks.failed = [this, isCurrent](const JobFault& fault) {
        if (!isCurrent())
            return;
        m_estimate.fail(fault);
        emit estimateChanged();
    };
    callbacks.cancelled = [this, isCurrent](bool) {
        if (!isCurrent())
            return;
        m_estimate.clear();
        emit estimateChanged();
    };
    *job = m_board.askEngine(tr("Estimate"), u"estimate"_s, certifyParameters(m_settings, false), this, callbacks);
    m_estimate.begin(*job);
    emit estimateChanged();
}

void RunLauncher::run(const RunSettings& settings, const QString& model,
                      const std::shared_ptr<const widgets::PromptList>& prompts, const std::vector<int>& blocks)
{
    if (m_state == State::Running)
        return;
    m_running = settings;
    m_live = std::make_unique<LiveRun>(widgets::shownName(QFileInfo(settings.out).completeBaseName()), prompts, blocks,
                                       thresholdsOf(settings), model);
    m_flopsOfRun = m_estimate.value && sameWork(m_settings, settings) ? m_estimate.value->flops : widgets::missing;
    begin(false);
}

void RunLauncher::resume(const RunView& run)
{
    if (m_state == State::Running || !run.settings)
        return;
    const bool isSame = run.settings->out == m_running.out && m_live;
    m_running = *run.settings;
    auto prompts = std::make_shared<widgets::PromptList>();
    for (const widgets::MapPrompt& prompt : run.map->prompts)
        prompts->prompts.push_back({prompt.id, prompt.rendered, prompt.tokens, 0, {}, {}, {}, {}});
    m_live = std::make_unique<LiveRun>(run.name, prompts, run.map->blocks, run.map->thresholds, run.model);
    m_live->adopt(*run.map, *run.blocks);
    if (!isSame)
        m_flopsOfRun = m_estimate.value && sameWork(m_settings, m_running) ? m_estimate.value->flops : widgets::missing;
    begin(true);
}

void RunLauncher::begin(bool resume)
{
    m_survived.clear();
    m_hasWritten = resume;
    start(resume);
    emit started();
}

void RunLauncher::resumeLast()
{
    if (m_state == State::Running || !m_live || !m_isResumable)
        return;
    m_live->beginAgain();
    begin(true);
}

void RunLauncher::start(bool resume)
{
    m_state = State::Running;
    m_fault = {};
    m_isResumable = false;
    m_isPausing = false;
    m_isResume = resume;

    auto job = std::make_shared<JobId>(0);
    const auto isCurrent = [this, job] { return m_job == *job && m_state == State::Running; };
    JobCallbacks callbacks;
    callbacks.progressed = [this, isCurrent](const JobProgress& progress) {
        if (!isCurrent())
            return;
        m_hasWritten = m_hasWritten || progress.stage == "replay"_L1 || progress.stage == "loss"_L1;
        const std::optional<LiveRun::Cell> cell = m_live->apply(progress);
        if (cell)
            emit cellFinished(cell->block, cell->prompt, cell->values);
        emit progressed();
    };
    callbacks.finished = [this, isCurrent](const JsonResult&) {
        if (isCurrent())
            finish(State::Finished, {}, false);
    };
    callbacks.failed = [this, isCurrent](const JobFault& fault) {
        if (isCurrent())
            engineFailed(fault);
    };
    callbacks.cancelled = [this, isCurrent](bool resumable) {
        if (isCurrent())
            finish(State::Cancelled, {}, resumable || m_isResume); // also if it was stopped before it was asked
    };
    *job = m_board.askEngine(
        tr("Certify %1").arg(m_running.blocks == "all"_L1 ? tr("all blocks") : tr("blocks %1").arg(m_running.blocks)),
        u"certify"_s, certifyParameters(m_running, resume), this, callbacks);
    m_job = *job;
}

void RunLauncher::cancel()
{
    if (m_state == State::Running)
        m_board.cancel(m_job);
}

void RunLauncher::pause()
{
    if (m_state != State::Running)
        return;
    m_isPausing = true;
    m_board.pause(m_job);
}

bool RunLauncher::hasFolder() const
{
    return m_hasWritten || QFileInfo::exists(m_running.out + u"/run.json"_s);
}

// An engine that died is started again by its client, and the run goes on from its finished cells: once.
void RunLauncher::engineFailed(const JobFault& fault)
{
    if (fault.origin != JobFault::Origin::ProgramEnded || !m_survived.isEmpty() || m_isPausing) {
        const bool isDeath = fault.origin == JobFault::Origin::ProgramEnded;
        if (!isDeath)
            m_live->blame(fault.sentence);
        finish(State::Failed, fault, isDeath || m_isResume ? hasFolder() : fault.resumable);
        return;
    }
    m_survived = fault.sentence;
    m_live->beginAgain();
    start(hasFolder());
    emit progressed();
}

std::optional<ExpectedTime> RunLauncher::expectedTime() const
{
    if (!m_estimate.value || widgets::isMissing(m_estimate.value->flops))
        return std::nullopt;
    return m_paces.expected(m_settings.model, m_settings.dtype, m_estimate.value->flops);
}

// From a run that was stopped, died or went on as well: the part of its work that this engine did. What a resumed run
// takes as a whole was perhaps never asked.
void RunLauncher::learnPace()
{
    using Asked = LiveRun::Asked;
    const LiveRun::Pace pace = m_live->pace(m_isResume                                           ? Asked::Rest
                                            : m_state == State::Finished && m_survived.isEmpty() ? Asked::Whole
                                                                                                 : Asked::Part);
    if (pace.share <= 0 || pace.seconds <= 0)
        return;
    const RunSettings run = m_running;
    const auto note = [this, run, pace](double flops) {
        m_paces.learn({run.model, run.dtype, pace.share * flops, pace.seconds, pace.secondsBefore});
        emit paceLearned();
    };
    if (!widgets::isMissing(m_flopsOfRun)) {
        note(m_flopsOfRun);
        return;
    }
    JobCallbacks callbacks;
    callbacks.finished = [note](const JsonResult& answer) {
        note(numberOf(*answer, "flops")); // what is missing teaches nothing
    };
    m_board.askEngine(tr("Estimate"), u"estimate"_s, certifyParameters(run, false), this, callbacks);
}

void RunLauncher::finish(State state, const JobFault& fault, bool resumable)
{
    m_state = state;
    m_fault = fault;
    m_isResumable = resumable;
    learnPace();
    m_live->end(state == State::Finished    ? StepState::Done
                : state == State::Cancelled ? StepState::Cancelled
                                            : StepState::Failed);
    if (!m_estimate.value)
        m_estimateTimer.start(); // it could not be asked while the engine was busy
    emit progressed();
    emit ended();
}

}
