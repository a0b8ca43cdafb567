// MainWindow: an engine on another machine, and the runs that are brought from there.
#include "app/workbench/shell/main_window.h"

#include <QDateTime>
#include <QFileInfo>
#include <QInputDialog>
#include <QRegularExpression>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;

void MainWindow::addRemoteCommands()
{
    addCommand(tr("Fetch a run from the engine's machine…"), {}, [this] { chooseFetch(); });
}

void MainWindow::connectRemote()
{
    connect(&m_session.fetch, &RunFetch::finished, this, [this](const QString& folder) {
        refreshShelf();
        announceEnd(tr("The run is here"), QFileInfo(folder).completeBaseName());
        m_session.preferences.addRecentRun({folder, QFileInfo(folder).completeBaseName()});
        m_session.run.open(folder);
        m_session.verdict.choose(folder);
    });
}

// What is there on the other machine is not known here: the minute keeps names of different windows apart, the number
// those of this one.
QString MainWindow::remoteOut(const QString& prompts, const QString& dtype) const
{
    static const QString opened = QDateTime::currentDateTime().toString(u"yyyyMMdd-HHmm"_s);
    static const QRegularExpression unsafe(u"[^A-Za-z0-9._-]+"_s);
    const int number = m_remoteRuns + static_cast<int>(m_session.queue.runs().size()) + 1;
    QString name = u"%1-%2-%3-%4-%5"_s.arg(m_session.model.card().value->name, prompts, dtype, opened).arg(number);
    name.replace(unsafe, u"-"_s);
    return m_session.preferences.remoteRunFolder() + u'/' + name + u".blockcert"_s;
}

// Into the folder for runs, under its own name or a numbered one.
void MainWindow::fetchRun(const QString& remoteRun)
{
    QString name = QFileInfo(remoteRun).fileName();
    if (name.endsWith(".blockcert"_L1))
        name.chop(10);
    QString folder = m_session.preferences.runFolder() + u'/' + name + u".blockcert"_s;
    for (int i = 2; QFileInfo::exists(folder); ++i)
        folder = u"%1/%2-%3.blockcert"_s.arg(m_session.preferences.runFolder(), name).arg(i);
    m_session.fetch.start(remoteRun, folder);
}

void MainWindow::chooseFetch()
{
    bool isChosen = false;
    const QString run = QInputDialog::getText(this, tr("Fetch a run"), tr("The run's folder on the engine's machine:"),
                                              QLineEdit::Normal, m_session.launcher.running().out, &isChosen)
                            .trimmed();
    if (isChosen && !run.isEmpty())
        fetchRun(run);
}

}
