// Runs `blockcert` commands as child processes: verification and the reading of run files happen there.
#pragma once

#include "app/workbench/process/job.h"

#include <QObject>
#include <QStringList>

#include <map>

class QProcess;

namespace blockcert::workbench {

struct ToolResult {
    int exitCode = 0;
    QByteArray output;   // standard output without the JSON lines that were announced as lines
    QByteArray messages; // standard error, the last 64 KiB
};

struct ToolLimits {
    qsizetype outputBytes = qsizetype{512} << 20;
    qsizetype lineBytes = qsizetype{64} << 20;
    int cancelMs = 3000; // between SIGTERM and SIGKILL
};

// GUI thread; several commands may run at once. Every job ends in exactly one of finished, cancelled, failed, never
// before run() has returned. An exit code other than 0 is a result: `verify` answers no with it.
class ToolRunner : public QObject {
    Q_OBJECT

public:
    enum class Output {
        Whole, // kept until the end
        Lines, // announced line by line, for --jsonl
    };

    explicit ToolRunner(QString program, ToolLimits limits = {}, QObject* parent = nullptr);
    ~ToolRunner() override;

    void setProgram(const QString& program) { m_program = program; }

    [[nodiscard]] QString program() const { return m_program; }

    JobId run(const QStringList& arguments, Output output);
    void cancel(JobId job);

    [[nodiscard]] bool hasJobs() const { return !m_jobs.empty(); }

signals:
    void line(blockcert::workbench::JobId job, const QByteArray& line);
    void finished(blockcert::workbench::JobId job, const blockcert::workbench::ToolResult& result);
    void cancelled(blockcert::workbench::JobId job);
    void failed(blockcert::workbench::JobId job, const blockcert::workbench::JobFault& fault);

private:
    struct Job {
        QProcess* process = nullptr;
        Output output = Output::Whole;
        ToolResult result;
        QString brokenSentence;
        bool isCancelling = false;
    };

    void readOutput(JobId id);
    void readMessages(JobId id);
    void end(JobId id);
    void breakOff(Job& job, const QString& sentence);

    QString m_program;
    ToolLimits m_limits;
    std::map<JobId, Job> m_jobs;
};

// The sentence a failed command printed last, without its program's name; empty if there is none.
[[nodiscard]] QString sentenceOf(const QByteArray& messages);

}

Q_DECLARE_METATYPE(blockcert::workbench::ToolResult)
