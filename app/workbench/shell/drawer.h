// The drawer above the status bar: jobs, the engine's log, problems.
#pragma once

#include "widgets/values.h"

#include <QWidget>

#include <vector>

class QListWidget;
class QPlainTextEdit;
class QPushButton;
class QStackedWidget;

namespace blockcert::widgets {
class JobTable;
class SegmentedControl;
}

namespace blockcert::workbench {

class Drawer : public QWidget {
    Q_OBJECT

public:
    enum Page { Jobs, Log, Problems };

    explicit Drawer(QWidget* parent = nullptr);

    void showPage(Page page);
    [[nodiscard]] Page page() const;
    // Queued runs have negative ids: −1 is the next one.
    void setJobs(std::vector<widgets::JobRow> jobs);
    // The job that can be paused, and the one that can be resumed; 0: none.
    void setRun(qint64 pausable, qint64 resumable);
    void setLog(const QString& text);
    void setProblems(const QStringList& problems);

signals:
    void cancelWanted(qint64 job);
    void pauseWanted();
    void resumeWanted();
    void moveUpWanted(int queued);
    void removeWanted(int queued);
    void clearProblemsWanted();
    void closeWanted();

private:
    void refreshButtons();

    widgets::SegmentedControl* m_pages = nullptr;
    QStackedWidget* m_stack = nullptr;
    widgets::JobTable* m_jobs = nullptr;
    QPlainTextEdit* m_log = nullptr;
    QListWidget* m_problems = nullptr;
    QPushButton* m_cancel = nullptr;
    QPushButton* m_pause = nullptr; // or resume
    QPushButton* m_moveUp = nullptr;
    QPushButton* m_clear = nullptr;
    qint64 m_pausable = 0;
    qint64 m_resumable = 0;
};

}
