// The window's end of the pipe to `blockcert-engine serve` (docs/protocol.md).
#pragma once

#include "app/workbench/process/job.h"

#include <QElapsedTimer>
#include <QObject>
#include <QProcess>
#include <QStringList>
#include <QThread>
#include <QTimer>

#include <deque>

namespace blockcert::workbench {

class MessageDecoder;

struct EngineCommand {
    QString program;
    QStringList arguments;
    bool isRemote = false; // it runs on another machine: its end may be that of the connection

    friend bool operator==(const EngineCommand&, const EngineCommand&) = default;
};

// How long the window waits; tests wait less.
struct EnginePatience {
    int initializeMs = 20000;
    int cancelMs = 3000;    // then cancelUnanswered()
    int quietMs = 15000;    // a running job without any message: state Quiet
    int terminateMs = 1500; // between asking the process to end and killing it
    int restarts = 3;       // after which the user has to ask
    int restartWindowMs = 60000;
    int restartDelayMs = 200;
    qsizetype pendingBytes = qsizetype{192} << 20;
};

// What the engine said about itself when it started.
struct EngineDescription {
    QString version;
    QString device;
    QString processor;
    QString isa;
    QString libtorch;
    int threads = 0;
    qint64 residentBytes = 0;
    qint64 availableBytes = 0;
};

// GUI thread; nothing here blocks but the destructor, which gives the child a moment to end. Every request ends in
// exactly one of finished, cancelled, failed, never before request() has returned.
class EngineClient : public QObject {
    Q_OBJECT

public:
    enum class State { Stopped, Starting, Ready, Busy, Quiet, Restarting, Down };
    Q_ENUM(State)

    explicit EngineClient(EngineCommand command, EnginePatience patience = {}, QObject* parent = nullptr);
    ~EngineClient() override;

    // Starts the process unless it runs; forgets earlier crashes. Requests start it as well.
    void start();
    // Ends the process; running and waiting jobs are reported as cancelled. Asks first, kills after a moment.
    void end();
    // Takes effect at the next start; a running engine is ended.
    void setCommand(EngineCommand command);

    JobId request(const QString& method, Json parameters);
    void cancel(JobId job);

    [[nodiscard]] State state() const { return m_state; }

    // One sentence for the state Down, else empty.
    [[nodiscard]] QString problem() const { return m_problem; }

    [[nodiscard]] const EngineDescription& description() const { return m_description; }

    [[nodiscard]] const EngineCommand& command() const { return m_command; }

    [[nodiscard]] bool hasJobs() const { return !m_jobs.empty(); }

    [[nodiscard]] qint64 processId() const { return m_process ? m_process->processId() : 0; }

    // What the engine wrote to standard error, the last 64 KiB of it.
    [[nodiscard]] QString log() const;

signals:
    void stateChanged(blockcert::workbench::EngineClient::State state);
    void started(blockcert::workbench::JobId job);
    void progressed(blockcert::workbench::JobId job, const blockcert::workbench::JobProgress& progress);
    void finished(blockcert::workbench::JobId job, const blockcert::workbench::JsonResult& result);
    void cancelled(blockcert::workbench::JobId job, bool resumable);
    void failed(blockcert::workbench::JobId job, const blockcert::workbench::JobFault& fault);
    // The engine has not answered a cancel in time: offer end().
    void cancelUnanswered(blockcert::workbench::JobId job);
    void logged();
    // It ended though nobody had asked it to, and is started again. `hadJob`: one has failed with it, and said so.
    void died(const QString& sentence, bool hadJob);

private:
    struct Job {
        JobId id = 0;
        QString method;
        Json parameters;
        bool isSent = false;
        bool isStarted = false;
        bool isCancelling = false;
    };

    void launch();
    void initialize();
    void sendWaitingJobs();
    void announceHead();
    void sendRequest(const Json& id, const QString& method, const Json& parameters);
    void sendNotification(const QString& method, const Json& parameters);
    void write(const Json& message);
    void readOutput();
    void readLog();
    void receive(const JsonResult& message, quint64 generation);
    void receiveInitialized(const Json& message);
    void receiveAnswer(const Json& message);
    void receiveProgress(const Json& parameters);
    void breakOff(const QString& sentence, quint64 generation);
    void processEnded();
    void drained(quint64 generation);
    void giveUp(const QString& sentence, JobFault::Origin origin);
    bool failHead(const QString& sentence, JobFault::Origin origin);
    void noteInLog(const QString& sentence);
    void stopProcess();
    void setState(State state);
    void refreshState();
    [[nodiscard]] Job* find(JobId id);
    Job take(JobId id);
    [[nodiscard]] QString endSentence() const;

    EngineCommand m_command;
    EnginePatience m_patience;
    EngineDescription m_description;
    State m_state = State::Stopped;
    QString m_problem;

    QProcess* m_process = nullptr; // a new one for each start
    quint64 m_generation = 0;
    bool m_isInitialized = false;
    bool m_isEnding = false;      // the end was asked for
    QString m_brokenSentence;     // why the stream was given up, or empty
    std::deque<Job> m_jobs;       // in the order the engine works on them
    std::deque<qint64> m_crashes; // when, in ms of m_clock
    QElapsedTimer m_clock;
    QTimer m_initializeTimer;
    QTimer m_quietTimer;
    QTimer m_restartTimer;
    QByteArray m_log;
    QThread m_decoderThread;
    MessageDecoder* m_decoder = nullptr; // lives in m_decoderThread
};

}
