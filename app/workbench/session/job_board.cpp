#include "app/workbench/session/job_board.h"

#include "app/workbench/process/background.h"
#include "app/workbench/process/engine_client.h"
#include "app/workbench/process/json_reading.h"
#include "app/workbench/process/tool_runner.h"

#include <QTime>

#include <algorithm>
#include <utility>

namespace blockcert::workbench {
namespace {

using namespace Qt::StringLiterals;
using widgets::StepState;

constexpr std::size_t keptEntries = 200;
constexpr int keptProblems = 100;

JsonResult parse(const QByteArray& text)
{
    JsonLimits limits;
    limits.bytes = std::size_t{512} << 20;
    limits.stringBytes = std::size_t{64} << 20;
    return std::make_shared<const Json>(
        parseStrictJson({text.constData(), static_cast<std::size_t>(text.size())}, "the answer of blockcert", limits));
}

// With --json a fault is an object too: {"message", "kind", "exit_code"}, plain or as "error".
std::optional<JobFault> faultOf(const Json& answer)
{
    const Json& fault = objectOf(answer, "error").empty() ? answer : objectOf(answer, "error");
    if (textOf(fault, "message").isEmpty() || !fault.contains("exit_code"))
        return std::nullopt;
    return JobFault{JobFault::Origin::Program, textOf(fault, "message"), textOf(fault, "kind"),
                    static_cast<int>(wholeOf(fault, "exit_code")), flagOf(fault, "resumable")};
}

}

JobBoard::JobBoard(EngineClient& engine, ToolRunner& tool, QObject* parent)
    : QObject(parent)
    , m_engine(engine)
    , m_tool(tool)
{
    m_announceTimer.setSingleShot(true);
    m_announceTimer.setInterval(50);
    connect(&m_announceTimer, &QTimer::timeout, this, &JobBoard::changed);

    connect(&engine, &EngineClient::started, this, [this](JobId id) {
        if (JobEntry* job = entry(id))
            job->state = StepState::Running;
        announce();
    });
    connect(&engine, &EngineClient::progressed, this, &JobBoard::progress);
    connect(&engine, &EngineClient::finished, this, &JobBoard::finish);
    connect(&engine, &EngineClient::failed, this, &JobBoard::fail);
    connect(&engine, &EngineClient::cancelled, this, &JobBoard::stop);
    connect(&engine, &EngineClient::cancelUnanswered, this, [this](JobId id) {
        if (JobEntry* job = entry(id))
            job->isUnanswered = true;
        announce();
        emit cancelUnanswered(id);
    });

    connect(&tool, &ToolRunner::line, this, &JobBoard::readLine);
    connect(&tool, &ToolRunner::finished, this, &JobBoard::finishTool);
    connect(&tool, &ToolRunner::failed, this, &JobBoard::fail);
    connect(&tool, &ToolRunner::cancelled, this, [this](JobId id) { stop(id, false); });
}

JobId JobBoard::add(JobId id, const QString& title, bool isEngine, QObject* receiver, JobCallbacks callbacks)
{
    if (m_entries.size() >= keptEntries) {
        const auto ended = std::find_if(m_entries.begin(), m_entries.end(), [](const JobEntry& job) {
            return job.state != StepState::Running && job.state != StepState::Waiting;
        });
        if (ended != m_entries.end())
            m_entries.erase(ended);
    }
    m_entries.push_back(
        {id, title, isEngine, isEngine ? StepState::Waiting : StepState::Running, {}, {}, false, false});
    m_pending[id] = {receiver, std::move(callbacks), nullptr};
    announce();
    return id;
}

JobId JobBoard::askEngine(const QString& title, const QString& method, Json parameters, QObject* receiver,
                          JobCallbacks callbacks)
{
    return add(m_engine.request(method, std::move(parameters)), title, true, receiver, std::move(callbacks));
}

JobId JobBoard::runTool(const QString& title, const QStringList& arguments, QObject* receiver, JobCallbacks callbacks)
{
    return add(m_tool.run(arguments, ToolRunner::Output::Whole), title, false, receiver, std::move(callbacks));
}

JobId JobBoard::glance(const QStringList& arguments, QObject* receiver, JobCallbacks callbacks)
{
    const JobId id = m_tool.run(arguments, ToolRunner::Output::Whole);
    m_pending[id] = {receiver, std::move(callbacks), nullptr};
    return id;
}

JobId JobBoard::runLines(const QString& title, const QStringList& arguments, QObject* receiver, JobCallbacks callbacks)
{
    return add(m_tool.run(arguments, ToolRunner::Output::Lines), title, false, receiver, std::move(callbacks));
}

JobId JobBoard::askEither(const QString& title, const QString& method, const Json& parameters,
                          const QStringList& arguments, QObject* receiver, const JobCallbacks& callbacks)
{
    if (m_engineIsRemote || m_engine.state() == EngineClient::State::Ready)
        return askEngine(title, method, parameters, receiver, callbacks);
    return runTool(title, arguments, receiver, callbacks);
}

JobId JobBoard::askQuietly(const QString& method, Json parameters, QObject* receiver, JobCallbacks callbacks)
{
    const JobId id = m_engine.request(method, std::move(parameters));
    m_quiet.insert(id);
    m_pending[id] = {receiver, std::move(callbacks), nullptr};
    return id;
}

JobId JobBoard::begin(const QString& title, std::function<void()> cancel)
{
    const JobId id = add(nextJobId(), title, false, nullptr, {});
    m_pending.erase(id);
    m_own[id] = std::move(cancel);
    return id;
}

void JobBoard::setProgress(JobId id, const JobProgress& value)
{
    if (m_own.contains(id))
        progress(id, value);
}

void JobBoard::end(JobId id, StepState state, const QString& sentence)
{
    if (m_own.erase(id) == 0)
        return;
    if (state == StepState::Failed) {
        fail(id, {JobFault::Origin::Program, sentence, {}, 0, false});
    } else if (state == StepState::Done) {
        finish(id, nullptr);
    } else {
        stop(id, false);
    }
}

void JobBoard::cancel(JobId id)
{
    if (const auto own = m_own.find(id); own != m_own.end()) {
        const std::function<void()> act = own->second; // which ends the job and forgets itself
        act();
        return;
    }
    if (!m_pending.contains(id))
        return;
    const JobEntry* job = find(id);
    if (m_quiet.contains(id) || (job && job->isEngine))
        m_engine.cancel(id);
    else
        m_tool.cancel(id);
}

void JobBoard::pause(JobId id)
{
    if (JobEntry* job = entry(id))
        job->isPausing = true;
    cancel(id);
    announce();
}

const JobEntry* JobBoard::find(JobId id) const
{
    const auto found =
        std::find_if(m_entries.begin(), m_entries.end(), [id](const JobEntry& job) { return job.id == id; });
    return found == m_entries.end() ? nullptr : &*found;
}

JobEntry* JobBoard::entry(JobId id)
{
    return const_cast<JobEntry*>(std::as_const(*this).find(id));
}

int JobBoard::count(StepState state) const
{
    return static_cast<int>(
        std::count_if(m_entries.begin(), m_entries.end(), [state](const JobEntry& job) { return job.state == state; }));
}

void JobBoard::addProblem(const QString& sentence)
{
    m_problems.append(tr("%1  %2").arg(QTime::currentTime().toString(u"HH:mm:ss"_s), sentence));
    while (m_problems.size() > keptProblems)
        m_problems.removeFirst();
    announce();
}

void JobBoard::clearProblems()
{
    m_problems.clear();
    announce();
}

JobBoard::Pending JobBoard::take(JobId id)
{
    const auto found = m_pending.find(id);
    if (found == m_pending.end())
        return {};
    Pending pending = std::move(found->second);
    m_pending.erase(found);
    m_quiet.erase(id);
    return pending;
}

void JobBoard::readLine(JobId id, const QByteArray& line)
{
    JsonResult value;
    try {
        value = parse(line);
    } catch (const Error&) {
        return; // what ends without an answer is reported at the end
    }
    if (const Json& object = objectOf(*value, "progress"); !object.empty()) {
        progress(id, progressOf(object));
    } else if (const auto found = m_pending.find(id); found != m_pending.end()) {
        const Json& verdict = objectOf(*value, "verdict");
        found->second.answer = verdict.empty() ? value : std::make_shared<const Json>(verdict);
    }
}

void JobBoard::finishTool(JobId id, const ToolResult& result)
{
    const auto found = m_pending.find(id);
    if (found == m_pending.end())
        return;
    const auto deliver = [this, id, exitCode = result.exitCode, messages = result.messages](JsonResult answer) {
        std::optional<JobFault> fault = answer ? faultOf(*answer) : std::nullopt;
        if (!answer) {
            QString sentence = sentenceOf(messages);
            if (sentence.isEmpty())
                sentence =
                    tr("blockcert ended with exit code %1 and no answer. “Copy as command” and run it in a terminal to "
                       "see why, or check its path in the settings.")
                        .arg(exitCode);
            fault = JobFault{
                exitCode == 0 ? JobFault::Origin::Protocol : JobFault::Origin::Program, sentence, {}, exitCode, false};
        }
        if (fault)
            fail(id, *fault);
        else
            finish(id, answer);
    };
    if (found->second.answer || result.output.trimmed().isEmpty()) {
        deliver(found->second.answer);
        return;
    }
    runInBackground<JsonResult>(
        this, [output = result.output] { return parse(output); }, deliver,
        [this, id, deliver, exitCode = result.exitCode](const QString& sentence) {
            if (exitCode != 0)
                deliver(nullptr);
            else
                fail(id, {JobFault::Origin::Protocol,
                          tr("blockcert gave no valid answer: %1.").arg(sentence),
                          {},
                          0,
                          false});
        });
}

void JobBoard::progress(JobId id, const JobProgress& value)
{
    if (JobEntry* job = entry(id)) {
        job->progress = value;
        job->progress.detail = nullptr; // the board keeps numbers, not contents
        job->state = StepState::Running;
    }
    const auto found = m_pending.find(id);
    if (found != m_pending.end() && found->second.receiver && found->second.callbacks.progressed)
        found->second.callbacks.progressed(value);
    announce();
}

void JobBoard::finish(JobId id, const JsonResult& result)
{
    if (JobEntry* job = entry(id))
        job->state = StepState::Done;
    const Pending pending = take(id);
    announce();
    if (pending.receiver && pending.callbacks.finished)
        pending.callbacks.finished(result);
}

void JobBoard::fail(JobId id, const JobFault& fault)
{
    if (JobEntry* job = entry(id)) {
        job->state = StepState::Failed;
        job->sentence = fault.sentence;
        addProblem(tr("%1: %2").arg(job->title, fault.sentence));
    }
    const Pending pending = take(id);
    announce();
    if (pending.receiver && pending.callbacks.failed)
        pending.callbacks.failed(fault);
}

void JobBoard::stop(JobId id, bool resumable)
{
    if (JobEntry* job = entry(id))
        job->state = StepState::Cancelled;
    const Pending pending = take(id);
    announce();
    if (pending.receiver && pending.callbacks.cancelled)
        pending.callbacks.cancelled(resumable);
}

void JobBoard::announce()
{
    if (!m_announceTimer.isActive())
        m_announceTimer.start();
}

}
