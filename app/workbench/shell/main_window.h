// The window: rail, crumbs, pages with their side panels, drawer and status bar, joined to the session.
#pragma once

#include "app/workbench/pages/page_parts.h"
#include "app/workbench/session/run_shelf.h"
#include "app/workbench/shell/session.h"

#include <QList>
#include <QMainWindow>
#include <QTimer>

#include <functional>
#include <vector>

class QStackedWidget;

namespace blockcert::widgets {
class CrumbBar;
class Rail;
class StatusLine;
struct Crumb;
}

namespace blockcert::workbench {

class CertificatePage;
class Drawer;
class ExplorePage;
class OpenPage;
class RunPage;
class VerifyPage;

// Connects pages and documents; computes nothing and reads no file of a run or model itself.
class MainWindow : public QMainWindow {
    Q_OBJECT

public:
    enum Page { Open, Run, Explore, Verify, Certificate };

    explicit MainWindow(Session& session, QWidget* parent = nullptr);

    // A model, run, certificate or prompt file, whatever it is; what it is not is said on the Open page.
    void openPath(const QString& path);
    void openModel(const QString& model);
    void openRun(const QString& path);
    void checkRun(const QString& path);
    void showPage(Page page);
    // Opens what was open when the window was closed, as far as it is still there.
    void restorePlace();

    [[nodiscard]] Page page() const { return m_page; }

    [[nodiscard]] OpenPage& openPage() { return *m_openPage; }

    [[nodiscard]] RunPage& runPage() { return *m_runPage; }

    [[nodiscard]] ExplorePage& explorePage() { return *m_explorePage; }

    [[nodiscard]] VerifyPage& verifyPage() { return *m_verifyPage; }

protected:
    void closeEvent(QCloseEvent* event) override;
    void dragEnterEvent(QDragEnterEvent* event) override;
    void dropEvent(QDropEvent* event) override;
    void changeEvent(QEvent* event) override;

private:
    void buildShell();
    void buildActions();
    void connectOpenPage();
    void connectRunPage();
    void connectExplorePage();
    void connectVerifyPage();
    void connectSession();

    QAction* addCommand(const QString& text, const QString& keys, const std::function<void()>& work);
    [[nodiscard]] QString askForFile(const QString& kind, const QString& title, const QString& filter);
    [[nodiscard]] QString askForFolder(const QString& kind, const QString& title);
    void chooseModel();
    void chooseModelFile();
    void chooseRun();
    void chooseCheck();
    void choosePrompts();
    void chooseOut();
    void startRun();
    void resumeRun(const QString& path);
    void cancelCurrent();
    void saveVerdict();
    void showCertificate(int block);
    void editPreferences();
    void applyRemedy(Remedy remedy, Page page);
    void copyCommand();
    void toggleDrawer(int page);
    [[nodiscard]] bool saveTypedPrompts(RunSettings& settings);
    void release(); // Esc

    void settingsChanged();
    void proposeOut();
    void modelChanged();
    void runChanged();
    void runProgressed();
    void runEnded();
    void refreshShelf();
    void refreshTrust();
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
    Drawer* m_drawer = nullptr;
    widgets::StatusLine* m_status = nullptr;
    OpenPage* m_openPage = nullptr;
    RunPage* m_runPage = nullptr;
    ExplorePage* m_explorePage = nullptr;
    VerifyPage* m_verifyPage = nullptr;
    CertificatePage* m_certificatePage = nullptr;

    Page m_page = Open;
    QList<QAction*> m_commands;
    std::vector<ShelvedRun> m_shelf;
    enum class CrumbLevel { Model, RunLevel, Block, Prompt, Token, Plain };
    std::vector<CrumbLevel> m_crumbLevels;
    bool m_outWasEdited = false; // else the run folder follows model and prompts
    QString m_resumeWhenRead;    // a run that is being read in order to be resumed
    LastPlace m_restoring;       // its cell is shown when its run has been read
    QTimer m_statusTimer;
    QTimer m_crumbTimer;
    QTimer m_placeTimer; // writes the place a moment after it changed, so that a crash forgets little
};

}
