// Every job the window has under way or has had: who asked, how far it is, how it ended.
#pragma once

#include "app/workbench/process/job.h"
#include "widgets/values.h"

#include <QObject>
#include <QPointer>
#include <QStringList>
#include <QTimer>

#include <functional>
#include <map>
#include <set>
#include <vector>

namespace blockcert::workbench {

class EngineClient;
class ToolRunner;
struct ToolResult;

// What to do with a job's outcome. Called in the GUI thread, and only while the receiver lives.
struct JobCallbacks {
    std::function<void(const JsonResult&)> finished;
    std::function<void(const JobFault&)> failed;
    std::function<void(bool resumable)> cancelled;
    std::function<void(const JobProgress&)> progressed;
};

struct JobEntry {
    JobId id = 0;
    QString title;
    bool isEngine = false;
    widgets::StepState state = widgets::StepState::Waiting;
    JobProgress progress;
    QString sentence;          // why it failed
    bool isUnanswered = false; // asked to stop, and silent for three seconds
    bool isPausing = false;    // stopped in order to be continued
};

// GUI thread. The one place that talks to the engine client and the tool runner on behalf of the documents.
class JobBoard : public QObject {
    Q_OBJECT

public:
    JobBoard(EngineClient& engine, ToolRunner& tool, QObject* parent = nullptr);

    JobId askEngine(const QString& title, const QString& method, Json parameters, QObject* receiver,
                    JobCallbacks callbacks);
    // One JSON value on standard output; an exit code other than 0 without one is a fault.
    JobId runTool(const QString& title, const QStringList& arguments, QObject* receiver, JobCallbacks callbacks);
    // The same without an entry in the list of jobs and without a problem when it fails: for glances at many runs.
    JobId glance(const QStringList& arguments, QObject* receiver, JobCallbacks callbacks);
    // Lines of JSON: {"progress": …} is progress, {"verdict": …} and other objects are the answer, the last one counts.
    JobId runLines(const QString& title, const QStringList& arguments, QObject* receiver, JobCallbacks callbacks);
    // Reading a model's headers or its tokenizer: by the engine if it is ready and idle, else by `blockcert`, so that
    // it neither waits for a run nor for the engine to start. Always by the engine if it is a remote one.
    JobId askEither(const QString& title, const QString& method, const Json& parameters, const QStringList& arguments,
                    QObject* receiver, const JobCallbacks& callbacks);
    // Of the engine, without an entry in the list of jobs and without a problem when it fails: for the parts of a job
    // that begin() has entered.
    JobId askQuietly(const QString& method, Json parameters, QObject* receiver, JobCallbacks callbacks);
    // A job of several requests, made by its owner. `cancel` is called when the user wants it ended.
    JobId begin(const QString& title, std::function<void()> cancel);
    void setProgress(JobId job, const JobProgress& progress);
    void end(JobId job, widgets::StepState state, const QString& sentence); // Done, Cancelled or Failed
    void cancel(JobId job);
    // A cancel that the list of jobs calls by its purpose.
    void pause(JobId job);

    void setEngineIsRemote(bool remote) { m_engineIsRemote = remote; }

    [[nodiscard]] const std::vector<JobEntry>& entries() const { return m_entries; }

    [[nodiscard]] const JobEntry* find(JobId job) const;
    [[nodiscard]] int count(widgets::StepState state) const;

    // When and what went wrong, a sentence each, newest last.
    [[nodiscard]] const QStringList& problems() const { return m_problems; }

    void addProblem(const QString& sentence);
    void clearProblems();

signals:
    void changed(); // at most 20 times a second
    void cancelUnanswered(blockcert::workbench::JobId job);

private:
    struct Pending {
        QPointer<QObject> receiver;
        JobCallbacks callbacks;
        JsonResult answer; // of a tool with lines
    };

    JobId add(JobId id, const QString& title, bool isEngine, QObject* receiver, JobCallbacks callbacks);
    void finishTool(JobId id, const ToolResult& result);
    void readLine(JobId id, const QByteArray& line);
    void progress(JobId id, const JobProgress& progress);
    void finish(JobId id, const JsonResult& result);
    void fail(JobId id, const JobFault& fault);
    void stop(JobId id, bool resumable);
    [[nodiscard]] JobEntry* entry(JobId id);
    Pending take(JobId id);
    void announce();

    EngineClient& m_engine;
    ToolRunner& m_tool;
    std::vector<JobEntry> m_entries;
    std::map<JobId, Pending> m_pending;
    std::map<JobId, std::function<void()>> m_own; // how the jobs of begin() are cancelled
    std::set<JobId> m_quiet;                      // requests to the engine without an entry
    QStringList m_problems;
    QTimer m_announceTimer;
    bool m_engineIsRemote = false;
};

}
