// MainWindow: the list of runs, the user's notes on them, and the run that is compared with.
#include "app/workbench/pages/explore_page.h"
#include "app/workbench/pages/open_page.h"
#include "app/workbench/process/background.h"
#include "app/workbench/session/failure_list.h"
#include "app/workbench/shell/drawer.h"
#include "app/workbench/shell/main_window.h"
#include "widgets/number_text.h"
#include "widgets/status_line.h"

#include <QClipboard>
#include <QDir>
#include <QFileDialog>
#include <QFileInfo>
#include <QGuiApplication>
#include <QSaveFile>
#include <QToolButton>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;
using RunState = widgets::RunRow::State;

namespace {

RunState stateOf(const ShelvedRun& run, const RunFacts* facts, const std::optional<widgets::RunVerdict>& verdict)
{
    if (run.isRunning)
        return RunState::Running;
    if (!run.finished)
        return RunState::Unfinished;
    if (facts && !facts->problem.isEmpty())
        return RunState::Unreadable;
    if (!verdict)
        return facts ? RunState::Unverified : RunState::Unknown;
    switch (verdict->state) {
    case CheckState::Verified:
        return trustMark(verdict) == widgets::Mark::Unchanged ? RunState::Unchanged : RunState::Verified;
    case CheckState::Failed: return RunState::Failed;
    case CheckState::WeakerThanPolicy: return RunState::Weaker;
    case CheckState::NotChecked: return RunState::Unverified;
    }
    return RunState::Unknown;
}

// Three small files, each whole or not there.
void writeBundle(const QString& folder, const FailureBundle& bundle)
{
    QDir().mkpath(folder);
    const std::pair<QString, QByteArray> files[] = {{u"prompt.jsonl"_s, QByteArray::fromStdString(bundle.prompts)},
                                                    {u"failure.json"_s, QByteArray::fromStdString(bundle.numbers)},
                                                    {u"command.sh"_s, bundle.script.toUtf8()}};
    for (const auto& [name, text] : files) {
        QSaveFile file(folder + u'/' + name);
        if (!file.open(QIODevice::WriteOnly) || file.write(text) != text.size() || !file.commit())
            throw FileError(
                MainWindow::tr("%1 could not be written (%2).").arg(file.fileName(), file.errorString()).toStdString());
    }
}

}

void MainWindow::connectRuns()
{
    connect(m_openPage, &OpenPage::verifyWanted, this, &MainWindow::checkRun);
    connect(m_openPage, &OpenPage::resumeWanted, this, &MainWindow::resumeRun);
    connect(m_openPage, &OpenPage::folderWanted, this, [this] { checkFolder(m_session.preferences.runFolder()); });
    connect(m_openPage, &OpenPage::compareWanted, this, [this](const QString& path) {
        if (m_session.run.path().isEmpty()) { // then it is A
            openRun(path);
            return;
        }
        setOther(path);
        showPage(Explore);
        m_explorePage->showView(ExplorePage::Compare);
    });
    connect(m_openPage, &OpenPage::notesEdited, this,
            [this](const QString& path, const QStringList& tags, const QString& note) {
                const RunFacts* facts = m_session.catalogue.of(path);
                const QString key = annotationKey(facts ? facts->digest : QString(), path);
                RunNotes notes = m_session.notes.of(key);
                notes.tags = tags;
                notes.note = note;
                m_session.notes.set(key, notes);
            });
    connect(&m_session.catalogue, &RunCatalogue::changed, this, &MainWindow::refreshRuns);
    connect(&m_session.verdicts, &VerdictBook::changed, this, &MainWindow::refreshRuns);
    connect(&m_session.notes, &Annotations::changed, this, &MainWindow::refreshRuns);
    connect(&m_session.notes, &Annotations::failed, &m_session.board, &JobBoard::addProblem);
    connect(&m_session.other, &RunDocument::changed, this, &MainWindow::refreshOther);
    connect(&m_session.diff, &Asking::changed, this, [this] { m_explorePage->setDiff(m_session.diff.get()); });
    connect(m_explorePage, &ExplorePage::otherWanted, this, &MainWindow::chooseOther);
    connect(m_explorePage, &ExplorePage::swapWanted, this, [this] {
        const QString a = m_session.run.path();
        const QString b = m_session.other.path();
        setOther(a);
        m_session.run.open(b);
        m_session.verdict.choose(b);
    });
    connect(m_explorePage, &ExplorePage::diffCommandWanted, this, [this] {
        QGuiApplication::clipboard()->setText(shellCommand(QStringList{u"blockcert"_s} + diffArguments()));
    });
    connect(m_explorePage, &ExplorePage::viewExportWanted, this, &MainWindow::exportView);
    connect(m_explorePage, &ExplorePage::exportWanted, this, &MainWindow::exportFailure);
}

