// MainWindow: what the user asks for, by key, button or dialog.
#include "app/workbench/pages/certificate_page.h"
#include "app/workbench/pages/experiments_page.h"
#include "app/workbench/pages/explore_page.h"
#include "app/workbench/pages/open_page.h"
#include "app/workbench/pages/run_page.h"
#include "app/workbench/pages/stitch_page.h"
#include "app/workbench/pages/verify_page.h"
#include "app/workbench/shell/dialogs.h"
#include "app/workbench/shell/drawer.h"
#include "app/workbench/shell/edit_desk.h"
#include "app/workbench/shell/main_window.h"

#include <QClipboard>
#include <QDir>
#include <QFileDialog>
#include <QFileInfo>
#include <QGuiApplication>
#include <QMessageBox>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;

void MainWindow::connectOpenPage()
{
    connect(m_openPage, &OpenPage::modelWanted, this, &MainWindow::chooseModel);
    connect(m_openPage, &OpenPage::modelFileWanted, this, &MainWindow::chooseModelFile);
    connect(m_openPage, &OpenPage::runWanted, this, &MainWindow::chooseRun);
    connect(m_openPage, &OpenPage::checkWanted, this, &MainWindow::chooseCheck);
    connect(m_openPage, &OpenPage::demoWanted, this, [this] { openModel(u"demo"_s); });
    connect(m_openPage, &OpenPage::measureWanted, this, [this] {
        m_runPage->showForm();
        showPage(Run);
    });
    connect(m_openPage, &OpenPage::modelChosen, this, &MainWindow::openModel);
    connect(m_openPage, &OpenPage::runChosen, this, &MainWindow::openRun);
    connect(m_openPage, &OpenPage::remedyWanted, this, [this](Remedy remedy) { applyRemedy(remedy, Open); });
}

void MainWindow::connectRunPage()
{
    connect(m_runPage, &RunPage::settingsChanged, this, &MainWindow::settingsChanged);
    connect(m_runPage, &RunPage::viewChanged, this, &MainWindow::refreshCrumbs);
    connect(m_runPage, &RunPage::promptChoiceChanged, this, [this](const PromptChoice& choice) {
        m_session.prompts.setChoice(choice);
        proposeOut();
    });
    connect(m_runPage, &RunPage::promptFileWanted, this, &MainWindow::choosePrompts);
    connect(m_runPage, &RunPage::checkpointWanted, this, [this] {
        const QString path = askForFolder(u"model"_s, tr("Choose the model whose blocks stand in"));
        if (!path.isEmpty())
            m_runPage->setCheckpoint(path);
    });
    connect(m_runPage, &RunPage::promptsRetryWanted, &m_session.prompts, &PromptDocument::reload);
    connect(m_runPage, &RunPage::modelWanted, this, &MainWindow::chooseModel);
    connect(m_runPage, &RunPage::demoWanted, this, [this] { openModel(u"demo"_s); });
    connect(m_runPage, &RunPage::outWanted, this, &MainWindow::chooseOut);
    connect(m_runPage, &RunPage::outEdited, this, [this] { m_outWasEdited = true; });
    connect(m_runPage, &RunPage::runWanted, this, &MainWindow::startRun);
    connect(m_runPage, &RunPage::cancelWanted, this, &MainWindow::cancelCurrent);
    connect(m_runPage, &RunPage::endEngineWanted, &m_session.engine, &EngineClient::end);
    connect(m_runPage, &RunPage::copyWanted, this, &MainWindow::copyCommand);
    connect(m_runPage, &RunPage::resumeWanted, this, &MainWindow::resumeRun);
    connect(m_runPage, &RunPage::resumeLastWanted, this, [this] { resumeRun(m_session.launcher.running().out); });
    connect(m_runPage, &RunPage::exploreWanted, this, [this](int block) {
        const RunLauncher& launcher = m_session.launcher;
        if (launcher.state() == RunLauncher::State::Running && !m_explorePage->isLive())
            m_explorePage->setLive(launcher.running().out, launcher.live()->map(), launcher.live()->blocks());
        showPage(Explore);
        if (block >= 0)
            m_explorePage->selectBlock(block);
    });
    connect(m_runPage, &RunPage::remedyWanted, this, [this](Remedy remedy) { applyRemedy(remedy, Run); });
}

