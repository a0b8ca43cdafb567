#include "app/workbench/process/engine_client.h"

#include "app/workbench/process/json_reading.h"
#include "app/workbench/process/message_decoder.h"
#include "engine/protocol/frame_codec.h"

#include <QFileInfo>
#include <QTime>

#include <algorithm>
#include <utility>

namespace blockcert::workbench {
namespace {

using namespace Qt::StringLiterals;

constexpr int protocolVersion = 1;
constexpr qsizetype logBytes = 64 * 1024;
constexpr int cancelledCode = -32800;
const Json initializeId = 0; // requests use positive numbers

}

EngineClient::EngineClient(EngineCommand command, EnginePatience patience, QObject* parent)
    : QObject(parent)
    , m_command(std::move(command))
    , m_patience(patience)
    , m_decoder(new MessageDecoder)
{
    qRegisterMetaType<JsonResult>();
    m_clock.start();
    m_decoder->moveToThread(&m_decoderThread);
    connect(&m_decoderThread, &QThread::finished, m_decoder, &QObject::deleteLater);
    connect(m_decoder, &MessageDecoder::decoded, this, &EngineClient::receive);
    connect(m_decoder, &MessageDecoder::broken, this, &EngineClient::breakOff);
    connect(m_decoder, &MessageDecoder::drained, this, &EngineClient::drained);
    m_decoderThread.setObjectName(u"engine messages"_s);
    m_decoderThread.start();

    m_initializeTimer.setSingleShot(true);
    connect(&m_initializeTimer, &QTimer::timeout, this, [this] {
        breakOff(tr("the engine did not introduce itself within %1 s").arg(m_patience.initializeMs / 1000.0),
                 m_generation);
    });
    m_quietTimer.setSingleShot(true);
    connect(&m_quietTimer, &QTimer::timeout, this, [this] {
        if (m_state == State::Busy)
            setState(State::Quiet);
    });
    m_restartTimer.setSingleShot(true);
    connect(&m_restartTimer, &QTimer::timeout, this, &EngineClient::launch);
}

EngineClient::~EngineClient()
{
    if (m_process) {
        m_process->disconnect(this);
        m_process->closeWriteChannel(); // a healthy engine ends with its input
        if (!m_process->waitForFinished(m_jobs.empty() ? 400 : 50)) {
            m_process->terminate();
            if (!m_process->waitForFinished(400)) {
                constexpr int killedMs = 30000; // it is gone as soon as the system sees to it
                m_process->kill();
                m_process->waitForFinished(killedMs);
            }
        }
    }
    m_decoderThread.quit();
    m_decoderThread.wait();
}

void EngineClient::start()
{
    m_crashes.clear();
    if (!m_process && !m_restartTimer.isActive())
        launch();
}

void EngineClient::setCommand(EngineCommand command)
{
    if (command == m_command)
        return;
    m_command = std::move(command);
    m_crashes.clear();
    if (m_process)
        end();
    else if (m_state == State::Down)
        setState(State::Stopped);
}

void EngineClient::launch()
{
    m_restartTimer.stop();
    if (m_process)
        return;
    ++m_generation;
    m_isInitialized = false;
    m_isEnding = false;
    m_brokenSentence.clear();
    m_problem.clear();
    m_description = {};
    m_decoder->pendingBytes = 0;
    QMetaObject::invokeMethod(m_decoder,
                              [decoder = m_decoder, generation = m_generation] { decoder->begin(generation); });

    m_process = new QProcess(this);
    connect(m_process, &QProcess::started, this, &EngineClient::initialize);
    connect(m_process, &QProcess::readyReadStandardOutput, this, &EngineClient::readOutput);
    connect(m_process, &QProcess::readyReadStandardError, this, &EngineClient::readLog);
    connect(m_process, &QProcess::finished, this, &EngineClient::processEnded);
    connect(m_process, &QProcess::errorOccurred, this, [this](QProcess::ProcessError error) {
        if (error != QProcess::FailedToStart)
            return;
        const QString why = m_process->errorString();
        m_process->deleteLater();
        m_process = nullptr;
        giveUp(tr("The engine could not be started: '%1' (%2). Set the engine command in the settings.")
                   .arg(m_command.program, why),
               JobFault::Origin::NotStarted);
    });
    setState(State::Starting);
    m_process->start(m_command.program, m_command.arguments);
}

void EngineClient::initialize()
{
    m_initializeTimer.start(m_patience.initializeMs);
    sendRequest(initializeId, u"initialize"_s, Json{{"protocol", protocolVersion}, {"client", "blockcert-workbench"}});
}

void EngineClient::end()
{
    m_restartTimer.stop();
    if (!m_process) {
        while (!m_jobs.empty()) {
            const Job job = take(m_jobs.front().id);
            emit cancelled(job.id, false);
        }
        setState(State::Stopped);
        return;
    }
    m_isEnding = true;
    stopProcess();
}

void EngineClient::stopProcess()
{
    m_process->closeWriteChannel();
    m_process->terminate();
    QTimer::singleShot(m_patience.terminateMs, m_process, [process = m_process] {
        if (process->state() != QProcess::NotRunning)
            process->kill();
    });
}

JobId EngineClient::request(const QString& method, Json parameters)
{
    const JobId id = nextJobId();
    m_jobs.push_back({id, method, std::move(parameters), false, false, false});
    QMetaObject::invokeMethod(
        this,
        [this, id] {
            if (!find(id))
                return;
            if (m_state == State::Down) {
                take(id);
                emit failed(id, {JobFault::Origin::NotStarted, m_problem, {}, 0, false});
                return;
            }
            if (!m_process && !m_restartTimer.isActive())
                launch();
            sendWaitingJobs();
        },
        Qt::QueuedConnection);
    return id;
}

void EngineClient::cancel(JobId id)
{
    Job* job = find(id);
    if (!job || job->isCancelling)
        return;
    job->isCancelling = true;
    if (!job->isSent) {
        QMetaObject::invokeMethod(
            this,
            [this, id] {
                if (!find(id))
                    return;
                take(id);
                emit cancelled(id, false);
                announceHead();
                refreshState();
            },
            Qt::QueuedConnection);
        return;
    }
    sendNotification(u"$/cancelRequest"_s, Json{{"id", id}});
    QTimer::singleShot(m_patience.cancelMs, this, [this, id] {
        if (find(id))
            emit cancelUnanswered(id);
    });
}

void EngineClient::sendWaitingJobs()
{
    if (!m_isInitialized || m_isEnding || !m_brokenSentence.isEmpty())
        return;
    for (Job& job : m_jobs) {
        if (job.isSent || job.isCancelling)
            continue;
        job.isSent = true;
        sendRequest(job.id, job.method, job.parameters);
    }
    announceHead();
    refreshState();
}

// The engine works on one request at a time, in order, so the oldest one is the one that runs.
void EngineClient::announceHead()
{
    if (m_jobs.empty() || !m_jobs.front().isSent || m_jobs.front().isStarted)
        return;
    m_jobs.front().isStarted = true;
    m_quietTimer.start(m_patience.quietMs);
    emit started(m_jobs.front().id);
}

void EngineClient::sendRequest(const Json& id, const QString& method, const Json& parameters)
{
    write({{"jsonrpc", "2.0"}, {"id", id}, {"method", method.toStdString()}, {"params", parameters}});
}

void EngineClient::sendNotification(const QString& method, const Json& parameters)
{
    write({{"jsonrpc", "2.0"}, {"method", method.toStdString()}, {"params", parameters}});
}

void EngineClient::write(const Json& message)
{
    if (m_process && m_process->isWritable())
        m_process->write(QByteArray::fromStdString(protocol::encodeFrame(message.dump())));
}

void EngineClient::readOutput()
{
    const QByteArray bytes = m_process->readAllStandardOutput();
    if (bytes.isEmpty() || !m_brokenSentence.isEmpty())
        return;
    m_decoder->pendingBytes += bytes.size();
    if (m_decoder->pendingBytes > m_patience.pendingBytes) {
        breakOff(
            tr("the engine sends more than the window can read (%1 MB wait)").arg(m_decoder->pendingBytes / 1'000'000),
            m_generation);
        return;
    }
    QMetaObject::invokeMethod(
        m_decoder, [decoder = m_decoder, bytes, generation = m_generation] { decoder->feed(bytes, generation); });
}

void EngineClient::readLog()
{
    m_log.append(m_process->readAllStandardError());
    if (m_log.size() > logBytes)
        m_log.remove(0, m_log.size() - logBytes);
    emit logged();
}

QString EngineClient::log() const
{
    return QString::fromUtf8(m_log);
}

void EngineClient::receive(const JsonResult& message, quint64 generation)
{
    if (generation != m_generation)
        return;
    if (!message->is_object()) {
        breakOff(tr("the engine sent a message that is not a JSON object"), generation);
        return;
    }
    if (m_state == State::Quiet)
        setState(State::Busy);
    if (!m_jobs.empty())
        m_quietTimer.start(m_patience.quietMs);
    if (message->contains("method")) {
        if (textOf(*message, "method") == "$/progress"_L1)
            receiveProgress(objectOf(*message, "params"));
    } else if (message->contains("id")) {
        if ((*message)["id"] == initializeId)
            receiveInitialized(*message);
        else
            receiveAnswer(*message);
    }
}

void EngineClient::receiveInitialized(const Json& message)
{
    if (m_isInitialized)
        return;
    m_initializeTimer.stop();
    const Json& result = objectOf(message, "result");
    const qint64 spoken = wholeOf(result, "protocol", -1);
    if (spoken != protocolVersion) {
        const QString why = message.contains("error") ? textOf(objectOf(message, "error"), "message") : QString();
        m_isEnding = true;
        giveUp(why.isEmpty() ? tr("The engine speaks protocol %1 and this window protocol %2; install both from the "
                                  "same release.")
                                   .arg(spoken)
                                   .arg(protocolVersion)
                             : tr("The engine refused to start: %1").arg(why),
               JobFault::Origin::NotStarted);
        stopProcess();
        return;
    }
    const Json& engine = objectOf(result, "engine");
    const Json& memory = objectOf(result, "memory");
    m_description = {
        textOf(result, "version"),         textOf(engine, "device"),
        textOf(engine, "processor"),       textOf(engine, "isa"),
        textOf(engine, "libtorch"),        static_cast<int>(std::clamp<qint64>(wholeOf(engine, "threads"), 0, 1 << 20)),
        wholeOf(memory, "resident_bytes"), wholeOf(memory, "available_bytes")};
    m_isInitialized = true;
    sendWaitingJobs();
    refreshState();
}

void EngineClient::receiveAnswer(const Json& message)
{
    const JobId id = message["id"].is_number_integer() ? message["id"].get<JobId>() : 0;
    if (!find(id))
        return; // an answer to nobody: a job that has already ended here
    const Job job = take(id);
    const Json& error = objectOf(message, "error");
    if (message.contains("result")) {
        emit finished(id, std::make_shared<const Json>(message["result"]));
    } else if (wholeOf(error, "code") == cancelledCode) {
        const Json& data = objectOf(error, "data");
        emit cancelled(id, flagOf(data, "resumable"));
    } else if (!error.empty()) {
        const Json& data = objectOf(error, "data");
        JobFault fault;
        fault.sentence = textOf(error, "message");
        if (fault.sentence.isEmpty())
            fault.sentence = tr("The engine refused '%1' without saying why.").arg(job.method);
        fault.kind = textOf(data, "kind");
        fault.exitCode = static_cast<int>(std::clamp<qint64>(wholeOf(data, "exit_code"), 0, 255));
        fault.resumable = flagOf(data, "resumable");
        emit failed(id, fault);
    } else {
        emit failed(id, {JobFault::Origin::Protocol,
                         tr("The engine's answer to '%1' has neither a result nor an error.").arg(job.method),
                         {},
                         0,
                         false});
    }
    announceHead();
    refreshState();
}

void EngineClient::receiveProgress(const Json& parameters)
{
    const JobId id = wholeOf(parameters, "id");
    if (!find(id))
        return;
    emit progressed(id, progressOf(parameters));
}

// The stream can no longer be trusted: the process is stopped and what follows is the same as after a crash.
void EngineClient::breakOff(const QString& sentence, quint64 generation)
{
    if (generation != m_generation || !m_process || m_isEnding || !m_brokenSentence.isEmpty())
        return;
    m_brokenSentence = sentence;
    m_process->kill();
}

void EngineClient::processEnded()
{
    m_initializeTimer.stop();
    m_quietTimer.stop();
    readOutput();
    readLog();
    // What it said last is still on its way through the decoder; drained() comes after it.
    QMetaObject::invokeMethod(m_decoder,
                              [decoder = m_decoder, generation = m_generation] { decoder->finish(generation); });
}

QString EngineClient::endSentence() const
{
    if (!m_brokenSentence.isEmpty())
        return tr("The engine was stopped: %1.").arg(m_brokenSentence);
    if (m_command.isRemote)
        return tr("The connection to the engine was lost (%1 ended with exit code %2). What it had finished "
                  "is kept on its machine, and the window connects again by itself; if that does not succeed, run the "
                  "command of the settings in a terminal to see why.")
            .arg(QFileInfo(m_command.program).fileName())
            .arg(m_process->exitCode());
    if (m_process->exitStatus() == QProcess::NormalExit)
        return tr("The engine ended by itself with exit code %1; what it said last stands in the log (Ctrl+J).")
            .arg(m_process->exitCode());
    switch (m_process->exitCode()) {
    case 6: return tr("The engine aborted (signal 6).");
    case 9: return tr("The engine was killed (signal 9), often because the system ran out of memory.");
    case 11: return tr("The engine crashed (signal 11).");
    default: return tr("The engine crashed (signal %1).").arg(m_process->exitCode());
    }
}

void EngineClient::drained(quint64 generation)
{
    if (generation != m_generation || !m_process)
        return;
    const QString sentence = endSentence();
    const bool wasAskedFor = m_isEnding;
    const bool isProtocol = !m_brokenSentence.isEmpty();
    m_process->deleteLater();
    m_process = nullptr;
    const bool wasThere = std::exchange(m_isInitialized, false);
    if (wasAskedFor) {
        const bool isDown = m_state == State::Down;
        while (!m_jobs.empty()) {
            const Job job = take(m_jobs.front().id);
            emit cancelled(job.id, job.isStarted && job.method == "certify"_L1);
        }
        if (!isDown)
            setState(State::Stopped);
        return;
    }
    noteInLog(sentence);
    const bool hadJob = failHead(sentence, isProtocol ? JobFault::Origin::Protocol : JobFault::Origin::ProgramEnded);
    const qint64 now = m_clock.elapsed();
    m_crashes.push_back(now);
    while (now - m_crashes.front() > m_patience.restartWindowMs)
        m_crashes.pop_front();
    if (static_cast<int>(m_crashes.size()) > m_patience.restarts) {
        giveUp(tr("%1 It ended %2 times within a minute and is not started again by itself.")
                   .arg(sentence)
                   .arg(m_crashes.size()),
               JobFault::Origin::ProgramEnded);
        return;
    }
    for (Job& job : m_jobs)
        job.isSent = job.isStarted = false;
    if (wasThere)
        emit died(sentence, hadJob);
    setState(State::Restarting);
    m_restartTimer.start(m_patience.restartDelayMs * static_cast<int>(m_crashes.size()));
}

// The running job dies with its engine; those behind it are asked again of the next one.
bool EngineClient::failHead(const QString& sentence, JobFault::Origin origin)
{
    if (m_jobs.empty() || !m_jobs.front().isStarted)
        return false;
    const Job job = take(m_jobs.front().id);
    const bool resumable = job.method == "certify"_L1;
    if (job.isCancelling)
        emit cancelled(job.id, resumable);
    else
        emit failed(job.id, {origin, sentence, {}, 0, resumable});
    return true;
}

// A process that was killed has no last words of its own.
void EngineClient::noteInLog(const QString& sentence)
{
    if (!m_log.isEmpty() && !m_log.endsWith('\n'))
        m_log.append('\n');
    m_log.append(u"[%1 %2]\n"_s.arg(QTime::currentTime().toString(u"HH:mm:ss"_s), sentence).toUtf8());
    emit logged();
}

void EngineClient::giveUp(const QString& sentence, JobFault::Origin origin)
{
    m_initializeTimer.stop();
    m_quietTimer.stop();
    m_problem = sentence;
    setState(State::Down);
    while (!m_jobs.empty()) {
        const Job job = take(m_jobs.front().id);
        emit failed(job.id, {origin, sentence, {}, 0, false});
    }
}

void EngineClient::setState(State state)
{
    if (m_state == state)
        return;
    m_state = state;
    emit stateChanged(state);
}

void EngineClient::refreshState()
{
    if (!m_process || !m_isInitialized || m_state == State::Down)
        return;
    if (m_jobs.empty())
        m_quietTimer.stop();
    setState(m_jobs.empty() ? State::Ready : m_state == State::Quiet ? State::Quiet : State::Busy);
}

EngineClient::Job* EngineClient::find(JobId id)
{
    const auto found = std::find_if(m_jobs.begin(), m_jobs.end(), [id](const Job& job) { return job.id == id; });
    return found == m_jobs.end() ? nullptr : &*found;
}

EngineClient::Job EngineClient::take(JobId id)
{
    const auto found = std::find_if(m_jobs.begin(), m_jobs.end(), [id](const Job& job) { return job.id == id; });
    Job job = std::move(*found);
    m_jobs.erase(found);
    return job;
}

}