void MainWindow::refreshRuns()
{
    std::vector<widgets::RunRow> rows;
    for (const ShelvedRun& run : m_shelf) {
        const RunFacts* facts = m_session.catalogue.of(run.path);
        const QString digest = facts ? facts->digest : QString();
        const RunNotes notes = m_session.notes.of(annotationKey(digest, run.path));
        widgets::RunRow row;
        row.path = run.path;
        row.name = run.name;
        row.state = stateOf(run, facts, m_session.verdicts.of(run.path, digest));
        row.changed = run.changed.toMSecsSinceEpoch();
        row.changedText = shortTime(run.changed);
        row.tags = notes.tags;
        row.note = notes.note;
        if (facts) {
            row.model = facts->model;
            row.prompts = facts->prompts;
            row.baselineDtype = facts->baselineDtype;
            row.surrogate = facts->surrogate;
            row.blocks = facts->blocks;
            row.certified = facts->certified;
            row.tokens = facts->tokens;
            row.epsilon = facts->epsilon;
            row.problem = facts->problem;
        }
        rows.push_back(std::move(row));
    }
    m_openPage->setRuns(std::move(rows));
}

void MainWindow::setOther(const QString& path)
{
    if (path.isEmpty())
        m_session.other.close();
    else
        m_session.other.open(path);
    m_placeTimer.start();
}

void MainWindow::chooseOther()
{
    const QString path = askForFolder(u"run"_s, tr("Compare with a run: a folder with run.json"));
    if (path.isEmpty())
        return;
    setOther(path);
    showPage(Explore);
    m_explorePage->showView(ExplorePage::Compare);
}

void MainWindow::refreshOther()
{
    const QString path = m_session.other.path();
    QString name = QFileInfo(path).fileName();
    if (name.endsWith(".blockcert"_L1))
        name.chop(10);
    name = widgets::shownName(name);
    m_other->setText(path.isEmpty() ? tr("Compare with…")
                                    : tr("B: %1").arg(m_other->fontMetrics().elidedText(name, Qt::ElideMiddle, 130)));
    m_other->setToolTip(path.isEmpty() ? tr("A second run, B, to compare with") : widgets::plainToolTip(path));
    m_explorePage->setOther(path, m_session.other.run());
    noteDamage(m_session.other.run());
    refreshTrust();
    compareClaims();
}

QStringList MainWindow::diffArguments() const
{
    return {u"diff"_s, m_session.run.path(), m_session.other.path()};
}

// Once both runs have been read.
void MainWindow::compareClaims()
{
    if (m_session.run.run().isReady() && m_session.other.run().isReady())
        m_session.diff.askTool(tr("Compare runs"), diffArguments() << u"--json"_s, runDiffOf);
    else if (m_session.diff.get().state != Loadable<RunDiff>::State::Empty)
        m_session.diff.clear();
}

void MainWindow::exportFailure(const widgets::FailureRow& failure, const QString& note)
{
    const std::shared_ptr<const widgets::TokenMap> map = m_explorePage->map();
    if (!map)
        return;
    const QString start =
        m_session.preferences.lastFolder(u"failure"_s) + tr("/failure-block%1-%2-token%3")
                                                             .arg(failure.key.block)
                                                             .arg(QString(failure.prompt).replace(u'/', u'-'))
                                                             .arg(failure.key.token);
    const QString folder = QFileDialog::getSaveFileName(this, tr("Export this failure as a new folder"), start);
    if (folder.isEmpty())
        return;
    m_session.preferences.setLastFolder(u"failure"_s, QFileInfo(folder).absolutePath());
    const std::shared_ptr<const RunView> run = m_explorePage->isLive() ? nullptr : m_explorePage->shownRun();
    widgets::FailureRow marked = failure;
    if (run)
        marked.mark = markName(m_session.notes.ofToken(annotationKey(run->digest, run->path), failure.key).mark);
    runInBackground<bool>(
        this,
        [map, marked, run, note, folder] {
            writeBundle(folder, bundleOf(*map, marked, run.get(), note));
            return true;
        },
        [this, folder](bool) { m_status->say(tr("Saved %1").arg(shortPath(folder))); },
        [this](const QString& sentence) {
            m_session.board.addProblem(sentence);
            warn(this, tr("Export this failure"), sentence);
        });
}

}
