// MainWindow: what follows when a document changes.
#include "app/workbench/pages/certificate_page.h"
#include "app/workbench/pages/edit_page.h"
#include "app/workbench/pages/experiments_page.h"
#include "app/workbench/pages/explore_page.h"
#include "app/workbench/pages/open_page.h"
#include "app/workbench/pages/run_page.h"
#include "app/workbench/pages/stitch_page.h"
#include "app/workbench/pages/verify_page.h"
#include "app/workbench/shell/drawer.h"
#include "app/workbench/shell/main_window.h"
#include "widgets/crumb_bar.h"
#include "widgets/number_text.h"

#include <QDate>
#include <QFileInfo>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;

QString MainWindow::today()
{
    return QDate::currentDate().toString(Qt::ISODate);
}

void MainWindow::connectSession()
{
    Session& session = m_session;
    connect(&session.engine, &EngineClient::stateChanged, this, [this] {
        refreshStatus();
        if (m_session.engine.state() == EngineClient::State::Down)
            m_session.board.addProblem(m_session.engine.problem());
    });
    connect(&session.engine, &EngineClient::died, this, [this](const QString& sentence, bool hadJob) {
        if (!hadJob) // else the job's failure is the problem
            m_session.board.addProblem(tr("%1 It is started again.").arg(sentence));
    });
    connect(&session.engine, &EngineClient::logged, this, &MainWindow::refreshDrawer);
    connect(&session.board, &JobBoard::changed, this, [this] {
        refreshStatus();
        refreshDrawer();
    });
    connect(&session.board, &JobBoard::cancelUnanswered, this, [this](JobId job) {
        if (job == m_session.launcher.job())
            m_runPage->showUnanswered();
    });

    connect(&session.model, &ModelDocument::changed, this, &MainWindow::modelChanged);
    connect(&session.model, &ModelDocument::replacing, m_openPage, &OpenPage::showReplacing);
    connect(&session.model, &ModelDocument::refused, this,
            [this](const QString&, const JobFault& fault) { m_openPage->showRefusal(fault); });
    connect(&session.model, &ModelDocument::opened, this, [this](const QString& name, const QString& title) {
        m_session.preferences.addRecentModel({name, title});
        refreshShelf();
    });
    connect(&session.prompts, &PromptDocument::changed, this, [this] {
        m_runPage->setPrompts(m_session.prompts.list());
        proposeOut();
    });

    connect(&session.launcher, &RunLauncher::estimateChanged, this,
            [this] { m_runPage->setEstimate(m_session.launcher.estimate(), m_session.launcher.expectedTime()); });
    connect(&session.launcher, &RunLauncher::paceLearned, this, [this] {
        m_session.preferences.setRunPaces(m_session.launcher.paces().paces());
        m_runPage->setEstimate(m_session.launcher.estimate(), m_session.launcher.expectedTime());
    });
    connect(&session.launcher, &RunLauncher::started, this, [this] {
        m_runPage->showRun(m_session.launcher);
        m_explorePage->setLive(m_session.launcher.running().out, m_session.launcher.live()->map(),
                               m_session.launcher.live()->blocks());
        refreshShelf();
        refreshRail();
    });
    connect(&session.launcher, &RunLauncher::cellFinished, m_explorePage, &ExplorePage::addCell);
    connect(&session.launcher, &RunLauncher::progressed, this, &MainWindow::runProgressed);
    connect(&session.launcher, &RunLauncher::ended, this, &MainWindow::runEnded);

    connect(&session.run, &RunDocument::changed, this, &MainWindow::runChanged);
    connect(&session.run, &RunDocument::refused, this, &MainWindow::runRefused);
    connect(&session.verdict, &VerdictDocument::changed, this, [this] {
        m_verifyPage->showVerdict(m_session.verdict);
        refreshVerifyCost();
        refreshRail();
        refreshCrumbs();
    });
    // Once for each check: a verdict of before that is shown again is no newer finding.
    connect(&session.verdict, &VerdictDocument::verified, this, [this] {
        const widgets::VerdictView& verdict = *m_session.verdict.verdict().value;
        m_session.verdicts.note(m_session.verdict.request().path, verdict, today());
        learnVerifySpeed(m_session.verdict.request(), verdict);
    });
    session.verdicts.restore(session.preferences.savedVerdicts());
    connect(&session.verdicts, &VerdictBook::changed, this, [this] {
        m_session.preferences.setSavedVerdicts(m_session.verdicts.saved());
        refreshTrust();
    });
    connect(&session.verdict, &VerdictDocument::progressed, this,
            [this] { m_verifyPage->showProgress(m_session.verdict); });
}

void MainWindow::modelChanged()
{
    const Loadable<widgets::ModelCard>& card = m_session.model.card();
    m_openPage->setModel(m_session.model.name(), card);
    m_runPage->setModel(m_session.model.name(), card.isReady() ? card.value : nullptr);
    m_experimentsPage->setModel(m_session.model.name());
    m_session.editLab.setModel(m_session.model.name(), card.isReady() ? card.value : nullptr);
    m_editPage->setModel(card);
    if (card.isReady())
        m_session.prompts.setModel(m_session.model.name(), card.value->tokenizer, card.value->tokenizerProblem);
    else
        m_session.prompts.setModel({}, std::nullopt, {});
    if (card.isReady())
        m_outWasEdited = false;
    proposeOut();
    refreshRail();
    refreshCrumbs();
}

