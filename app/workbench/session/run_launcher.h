// Starts, watches, stops and resumes the main job: certify.
#pragma once

#include "app/workbench/session/live_run.h"
#include "app/workbench/session/loadable.h"
#include "app/workbench/session/run_pace.h"
#include "app/workbench/session/run_settings.h"
#include "app/workbench/session/run_view.h"

#include <QObject>
#include <QTimer>

#include <memory>
#include <optional>

namespace blockcert::workbench {

class JobBoard;

// What the engine says a run will cost.
struct RunEstimate {
    qint64 cells = 0;
    qint64 tokens = 0;
    quint64 memoryBytes = 0;
    quint64 diskBytes = 0;
    double flops = widgets::missing;
};

// GUI thread. One run at a time.
class RunLauncher : public QObject {
    Q_OBJECT

public:
    enum class State { Idle, Running, Finished, Cancelled, Failed };

    explicit RunLauncher(JobBoard& board, QObject* parent = nullptr);

    // Asks for the estimate a moment after the last change; while a run goes on, once that has ended.
    void setSettings(const RunSettings& settings);
    // The settings make no run: there is nothing to estimate.
    void clearSettings();

    [[nodiscard]] const RunSettings& settings() const { return m_settings; }

    // `model` is its name for people.
    void run(const RunSettings& settings, const QString& model,
             const std::shared_ptr<const widgets::PromptList>& prompts, const std::vector<int>& blocks);
    // Continues an unfinished run that was opened; nothing if its settings are not known.
    void resume(const RunView& run);
    void cancel();
    void pause(); // a cancel in order to resume later

    // Stopped by pause() and not resumed since.
    [[nodiscard]] bool isPaused() const { return m_isPausing && m_state == State::Cancelled; }

    // Continues the run that went last, which nobody here can read: it lies on the engine's machine.
    void resumeLast();

    [[nodiscard]] State state() const { return m_state; }

    [[nodiscard]] const LiveRun* live() const { return m_live.get(); }

    [[nodiscard]] const Loadable<RunEstimate>& estimate() const { return m_estimate; }

    [[nodiscard]] const JobFault& fault() const { return m_fault; }

    [[nodiscard]] bool isResumable() const { return m_isResumable; }

    // The engine's last words, once it has died during this run and the run went on by itself; else empty. That
    // happens once: a second death ends the run, so that what kills engines is not fed for ever.
    [[nodiscard]] const QString& survived() const { return m_survived; }

    // The settings of the run that goes on, or went last.
    [[nodiscard]] const RunSettings& running() const { return m_running; }

    [[nodiscard]] JobId job() const { return m_job; }

    // Of the settings, at the speed of earlier runs of this model; nothing where it had none, or no estimate is there.
    [[nodiscard]] std::optional<ExpectedTime> expectedTime() const;

    [[nodiscard]] const PaceBook& paces() const { return m_paces; }

    void setPaces(std::vector<RunPace> paces) { m_paces.setPaces(std::move(paces)); }

signals:
    void estimateChanged();
    void paceLearned(); // see paces()
    void started();
    void progressed();
    void cellFinished(int block, int prompt, const std::shared_ptr<const blockcert::widgets::MapCell>& cell);
    void ended(); // see state()

private:
    void begin(bool resume);
    void start(bool resume);
    void askEstimate();
    void learnPace();
    void engineFailed(const JobFault& fault);
    [[nodiscard]] bool hasFolder() const;
    void finish(State state, const JobFault& fault, bool resumable);

    JobBoard& m_board;
    RunSettings m_settings;
    RunSettings m_running;
    Loadable<RunEstimate> m_estimate;
    QTimer m_estimateTimer;
    std::unique_ptr<LiveRun> m_live;
    State m_state = State::Idle;
    JobFault m_fault;
    bool m_isResumable = false;
    bool m_isPausing = false;
    bool m_isResume = false;   // the job continues what is in the folder
    bool m_hasWritten = false; // the folder of the run has been made
    QString m_survived;
    double m_flopsOfRun = widgets::missing; // estimated, of the whole run
    JobId m_job = 0;
    PaceBook m_paces;
};

}
