// MainWindow: the run that goes on, the ones that wait for it, and the list of everything under way.
#include "app/workbench/pages/run_page.h"
#include "app/workbench/process/background.h"
#include "app/workbench/shell/drawer.h"
#include "app/workbench/shell/main_window.h"
#include "widgets/number_text.h"

#include <QApplication>
#include <QDateTime>
#include <QDir>
#include <QFileInfo>
#include <QSaveFile>
#include <QStandardPaths>
#include <QSystemTrayIcon>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;
using widgets::StepState;

namespace {

widgets::JobRow rowOf(const JobEntry& job)
{
    widgets::JobRow row;
    row.id = job.id;
    row.title = job.title;
    row.state = job.state;
    if (job.isPausing)
        row.stateWord = job.state == StepState::Cancelled ? MainWindow::tr("paused")
                        : job.state == StepState::Running ? MainWindow::tr("pausing")
                                                          : QString();
    if (job.state == StepState::Running && job.isUnanswered)
        row.stateWord = MainWindow::tr("does not answer");
    row.stage = job.progress.stage;
    row.done = static_cast<double>(job.progress.done);
    row.total = static_cast<double>(job.progress.total);
    row.unit = job.progress.unit;
    row.rate = job.progress.rate.value_or(widgets::missing);
    row.etaSeconds = job.progress.etaSeconds.value_or(widgets::missing);
    row.elapsedSeconds = job.progress.elapsedSeconds > 0 ? job.progress.elapsedSeconds : widgets::missing;
    row.sentence = job.sentence;
    return row;
}

// Typed prompts as a new file among the user's data; its path. Throws FileError.
QString savedPrompts(const QString& typed)
{
    const QString folder = QStandardPaths::writableLocation(QStandardPaths::AppDataLocation) + u"/prompts"_s;
    const QString path = u"%1/typed-%2.%3"_s.arg(folder, QDateTime::currentDateTime().toString(u"yyyyMMdd-HHmmss"_s),
                                                 typedFormat(typed));
    QDir().mkpath(folder);
    QSaveFile file(path);
    const QByteArray text = typed.toUtf8();
    if (!file.open(QIODevice::WriteOnly) || file.write(text) != text.size() || !file.commit())
        throw FileError(MainWindow::tr("The typed prompts could not be saved as %1 (%2).")
                            .arg(path, file.errorString())
                            .toStdString());
    return path;
}

}

void MainWindow::connectJobs()
{
    connect(m_drawer, &Drawer::cancelWanted, this, [this](qint64 job) { m_session.board.cancel(job); });
    connect(m_drawer, &Drawer::pauseWanted, &m_session.launcher, &RunLauncher::pause);
    connect(m_drawer, &Drawer::resumeWanted, this, [this] { resumeRun(m_session.launcher.running().out); });
    connect(m_drawer, &Drawer::removeWanted, &m_session.queue, &RunQueue::remove);
    connect(m_drawer, &Drawer::moveUpWanted, &m_session.queue, &RunQueue::moveUp);
    connect(m_drawer, &Drawer::clearProblemsWanted, this, [this] { m_session.board.clearProblems(); });
    connect(&m_session.queue, &RunQueue::changed, this, [this] {
        m_runPage->setQueued(static_cast<int>(m_session.queue.runs().size()));
        proposeOut();
        refreshStatus();
        refreshDrawer();
    });
    connect(&m_session.editLab, &EditLab::changed, this, [this] {
        refreshStatus();
        refreshDrawer();
    });
    connect(m_runPage, &RunPage::pauseWanted, &m_session.launcher, &RunLauncher::pause);
    connect(m_runPage, &RunPage::queueWanted, this, &MainWindow::queueRun);
}