void MainWindow::connectExplorePage()
{
    connect(&m_session.selection, &SelectionBus::changed, this, &MainWindow::selectionMoved);
    connect(m_explorePage, &ExplorePage::mapGone, this, &MainWindow::refreshCrumbs);
    connect(m_explorePage, &ExplorePage::runWanted, this, &MainWindow::chooseRun);
    connect(m_explorePage, &ExplorePage::modelWanted, this, &MainWindow::chooseModel);
    connect(m_explorePage, &ExplorePage::demoWanted, this, [this] { openModel(u"demo"_s); });
    connect(m_explorePage, &ExplorePage::resumeWanted, this, [this] { resumeRun(shownRunPath()); });
    connect(m_explorePage, &ExplorePage::verifyWanted, this, [this] { checkRun(shownRunPath()); });
    connect(m_explorePage, &ExplorePage::sideChanged, this, [this] {
        refreshCertificateTrust();
        refreshCrumbs();
    });
    connect(m_explorePage, &ExplorePage::certificateWanted, this, &MainWindow::showCertificate);
    connect(m_explorePage, &ExplorePage::copyWanted, this, &MainWindow::copyCommand);
    connect(m_explorePage, &ExplorePage::remedyWanted, this, [this](Remedy remedy) { applyRemedy(remedy, Explore); });
    connect(m_certificatePage, &CertificatePage::backWanted, this, [this] { showPage(Explore); });
    connect(m_certificatePage, &CertificatePage::verifyWanted, this, [this](const QString& path) {
        checkRun(path);
        m_session.verdict.verify({path, 3, {}, {}});
    });
}

// Where a dialog for a thing of that kind begins: another run is likely to lie beside the open one.
QString MainWindow::startFolder(const QString& kind) const
{
    const bool isRun = kind == "run"_L1 || kind == "check"_L1;
    if (isRun && !m_session.run.path().isEmpty())
        return QFileInfo(m_session.run.path()).absolutePath();
    const QString last = m_session.preferences.lastFolder(kind);
    return isRun && last == QDir::homePath() ? m_session.preferences.runFolder() : last;
}

QString MainWindow::askForFile(const QString& kind, const QString& title, const QString& filter)
{
    const QString path = QFileDialog::getOpenFileName(this, title, startFolder(kind), filter);
    if (!path.isEmpty())
        m_session.preferences.setLastFolder(kind, QFileInfo(path).absolutePath());
    return path;
}

QString MainWindow::askForFolder(const QString& kind, const QString& title)
{
    const QString path = QFileDialog::getExistingDirectory(this, title, startFolder(kind));
    if (!path.isEmpty())
        m_session.preferences.setLastFolder(kind, QFileInfo(path).absolutePath());
    return path;
}

void MainWindow::chooseModel()
{
    const QString path = askForFolder(u"model"_s, tr("Open a model folder"));
    if (!path.isEmpty())
        openModel(path);
}

void MainWindow::chooseModelFile()
{
    const QString path = askForFile(u"model"_s, tr("Open a model file"),
                                    tr("Models (*.gguf *.safetensors *.safetensors.index.json);;All files (*)"));
    if (!path.isEmpty())
        openModel(path);
}

void MainWindow::chooseRun()
{
    const QString path = askForFolder(u"run"_s, tr("Open a run: a folder with run.json"));
    if (!path.isEmpty())
        openRun(path);
}

void MainWindow::chooseCheck()
{
    const QString path = askForFolder(u"check"_s, tr("Check a run: a folder with run.json"));
    if (!path.isEmpty())
        checkRun(path);
}

void MainWindow::choosePrompts()
{
    const QString path = askForFile(u"prompts"_s, tr("Choose a prompt file"), tr("Prompts (*.jsonl *.txt *.csv)"));
    if (path.isEmpty())
        return;
    m_runPage->setPromptFile(path);
    showPage(Run);
}

void MainWindow::chooseOut()
{
    const QString start = m_runPage->settings().out;
    const QString path =
        QFileDialog::getSaveFileName(this, tr("Where should the run go?"), start, tr("Runs (*.blockcert)"), nullptr,
                                     QFileDialog::DontConfirmOverwrite);
    if (path.isEmpty())
        return;
    m_outWasEdited = true;
    m_runPage->setOut(path);
    settingsChanged();
}

