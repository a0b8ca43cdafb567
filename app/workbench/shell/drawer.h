// The drawer above the status bar: jobs, the engine's log, problems.
#pragma once

#include "app/workbench/process/job.h"

#include <QWidget>

#include <vector>

class QListWidget;
class QPlainTextEdit;
class QStackedWidget;
class QTreeWidget;

namespace blockcert::widgets {
class SegmentedControl;
}

namespace blockcert::workbench {

struct JobEntry;

class Drawer : public QWidget {
    Q_OBJECT

public:
    enum Page { Jobs, Log, Problems };

    explicit Drawer(QWidget* parent = nullptr);

    void showPage(Page page);
    [[nodiscard]] Page page() const;
    void setJobs(const std::vector<JobEntry>& jobs);
    void setLog(const QString& text);
    void setProblems(const QStringList& problems);

signals:
    void cancelWanted(blockcert::workbench::JobId job);
    void clearProblemsWanted();
    void closeWanted();

private:
    widgets::SegmentedControl* m_pages = nullptr;
    QStackedWidget* m_stack = nullptr;
    QTreeWidget* m_jobs = nullptr;
    QPlainTextEdit* m_log = nullptr;
    QListWidget* m_problems = nullptr;
};

}
