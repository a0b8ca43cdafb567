// The sweep of the lab: started, filled while its rows arrive, cancelled, resumed, or opened from its folder.
#pragma once

#include "app/workbench/session/edit_lab.h"
#include "app/workbench/session/sweep_table.h"

#include <QObject>

#include <memory>
#include <optional>

namespace blockcert::workbench {

class JobBoard;

// A sweep as it was asked for: with the files that its folder knows by their names alone.
struct AskedSweep {
    SweepSpec spec;
    LabSettings settings;
};

// GUI thread; files are read elsewhere.
class SweepBoard : public QObject {
    Q_OBJECT

public:
    explicit SweepBoard(JobBoard& board, QObject* parent = nullptr);

    // Prompts, model, dtype and markers are the lab's.
    void start(const SweepSpec& spec, const LabSettings& settings, int layers, bool resume);
    void cancel();
    void open(const QString& folder);
    // One that was under way when the window went away, to be resumed as it was asked for.
    void restore(const AskedSweep& asked);
    void forgetInterruption();

    // Of the sweep that is shown; nothing for one that was opened from its folder.
    [[nodiscard]] const std::optional<AskedSweep>& asked() const { return m_asked; }

    // The sentence about a sweep that ended with the window; empty: there is none, or it goes on.
    [[nodiscard]] QString interruption() const;

    [[nodiscard]] const std::shared_ptr<const SweepTable>& table() const { return m_table; }

    [[nodiscard]] bool isRunning() const { return m_job != 0; }

    [[nodiscard]] bool isReading() const { return m_isReading; }

    // Something unfinished lies in the table's folder.
    [[nodiscard]] bool isResumable() const { return m_table && !m_table->isComplete && !isRunning(); }

    [[nodiscard]] const JobProgress& progress() const { return m_progress; }

    [[nodiscard]] const QString& problem() const { return m_problem; }

    [[nodiscard]] static Json parameters(const SweepSpec& spec, const LabSettings& settings, bool resume);
    [[nodiscard]] static QString command(const SweepSpec& spec, const LabSettings& settings);
    // The specification of what is in the table, for resuming it; conditions from files are files where they are known.
    [[nodiscard]] std::optional<SweepSpec> spec() const;

signals:
    void changed();
    void progressed();
    void opened();     // a folder has been read
    void askedToRun(); // asked() is another one

private:
    void addRow(const Json& detail);
    void read(const QString& folder, std::optional<AskedSweep> asked, bool isInterrupted);
    [[nodiscard]] std::optional<LabSettings> settingsToResume(const LabSettings& settings);

    JobBoard& m_board;
    std::shared_ptr<const SweepTable> m_table;
    JobProgress m_progress;
    QString m_problem;
    JobId m_job = 0;
    std::optional<AskedSweep> m_asked;
    bool m_isInterrupted = false;
    bool m_isReading = false;
    quint64 m_number = 0; // of the newest start or opening
};

}
