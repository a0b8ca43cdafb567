// The window: rail, crumbs, pages with their side panels, drawer and status bar, joined to the session.
#pragma once

#include "app/workbench/pages/page_parts.h"
#include "app/workbench/process/process_memory.h"
#include "app/workbench/session/history.h"
#include "app/workbench/session/path_kind.h"
#include "app/workbench/session/run_shelf.h"
#include "app/workbench/shell/command_palette.h"
#include "app/workbench/shell/session.h"

#include <QList>
#include <QMainWindow>
#include <QTimer>

#include <functional>
#include <memory>
#include <optional>
#include <vector>

class QStackedWidget;
class QToolButton;

namespace blockcert::widgets {
class CrumbBar;
class Notice;
class Rail;
class StatusLine;
class TourCard;
struct Crumb;
struct FailureRow;
struct ViewExport;
}

namespace blockcert::workbench {

class CertificatePage;
class Drawer;
class DropOverlay;
class EditDesk;
class EditPage;
class ExperimentsPage;
class ExplorePage;
class OpenPage;
class ReportPage;
class RunPage;
class StitchPage;
class TamperPage;
class VerifyPage;
struct FrozenView;

// Connects pages and documents; computes nothing and reads no file of a run or model itself.
class MainWindow : public QMainWindow {
    Q_OBJECT

public:
    enum Page { Open, Run, Explore, Verify, Certificate, Lab, Report, Stitch, Experiments, Edit };

    explicit MainWindow(Session& session, QWidget* parent = nullptr);

    // A model, run, certificate or prompt file, whatever it is; what it is not is said on the Open page.
    void openPath(const QString& path);
    void openModel(const QString& model);
    void openRun(const QString& path);
    void checkRun(const QString& path);
    void checkFolder(const QString& folder);
    void showPage(Page page);
    // Opens what was open when the window was closed, as far as it is still there.
    void restorePlace();

    [[nodiscard]] Page page() const { return m_page; }

    [[nodiscard]] OpenPage& openPage() { return *m_openPage; }

    [[nodiscard]] RunPage& runPage() { return *m_runPage; }

    [[nodiscard]] ExplorePage& explorePage() { return *m_explorePage; }

    [[nodiscard]] VerifyPage& verifyPage() { return *m_verifyPage; }

    [[nodiscard]] TamperPage& tamperPage() { return *m_tamperPage; }

    [[nodiscard]] ReportPage& reportPage() { return *m_reportPage; }

    // Freezes what is shown, for the report.
    void sendToReport();
    void writeReport(const QString& path, bool pdf);
    // The guided tour, from where it was left.
    void startTour();
    void leaveTour();

    [[nodiscard]] StitchPage& stitchPage() { return *m_stitchPage; }

    [[nodiscard]] ExperimentsPage& experimentsPage() { return *m_experimentsPage; }