// A folder for a run of these settings that nothing else has or will have.
QString MainWindow::freshOut(const RunSettings& settings) const
{
    const QString prompts = settings.prompts.kind == PromptChoice::Kind::Typed
                                ? u"typed"_s
                                : QFileInfo(settings.prompts.name).completeBaseName();
    if (m_session.preferences.engineIsRemote())
        return remoteOut(prompts, settings.dtype);
    return freshRunPath(m_session.preferences.runFolder(), m_session.model.card().value->name, prompts, settings.dtype,
                        foldersToCome());
}

// What the run under way and those that wait will make. A run that ended without a folder has left its name free.
QStringList MainWindow::foldersToCome() const
{
    QStringList folders = m_session.queue.folders();
    if (m_session.launcher.state() == RunLauncher::State::Running)
        folders << m_session.launcher.running().out;
    return folders;
}

void MainWindow::proposeOut()
{
    const Loadable<widgets::ModelCard>& card = m_session.model.card();
    if (m_outWasEdited || !card.isReady() || m_session.launcher.state() == RunLauncher::State::Running)
        return;
    const RunSettings settings = m_runPage->settings();
    const QString out = freshOut(settings);
    if (out != settings.out)
        m_runPage->setOut(out);
    settingsChanged();
}

void MainWindow::settingsChanged()
{
    const RunSettings settings = m_runPage->settings();
    m_session.prompts.setMaxTokens(settings.maxTokens);
    if (m_runPage->obstacle().isEmpty())
        m_session.launcher.setSettings(settings);
    else
        m_session.launcher.clearSettings();
}

void MainWindow::runProgressed()
{
    m_runPage->showRun(m_session.launcher);
    if (const LiveRun* live = m_session.launcher.live())
        m_explorePage->setLiveBlocks(live->blocks());
}

void MainWindow::runEnded()
{
    const RunLauncher& launcher = m_session.launcher;
    const QString out = launcher.running().out;
    m_outWasEdited = false;
    m_runPage->setEstimate(launcher.estimate(), launcher.expectedTime());
    proposeOut();
    refreshShelf();
    const bool hasRun = launcher.state() == RunLauncher::State::Finished || launcher.isResumable();
    const QString name = QFileInfo(out).completeBaseName();
    if (launcher.state() == RunLauncher::State::Finished)
        announceEnd(tr("The run is complete"), name);
    else if (launcher.state() == RunLauncher::State::Failed)
        announceEnd(tr("The run has stopped"), launcher.fault().sentence);
    if (!hasRun) {
        m_explorePage->endLive();
        refreshRail();
    } else if (m_session.preferences.engineIsRemote()) {
        if (launcher.state() == RunLauncher::State::Finished)
            fetchRun(out);
    } else if (m_session.queue.runs().empty() || launcher.state() == RunLauncher::State::Cancelled) {
        m_session.preferences.addRecentRun({out, name});
        m_session.run.open(out);
        m_session.verdict.choose(out);
    }
    startNextQueued();
}

void MainWindow::runChanged()
{
    const Loadable<RunView>& run = m_session.run.run();
    const bool isLive = m_session.launcher.state() == RunLauncher::State::Running;
    if (!isLive || m_session.run.path() != m_session.launcher.running().out)
        m_explorePage->setRun(m_session.run.path(), run);
    noteDamage(run);
    refreshTrust();
    compareClaims();
    m_stitchPage->setRun(m_session.run.path(), run);
    forgetFailures();
    if (run.isReady()) {
        m_session.preferences.addRecentRun({run.value->path, run.value->name});
        refreshShelf();
        m_session.catalogue.learn(run.value->path, run.value->facts);
        if (m_restoring.run == run.value->path) {
            m_restoring.run.clear();
            m_explorePage->goTo(m_restoring.cell);
        }
        if (m_resumeWhenRead == run.value->path) {
            m_resumeWhenRead.clear();
            resumeRun(run.value->path);
        }
    } else if (run.state == Loadable<RunView>::State::Failed && m_resumeWhenRead == m_session.run.path()) {
        m_resumeWhenRead.clear();
        showPage(Explore); // where the reason stands
    }
    refreshRail();
    refreshCrumbs();
}

// What was found out by reading alone takes back what was verified before.
void MainWindow::noteDamage(const Loadable<RunView>& run)
{
    if (run.isReady() && run.value->damaged && !run.value->problems.isEmpty())
        m_session.verdicts.noteDamage(run.value->path, run.value->digest, run.value->problems.back(), today());
}

// The pages that show a run say whether its numbers were recomputed here.
void MainWindow::refreshTrust()
{
    const Loadable<RunView>& run = m_session.run.run();
    const Loadable<RunView>& other = m_session.other.run();
    const bool isShown = run.isReady() && !m_explorePage->isLive();
    m_explorePage->setVerdict(isShown ? m_session.verdicts.of(run.value->path, run.value->digest) : std::nullopt);
    m_explorePage->setOtherVerdict(other.isReady() ? m_session.verdicts.of(other.value->path, other.value->digest)
                                                   : std::nullopt);
    refreshCertificateTrust();
}

// The certificate is of the run that Explore shows.
void MainWindow::refreshCertificateTrust()
{
    const std::shared_ptr<const RunView> run = m_explorePage->shownRun();
    m_certificatePage->setVerdict(run ? m_session.verdicts.of(run->path, run->digest) : std::nullopt);
}

QString MainWindow::shownRunPath() const
{
    const std::shared_ptr<const RunView> run = m_explorePage->shownRun();
    return run ? run->path : m_session.run.path();
}

}
