// The Run page: prompts, blocks and options before; the lane of blocks while it runs and after.
#pragma once

#include "app/workbench/pages/page_parts.h"
#include "app/workbench/session/loadable.h"
#include "app/workbench/session/run_launcher.h"
#include "app/workbench/session/run_settings.h"
#include "app/workbench/session/run_shelf.h"
#include "widgets/values.h"

#include <QWidget>

#include <vector>

class QLabel;
class QLineEdit;
class QProgressBar;
class QStackedWidget;

namespace blockcert::widgets {
class EmptyState;
class Notice;
class PageTitle;
class ProgressList;
class SegmentedControl;
}

namespace blockcert::workbench {

class BlockPicker;
class OptionsPanel;
class PromptsPanel;
class RunSide;
class SurrogatePanel;

class RunPage : public QWidget {
    Q_OBJECT

public:
    explicit RunPage(QWidget* parent = nullptr);

    // Without a card the page offers to open a model.
    void setModel(const QString& name, const std::shared_ptr<const widgets::ModelCard>& card);
    void setPrompts(const Loadable<widgets::PromptList>& list);
    void setPromptFile(const QString& path);  // chosen in a dialog or dropped
    void setPromptSet(const QString& name);   // a bundled one
    void setCheckpoint(const QString& model); // whose blocks stand in
    void showForm();                          // whatever ran before: what a new run will be
    void setEstimate(const Loadable<RunEstimate>& estimate, const std::optional<ExpectedTime>& time);
    void setOut(const QString& path);
    void setResumable(const std::vector<ShelvedRun>& runs);
    void showRun(const RunLauncher& launcher); // progress, end, fault
    void setQueued(int count);                 // runs that wait
    void showUnanswered();                     // a cancel is not heard
    void showSettings(const RunSettings& settings, int layers);

    [[nodiscard]] RunSettings settings() const;
    [[nodiscard]] std::vector<int> blocks() const;
    [[nodiscard]] QString obstacle() const; // why it cannot run, or empty
    [[nodiscard]] QWidget* side() const;

    // A run of the open model, or one that goes on: its progress can be shown.
    [[nodiscard]] bool hasRun() const { return m_hasRun; }

    [[nodiscard]] bool showsProgress() const;

signals:
    void settingsChanged();
    void viewChanged(); // between the settings and the progress of a run
    void promptChoiceChanged(const blockcert::workbench::PromptChoice& choice);
    void promptFileWanted();
    void promptsRetryWanted();
    void checkpointWanted(); // a model whose blocks stand in
    void modelWanted();
    void demoWanted();
    void outWanted();
    void outEdited();
    void runWanted();
    void cancelWanted();
    void endEngineWanted();
    void copyWanted();
    void resumeWanted(const QString& path);
    void resumeLastWanted();
    void pauseWanted();
    void queueWanted();
    void exploreWanted(int block); // -1: any
    void verifyWanted();
    void remedyWanted(blockcert::workbench::Remedy remedy);

private:
    QWidget* makeForm();
    QWidget* makeLane();
    void announceSettings();
    [[nodiscard]] bool hasPrompts() const;
    [[nodiscard]] QString settingsProblem() const;
    void choosePrompts(PromptChoice::Kind kind, const QString& name);
    void refreshBlocks(const QString& text);
    void showView(int view);
    void forgetRun();
    void refreshTitle();
    void refresh();

    QString m_model;
    std::shared_ptr<const widgets::ModelCard> m_card;
    Loadable<widgets::PromptList> m_prompts;
    QStackedWidget* m_stack = nullptr;
    widgets::EmptyState* m_empty = nullptr;
    widgets::PageTitle* m_title = nullptr;
    widgets::SegmentedControl* m_view = nullptr; // settings, progress
    QStackedWidget* m_body = nullptr;
    PromptsPanel* m_promptsPanel = nullptr;
    BlockPicker* m_picker = nullptr;
    QLineEdit* m_blocksText = nullptr;
    ElidedLabel* m_blocksNote = nullptr;
    QString m_blocksProblem; // why the text of blocks chooses none
    SurrogatePanel* m_surrogate = nullptr;
    OptionsPanel* m_options = nullptr;
    widgets::Notice* m_outcome = nullptr;
    QLabel* m_summary = nullptr;
    QProgressBar* m_bar = nullptr;
    widgets::ProgressList* m_lane = nullptr;
    RunSide* m_side = nullptr;
    enum class Offer { None, Explore, Resume, Remedy, EndEngine };
    Offer m_offer = Offer::None;
    Remedy m_remedy = Remedy::Retry;
    bool m_isRunning = false;
    bool m_hasRun = false;
    QString m_runModel; // that run's model as the command line takes it, and for people
    QString m_runModelName;
    QString m_runClaim;
    QString m_runName;
};

}