void MainWindow::resumeRun(const QString& path)
{
    if (m_session.launcher.state() == RunLauncher::State::Running)
        return;
    if (m_session.preferences.engineIsRemote() && path == m_session.launcher.running().out) {
        showPage(Run);
        m_session.launcher.resumeLast();
        return;
    }
    const Loadable<RunView>& run = m_session.run.run();
    const bool isRead = run.isReady() && m_session.run.path() == path;
    if (!isRead) {
        m_resumeWhenRead = path;
        m_session.run.open(path);
        return;
    }
    if (!run.value->settings) {
        m_session.board.addProblem(
            tr("%1 cannot be resumed here: its run.json does not name the command that made it.").arg(path));
        toggleDrawer(Drawer::Problems);
        return;
    }
    showPage(Run);
    m_session.launcher.resume(*run.value);
}

void MainWindow::cancelCurrent()
{
    if (m_session.launcher.state() == RunLauncher::State::Running)
        m_session.launcher.cancel();
    else if (m_session.verdict.verdict().isLoading())
        m_session.verdict.cancel();
    else
        m_session.model.cancel();
}

void MainWindow::copyCommand()
{
    QString command;
    const std::shared_ptr<const RunView> run = m_explorePage->shownRun();
    const bool isOfRun = m_page == Explore || m_page == Certificate;
    if (m_page == Verify && m_verifyPage->showsTable())
        command = m_verifyPage->tableCommand(m_session.batch);
    else if (m_page == Verify)
        command = shellCommand(QStringList{u"blockcert"_s} + verifyArguments(m_session.verdict.request()));
    else if (m_page == Experiments)
        command = m_experimentsPage->command();
    else if (m_page == Stitch)
        command = m_stitchPage->command();
    else if (m_page == Edit)
        return m_editDesk->copyCommand();
    else if (isOfRun && m_explorePage->shownSide() == ExplorePage::Side::Change)
        command = shellCommand(QStringList{u"blockcert"_s} + diffArguments());
    else if (isOfRun && run && !run->command.isEmpty())
        command = run->command;
    else if (m_session.launcher.state() == RunLauncher::State::Running)
        command = certifyCommand(m_session.launcher.running());
    else
        command = certifyCommand(m_runPage->settings());
    QGuiApplication::clipboard()->setText(command);
}

void MainWindow::showCertificate(int block)
{
    const std::shared_ptr<const RunView> run = m_explorePage->shownRun();
    if (!run)
        return;
    const auto found = run->certificates.find(block);
    if (found == run->certificates.end())
        return;
    m_certificatePage->setCertificate(found->second, run->path);
    showPage(Certificate);
}

void MainWindow::editPreferences()
{
    if (!editSettings(this, m_session.preferences))
        return;
    m_session.engine.setCommand(m_session.preferences.engineCommand());
    m_session.board.setEngineIsRemote(!m_session.preferences.engineCommandLine().isEmpty());
    m_session.tool.setProgram(m_session.preferences.toolPath());
    proposeOut();
    refreshShelf();
}

void MainWindow::applyRemedy(Remedy remedy, Page page)
{
    switch (remedy) {
    case Remedy::Settings: editPreferences(); return;
    case Remedy::OpenOther:
        if (page == Explore)
            chooseRun();
        else
            chooseModel();
        return;
    case Remedy::RestartEngine:
        if (m_session.engine.state() == EngineClient::State::Down)
            m_session.engine.start();
        break;
    case Remedy::Retry: break;
    }
    switch (page) {
    case Open: m_session.model.reload(); break;
    case Run: startRun(); break;
    case Explore: m_session.run.reload(); break;
    case Verify: m_session.verdict.verify(m_session.verdict.request()); break;
    case Certificate:
    case Lab:
    case Report:
    case Stitch:
    case Experiments:
    case Edit: break;
    }
}

void MainWindow::toggleDrawer(int page)
{
    const auto wanted = static_cast<Drawer::Page>(page);
    const bool isShown = m_drawer->isVisible() && m_drawer->page() == wanted;
    m_drawer->setVisible(!isShown);
    keepLayout();
    if (isShown)
        return;
    m_drawer->showPage(wanted);
    refreshDrawer();
}

void MainWindow::release()
{
    if (m_tourStep >= 0) {
        leaveTour();
    } else if (m_page == Explore && m_explorePage->canRelease()) {
        m_explorePage->release();
    } else if (m_drawer->isVisible()) {
        m_drawer->hide();
        keepLayout();
    } else if (m_page == Certificate)
        showPage(Explore);
    else if (m_page == Lab)
        showPage(Verify);
    else if (m_page == Explore)
        m_explorePage->release();
}

}