    [[nodiscard]] EditPage& editPage() { return *m_editPage; }

protected:
    void closeEvent(QCloseEvent* event) override;
    void dragEnterEvent(QDragEnterEvent* event) override;
    void dragLeaveEvent(QDragLeaveEvent* event) override;
    void dropEvent(QDropEvent* event) override;
    void changeEvent(QEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;

private:
    // Of Explore: what is to be sent to the report.
    struct AskedView {
        int view = 0;        // ExplorePage::View
        int failurePart = 0; // FailureView::Part
        QString run;
    };

    // What Alt+Left returns to.
    struct Place {
        Page page = Open;
        QString run;
        QString check;
        widgets::CellKey cell;
        int certificate = -1; // the block whose certificate was read

        friend bool operator==(const Place&, const Place&) = default;
    };

    void openAs(const QString& path, PathKind kind);
    [[nodiscard]] static int stepOf(Page page); // in the rail
    [[nodiscard]] static Page pageOfStep(int step);
    [[nodiscard]] Place here() const;
    void recordStep();
    void selectionMoved();
    void refreshHistory();
    void travel(const Place& place);
    void goBack();
    void goForward();

    void buildShell();
    void buildActions();
    void buildTopBar();
    [[nodiscard]] std::vector<PaletteEntry> paletteEntries();
    [[nodiscard]] QSize firstSize() const;
    void applyLayout();
    void useLayout(ShellLayout::Name name);
    void resetLayout();
    void keepLayout();
    void toggleSide();
    void fitSides();
    void foldEditSide();
    void refreshExplanation();
    void connectOpenPage();
    void connectRunPage();
    void connectExplorePage();
    void connectVerifyPage();
    void connectStitchPage();
    void connectEditPage();
    void connectFailures();
    void connectExperiments();
    void forgetFailures();
    void connectJobs();
    void connectRuns();
    void connectTeaching();
    void connectRemote();
    void connectReport();
    void connectSession();

    QAction* addCommand(const QString& text, const QString& keys, const std::function<void()>& work);
    [[nodiscard]] static QString today(); // ISO 8601
    [[nodiscard]] QString startFolder(const QString& kind) const;
    [[nodiscard]] QString askForFile(const QString& kind, const QString& title, const QString& filter);
    [[nodiscard]] QString askForFolder(const QString& kind, const QString& title);
    void chooseModel();
    void chooseModelFile();
    void chooseRun();
    void chooseCheck();
    void choosePrompts();
    void chooseOut();
    void withChosenRun(const std::function<void(QueuedRun)>& use); // what the Run page says, if it can be run
    void launch(const QueuedRun& run);
    void startRun();
    void queueRun();
    void startNextQueued();
    void announceEnd(const QString& title, const QString& sentence);
    void resumeRun(const QString& path);
    void cancelCurrent();
    void choosePolicy();
    void chooseFolderToCheck();
    void save(const QString& path, const QByteArray& text);
    void saveVerdict();
    void saveBatch();
    void showBatchItem(int at);
    void learnVerifySpeed(const VerifyRequest& request, const widgets::VerdictView& verdict);
    void refreshVerifyCost();
    void showCertificate(int block);
    void editPreferences();
    void applyRemedy(Remedy remedy, Page page);
    void copyCommand();
    void addEditCommands();
    void addReportCommands();
    void exportReport(bool pdf);
    // The page as the report takes it; nothing where there is nothing to send.
    [[nodiscard]] std::optional<FrozenView> frozenPage() const;
    [[nodiscard]] std::optional<FrozenView> frozenRun() const;
    [[nodiscard]] std::optional<FrozenView> frozenHead() const; // of a run: which, and what is known of its truth
    [[nodiscard]] std::optional<FrozenView> frozenVerdict() const;
    [[nodiscard]] std::optional<FrozenView> frozenEdit() const;
    // What draws the view, in another thread; empty where there is nothing but tables.
    void freezeExplore(FrozenView& frozen, const AskedView& asked) const;
    [[nodiscard]] AskedView askedView() const;
    [[nodiscard]] bool isComing(const AskedView& asked) const; // what it shows is still being made
    void send(FrozenView frozen);
    void sendAwaited(); // if it is there by now
    void freezeCertificate(ReportItem& item) const;
    void addRemoteCommands();
    [[nodiscard]] QString remoteOut(const QString& prompts, const QString& dtype) const;
    void fetchRun(const QString& remoteRun);
    void chooseFetch();
    void addTeachingCommands();
    void openLab(const QString& run);
    void openTeachingRun(const std::function<void(const QString&)>& then);
    void showTourStep(int step);
    void doTourAction();
    [[nodiscard]] QWidget* tourTarget() const;
    void setTypeScale(double scale);
    void toggleDrawer(int page);
    void release(); // Esc

    void settingsChanged();
    [[nodiscard]] QString freshOut(const RunSettings& settings) const;
    [[nodiscard]] QStringList foldersToCome() const;
    void proposeOut();
    void modelChanged();
    void runChanged();
    void runRefused(const QString& path, const JobFault& fault);
    void runProgressed();
    void runEnded();
    void refreshShelf();
    void refreshRuns();
    void refreshOther();
    void chooseOther();
    void setOther(const QString& path); // empty: none
    [[nodiscard]] QStringList diffArguments() const;
    void compareClaims();
    void stitch(bool bisect, bool measureOnly);
    void addExportCommands();
    // What the page in front hands out: its picture with its numbers, else its table; nothing where it has neither.
    [[nodiscard]] std::optional<widgets::ViewExport> shownExport() const;
    [[nodiscard]] widgets::ViewExport ofShownRuns(widgets::ViewExport table) const;
    void exportView(const widgets::ViewExport& view);
    void exportFailure(const widgets::FailureRow& failure, const QString& note);
    void refreshTrust();
    void noteDamage(const Loadable<RunView>& run);
    void refreshCertificateTrust();
    [[nodiscard]] QString shownRunPath() const; // of the side that Explore shows
    void rememberPlace();
    void refreshCrumbs();
    void refreshRail();
    void refreshStatus();
    void refreshDrawer();
    void crumbSibling(int level, int sibling);

    Session& m_session;
    widgets::Rail* m_rail = nullptr;
    widgets::CrumbBar* m_crumbs = nullptr;
    QStackedWidget* m_pages = nullptr;
    QStackedWidget* m_sides = nullptr;
    QWidget* m_editSide = nullptr; // in m_sides, or in its page where the window is narrow
    Drawer* m_drawer = nullptr;
    widgets::StatusLine* m_status = nullptr;
    OpenPage* m_openPage = nullptr;
    RunPage* m_runPage = nullptr;
    ExplorePage* m_explorePage = nullptr;
    VerifyPage* m_verifyPage = nullptr;
    CertificatePage* m_certificatePage = nullptr;
    TamperPage* m_tamperPage = nullptr;
    ReportPage* m_reportPage = nullptr;
    widgets::TourCard* m_tour = nullptr;
    int m_tourStep = -1; // −1: no tour
    StitchPage* m_stitchPage = nullptr;
    ExperimentsPage* m_experimentsPage = nullptr;
    EditPage* m_editPage = nullptr;
    EditDesk* m_editDesk = nullptr;

    widgets::Notice* m_explanation = nullptr;
    QWidget* m_sideLine = nullptr;
    DropOverlay* m_dropOverlay = nullptr;

    Page m_page = Open;
    ShellLayout m_layout;
    QList<QAction*> m_commands;
    QString m_commandGroup; // of the commands that are being added
    std::vector<ShelvedRun> m_shelf;
    enum class CrumbLevel { Model, RunLevel, Block, Prompt, Token, ComponentLevel, Plain };
    std::vector<CrumbLevel> m_crumbLevels;
    int m_remoteRuns = 0;        // launched on the engine's machine since the window opened, which name their folders
    bool m_outWasEdited = false; // else the run folder follows model and prompts
    std::shared_ptr<FrozenView> m_awaitedView; // for the report, without what is still being made
    AskedView m_awaited;
    QString m_resumeWhenRead; // a run that is being read in order to be resumed
    LastPlace m_restoring;    // its cell is shown when its run has been read
    History<Place> m_history;
    bool m_isTravelling = false;
    QToolButton* m_other = nullptr; // which run is B
    QAction* m_back = nullptr;
    QAction* m_forward = nullptr;
    QTimer m_statusTimer;
    ProcessMemory m_engineMemory;
    QTimer m_crumbTimer;
    QTimer m_placeTimer; // writes the place a moment after it changed, so that a crash forgets little
};

}
