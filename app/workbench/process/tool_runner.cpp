#include "app/workbench/process/tool_runner.h"

#include <QProcess>
#include <QTimer>

#include <utility>

namespace blockcert::workbench {
namespace {

constexpr qsizetype messageBytes = 64 * 1024;

}

QString sentenceOf(const QByteArray& messages)
{
    const QList<QByteArray> lines = messages.split('\n');
    for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
        QString text = QString::fromUtf8(*line).trimmed();
        for (const QLatin1StringView prefix :
             {QLatin1StringView("blockcert-engine:"), QLatin1StringView("blockcert:"), QLatin1StringView("error:")}) {
            if (text.startsWith(prefix))
                text = text.mid(prefix.size()).trimmed();
        }
        if (!text.isEmpty())
            return text;
    }
    return {};
}

ToolRunner::ToolRunner(QString program, ToolLimits limits, QObject* parent)
    : QObject(parent)
    , m_program(std::move(program))
    , m_limits(limits)
{
}

ToolRunner::~ToolRunner()
{
    for (auto& [id, job] : m_jobs) {
        job.process->disconnect(this);
        job.process->terminate();
    }
    // One that has been killed is gone as soon as the system sees to it, which on a busy one may take its time.
    constexpr int killedMs = 30000;
    for (auto& [id, job] : m_jobs) {
        if (job.process->state() != QProcess::NotRunning && !job.process->waitForFinished(500)) {
            job.process->kill();
            job.process->waitForFinished(killedMs);
        }
    }
}

JobId ToolRunner::run(const QStringList& arguments, Output output)
{
    const JobId id = nextJobId();
    auto* process = new QProcess(this);
    m_jobs[id] = {process, output, {}, {}, false};
    process->setStandardInputFile(QProcess::nullDevice());
    connect(process, &QProcess::readyReadStandardOutput, this, [this, id] { readOutput(id); });
    connect(process, &QProcess::readyReadStandardError, this, [this, id] { readMessages(id); });
    connect(process, &QProcess::finished, this, [this, id] { end(id); });
    connect(
        process, &QProcess::errorOccurred, this,
        [this, id, process](QProcess::ProcessError error) {
            if (error != QProcess::FailedToStart || m_jobs.erase(id) == 0)
                return;
            const QString sentence = tr("'%1' could not be started (%2). Set the path of blockcert in the settings.")
                                         .arg(process->program(), process->errorString());
            process->deleteLater();
            emit failed(id, {JobFault::Origin::NotStarted, sentence, {}, 0, false});
        },
        Qt::QueuedConnection);
    process->start(m_program, arguments);
    return id;
}

void ToolRunner::cancel(JobId id)
{
    const auto found = m_jobs.find(id);
    if (found == m_jobs.end() || found->second.isCancelling)
        return;
    found->second.isCancelling = true;
    QProcess* process = found->second.process;
    process->terminate();
    QTimer::singleShot(m_limits.cancelMs, process, [process] {
        if (process->state() != QProcess::NotRunning)
            process->kill();
    });
}

void ToolRunner::readOutput(JobId id)
{
    const auto found = m_jobs.find(id);
    if (found == m_jobs.end())
        return;
    Job& job = found->second;
    const QByteArray bytes = job.process->readAllStandardOutput();
    if (!job.brokenSentence.isEmpty())
        return;
    job.result.output.append(bytes);
    QList<QByteArray> lines;
    if (job.output == Output::Lines) {
        const qsizetype last = job.result.output.lastIndexOf('\n');
        if (last >= 0) {
            lines = job.result.output.left(last).split('\n');
            job.result.output.remove(0, last + 1);
        }
    }
    if (job.result.output.size() > (job.output == Output::Lines ? m_limits.lineBytes : m_limits.outputBytes))
        breakOff(job,
                 tr("blockcert wrote more than the window reads (%1 MB).").arg(job.result.output.size() / 1'000'000));
    for (const QByteArray& text : std::as_const(lines)) {
        if (!text.isEmpty())
            emit line(id, text); // a slot may end the job; nothing of it is used after this
    }
}

void ToolRunner::readMessages(JobId id)
{
    const auto found = m_jobs.find(id);
    if (found == m_jobs.end())
        return;
    QByteArray& messages = found->second.result.messages;
    messages.append(found->second.process->readAllStandardError());
    if (messages.size() > messageBytes)
        messages.remove(0, messages.size() - messageBytes);
}

void ToolRunner::breakOff(Job& job, const QString& sentence)
{
    job.brokenSentence = sentence;
    job.result.output.clear();
    job.process->kill();
}

void ToolRunner::end(JobId id)
{
    readOutput(id);
    readMessages(id);
    const auto found = m_jobs.find(id);
    if (found == m_jobs.end())
        return;
    Job job = std::move(found->second);
    m_jobs.erase(found);
    job.process->deleteLater();
    if (job.isCancelling) {
        emit cancelled(id);
    } else if (!job.brokenSentence.isEmpty()) {
        emit failed(id, {JobFault::Origin::Protocol, job.brokenSentence, {}, 0, false});
    } else if (job.process->exitStatus() == QProcess::CrashExit) {
        emit failed(id,
                    {JobFault::Origin::ProgramEnded,
                     job.process->exitCode() == 9
                         ? tr("blockcert was killed (signal 9), often because the system ran out of memory: close "
                              "what else needs some and try again.")
                         : tr("blockcert ended unexpectedly (signal %1). Try again; if that does not help, copy the "
                              "command and run it in a terminal.")
                               .arg(job.process->exitCode()),
                     {},
                     0,
                     false});
    } else {
        job.result.exitCode = job.process->exitCode();
        if (job.output == Output::Lines && !job.result.output.isEmpty()) {
            emit line(id, job.result.output);
            job.result.output.clear();
        }
        emit finished(id, job.result);
    }
}

}
