// The first page: the ways in, and the card of the model that is open.
#pragma once

#include "app/workbench/pages/page_parts.h"
#include "app/workbench/session/loadable.h"
#include "app/workbench/session/preferences.h"
#include "app/workbench/session/run_shelf.h"
#include "widgets/values.h"

#include <QWidget>

#include <vector>

class QLineEdit;
class QStackedWidget;

namespace blockcert::widgets {
class EmptyState;
class ModelCardView;
class Notice;
class SegmentedControl;
class TensorTable;
}

namespace blockcert::workbench {

class RunNotesPanel;
class RunsView;

// Model, run and verification are chosen by the window; the page only asks for them.
class OpenPage : public QWidget {
    Q_OBJECT

public:
    explicit OpenPage(QWidget* parent = nullptr);

    void setModel(const QString& name, const Loadable<widgets::ModelCard>& card);
    // Another model is being read (empty: none is), or could not be; the open one stays on the page.
    void showReplacing(const QString& name);
    void showRefusal(const JobFault& fault);
    // Models and runs opened before, and the runs in the output folder.
    void setRecent(const QList<RecentItem>& models, const std::vector<ShelvedRun>& runs);
    // What could not be opened, and is no model either.
    void setProblem(const QString& sentence);

    enum View { ShowModel, ShowRuns };

    void showView(View view);
    void setRuns(std::vector<widgets::RunRow> rows);
    void setLeftOut(int runs); // older ones that are not among the rows

    [[nodiscard]] QWidget* side() const;

signals:
    void modelWanted();
    void modelFileWanted();
    void runWanted();
    void checkWanted();
    void demoWanted();
    void tourWanted();
    void measureWanted();
    void cancelWanted();
    void remedyWanted(blockcert::workbench::Remedy remedy);
    void modelChosen(const QString& path);
    void runChosen(const QString& path);
    void verifyWanted(const QString& path);
    void resumeWanted(const QString& path);
    void compareWanted(const QString& path);
    void folderWanted(); // verify every run on the shelf
    void notesEdited(const QString& path, const QStringList& tags, const QString& note);

private:
    void prepareNotice(widgets::Notice& notice);

    [[nodiscard]] widgets::Notice& notice() const { return m_hasCard ? *m_cardNotice : *m_problem; }

    void rebuildSide();

    widgets::SegmentedControl* m_view = nullptr;
    QStackedWidget* m_views = nullptr;
    QStackedWidget* m_sides = nullptr;
    RunsView* m_runsView = nullptr;
    RunNotesPanel* m_runNotes = nullptr;
    QStackedWidget* m_stack = nullptr;
    widgets::EmptyState* m_empty = nullptr;
    widgets::Notice* m_problem = nullptr;    // of the empty state
    widgets::Notice* m_cardNotice = nullptr; // above the open model
    QWidget* m_emptyPage = nullptr;
    QWidget* m_cardPage = nullptr;
    widgets::ModelCardView* m_card = nullptr;
    widgets::TensorTable* m_tensors = nullptr;
    QLineEdit* m_filter = nullptr;
    SidePanel* m_side = nullptr;
    bool m_hasCard = false;
    Remedy m_remedy = Remedy::Retry;
    QList<RecentItem> m_recentModels;
    std::vector<ShelvedRun> m_runs;
};

}
