// The sweep of the lab: started, filled while its rows arrive, cancelled, resumed, or opened from its folder.
#pragma once

#include "app/workbench/session/edit_lab.h"
#include "app/workbench/session/sweep_table.h"

#include <QObject>

#include <memory>
#include <optional>

namespace blockcert::workbench {

class JobBoard;

// GUI thread; files are read elsewhere.
class SweepBoard : public QObject {
    Q_OBJECT

public:
    explicit SweepBoard(JobBoard& board, QObject* parent = nullptr);

    // Prompts, model, dtype and markers are the lab's.
    void start(const SweepSpec& spec, const LabSettings& settings, int layers, bool resume);
    void cancel();
    void open(const QString& folder);

    [[nodiscard]] const std::shared_ptr<const SweepTable>& table() const { return m_table; }

    [[nodiscard]] bool isRunning() const { return m_job != 0; }

    [[nodiscard]] bool isReading() const { return m_isReading; }

    // Something unfinished lies in the table's folder.
    [[nodiscard]] bool isResumable() const { return m_table && !m_table->isComplete && !isRunning(); }

    [[nodiscard]] const JobProgress& progress() const { return m_progress; }

    [[nodiscard]] const QString& problem() const { return m_problem; }

    [[nodiscard]] static Json parameters(const SweepSpec& spec, const LabSettings& settings, bool resume);
    [[nodiscard]] static QString command(const SweepSpec& spec, const LabSettings& settings);
    // The specification of what is in the table, for resuming it.
    [[nodiscard]] std::optional<SweepSpec> spec() const;

signals:
    void changed();
    void progressed();

private:
    void addRow(const Json& detail);

    JobBoard& m_board;
    std::shared_ptr<const SweepTable> m_table;
    JobProgress m_progress;
    QString m_problem;
    JobId m_job = 0;
    bool m_isReading = false;
    quint64 m_number = 0; // of the newest start or opening
};

}