// What goes on, then what waits in its order, then what has ended, the newest first.
void MainWindow::refreshDrawer()
{
    if (!m_drawer->isVisible())
        return;
    std::vector<widgets::JobRow> rows;
    std::vector<widgets::JobRow> ended;
    const std::vector<JobEntry>& entries = m_session.board.entries();
    for (auto job = entries.rbegin(); job != entries.rend(); ++job) {
        const bool goesOn = job->state == StepState::Running || job->state == StepState::Waiting;
        widgets::JobRow row = rowOf(*job);
        // The engine does one job at a time, so its memory is that job's.
        if (job->isEngine && job->state == StepState::Running && !m_session.engine.command().isRemote &&
            m_engineMemory.now > 0)
            row.memoryBytes = static_cast<double>(m_engineMemory.now);
        (goesOn ? rows : ended).push_back(std::move(row));
    }
    if (const JobId measuring = m_session.editLab.unlistedJob(); measuring != 0) {
        widgets::JobRow row;
        row.id = measuring;
        row.title = tr("Measure the edits");
        row.state = StepState::Running;
        row.stage = m_session.editLab.progress().stage;
        row.done = static_cast<double>(m_session.editLab.progress().done);
        row.total = static_cast<double>(m_session.editLab.progress().total);
        row.unit = m_session.editLab.progress().unit;
        rows.insert(rows.begin(), std::move(row));
    }
    const std::vector<QueuedRun>& queued = m_session.queue.runs();
    for (std::size_t i = 0; i < queued.size(); ++i) {
        widgets::JobRow row;
        row.id = -static_cast<qint64>(i) - 1;
        row.title = tr("Certify %1").arg(QFileInfo(queued[i].settings.out).completeBaseName());
        row.stateWord = tr("queued");
        row.stage = tr("%1 blocks × %2 prompts of %3")
                        .arg(queued[i].blocks.size())
                        .arg(queued[i].prompts ? queued[i].prompts->prompts.size() : 0)
                        .arg(queued[i].model);
        rows.push_back(std::move(row));
    }
    rows.insert(rows.end(), std::make_move_iterator(ended.begin()), std::make_move_iterator(ended.end()));
    const RunLauncher& launcher = m_session.launcher;
    const bool isRunning = launcher.state() == RunLauncher::State::Running;
    m_drawer->setRun(isRunning ? launcher.job() : 0, !isRunning && launcher.isResumable() ? launcher.job() : 0);
    m_drawer->setJobs(std::move(rows));
    m_drawer->setLog(m_session.engine.log());
    m_drawer->setProblems(m_session.board.problems());
}

void MainWindow::withChosenRun(const std::function<void(QueuedRun)>& use)
{
    if (!m_runPage->obstacle().isEmpty())
        return;
    const QueuedRun run{m_runPage->settings(), m_session.model.card().value->name, m_session.prompts.list().value,
                        m_runPage->blocks()};
    if (run.settings.prompts.kind != PromptChoice::Kind::Typed) {
        use(run);
        return;
    }
    // A run has to be repeatable by its command line, so typed prompts become a file first.
    runInBackground<QString>(
        this, [text = run.settings.prompts.text] { return savedPrompts(text); },
        [run, use](const QString& path) {
            QueuedRun saved = run;
            saved.settings.prompts.kind = PromptChoice::Kind::File;
            saved.settings.prompts.name = path;
            use(std::move(saved));
        },
        [this](const QString& sentence) {
            m_session.board.addProblem(sentence);
            toggleDrawer(Drawer::Problems);
        });
}

void MainWindow::launch(const QueuedRun& run)
{
    if (m_session.preferences.engineIsRemote())
        ++m_remoteRuns;
    else
        QDir().mkpath(QFileInfo(run.settings.out).absolutePath());
    m_session.launcher.run(run.settings, run.model, run.prompts, run.blocks);
    refreshCrumbs();
}

void MainWindow::startRun()
{
    if (m_session.launcher.state() == RunLauncher::State::Running)
        return;
    showPage(Run);
    withChosenRun([this](const QueuedRun& run) {
        if (m_session.launcher.state() != RunLauncher::State::Running)
            launch(run);
    });
}

void MainWindow::queueRun()
{
    withChosenRun([this](QueuedRun run) {
        if (foldersToCome().contains(run.settings.out) || QFileInfo::exists(run.settings.out))
            run.settings.out = freshOut(run.settings);
        m_session.queue.add(std::move(run));
    });
}

// A run that was stopped by hand holds the queue; one that ended by itself, well or badly, does not.
void MainWindow::startNextQueued()
{
    if (m_session.queue.runs().empty() || m_session.launcher.state() == RunLauncher::State::Cancelled)
        return;
    launch(m_session.queue.takeNext());
}

// The end of a long job, for somebody who is looking at another window.
void MainWindow::announceEnd(const QString& title, const QString& sentence)
{
    if (isActiveWindow())
        return;
    QApplication::alert(this);
    if (!m_session.preferences.notifies() || !QSystemTrayIcon::isSystemTrayAvailable())
        return;
    auto* tray = new QSystemTrayIcon(windowIcon().isNull() ? QIcon() : windowIcon(), this);
    tray->show();
    tray->showMessage(title, widgets::shownText(sentence), QSystemTrayIcon::Information, 8000);
    connect(tray, &QSystemTrayIcon::messageClicked, this, [this] {
        raise();
        activateWindow();
    });
    QTimer::singleShot(10000, tray, &QObject::deleteLater);
}

}
