// What a run will claim, what it will cost, and the button that starts it.
#pragma once

#include "app/workbench/pages/page_parts.h"
#include "app/workbench/session/run_launcher.h"
#include "app/workbench/session/run_shelf.h"
#include "widgets/fact_list.h"

#include <optional>
#include <vector>

class QLabel;
class QLineEdit;
class QPushButton;

namespace blockcert::widgets {
class Notice;
}

namespace blockcert::workbench {

class RunSide : public SidePanel {
    Q_OBJECT

public:
    explicit RunSide(QWidget* parent = nullptr);

    void setHasModel(bool hasModel); // without one only unfinished runs are offered
    void setClaim(const QString& title, const QString& sentence);
    void setEstimate(const Loadable<RunEstimate>& estimate, const std::optional<ExpectedTime>& time);
    void setOut(const QString& path); // of the next run; no signal
    [[nodiscard]] QString out() const;
    // Why Run cannot be pressed, or empty.
    void setObstacle(const QString& sentence);
    void setResumable(const std::vector<ShelvedRun>& runs);
    // The run that goes on, or null: its folder and how far it is stand where the next one's were.
    void setRunning(const widgets::RunProgress* progress, const QString& out);
    void setQueued(int count);
    // The run in this folder stopped in the middle: continuing it is the first thing to offer. Empty: none.
    void setInterrupted(const QString& out);

signals:
    void outChanged();
    void outWanted(); // a file dialog
    void runWanted();
    void cancelWanted();
    void resumeLastWanted();
    void pauseWanted();
    void queueWanted(); // another run after the one that goes on
    void copyWanted();  // the command
    void settingsWanted();
    void resumeWanted(const QString& path);

private:
    void listResumable();
    void refresh();
    void refreshFacts();

    QLabel* m_without = nullptr;
    QWidget* m_with = nullptr;
    QLabel* m_claimTitle = nullptr;
    QLabel* m_claim = nullptr;
    QLabel* m_factsTitle = nullptr;
    widgets::FactList* m_facts = nullptr;
    widgets::Notice* m_estimateNotice = nullptr;
    QLineEdit* m_out = nullptr;
    QPushButton* m_choose = nullptr;
    QPushButton* m_run = nullptr;
    QPushButton* m_fresh = nullptr; // a new run while an interrupted one is offered
    QPushButton* m_pause = nullptr;
    QPushButton* m_queue = nullptr;
    QPushButton* m_copy = nullptr;
    int m_queued = 0;
    QLabel* m_obstacleLabel = nullptr;
    QWidget* m_resumable = nullptr;
    QString m_obstacle;
    QString m_next; // the folder of the next run
    QString m_interrupted;
    std::vector<ShelvedRun> m_unfinished;
    QString m_shownOut;                                   // of the run that goes on
    std::optional<std::vector<widgets::Fact>> m_progress; // of the run that goes on
    std::vector<widgets::Fact> m_estimate;
    bool m_isRunning = false;
};

}
