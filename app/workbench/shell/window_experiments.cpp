// MainWindow: the board of experiments.
#include "app/workbench/pages/experiments_page.h"
#include "app/workbench/shell/main_window.h"

#include <QClipboard>
#include <QGuiApplication>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;

void MainWindow::connectExperiments()
{
    ExperimentBoard& board = m_session.experiments;
    connect(&board, &ExperimentBoard::changed, this, [this] {
        m_experimentsPage->show(m_session.experiments);
        refreshRail();
    });
    connect(m_experimentsPage, &ExperimentsPage::runWanted, &board, &ExperimentBoard::run);
    connect(m_experimentsPage, &ExperimentsPage::cancelWanted, &board, &ExperimentBoard::cancel);
    connect(m_experimentsPage, &ExperimentsPage::copyWanted, this,
            [this] { QGuiApplication::clipboard()->setText(m_experimentsPage->command()); });
    connect(m_experimentsPage, &ExperimentsPage::exportWanted, this, &MainWindow::exportView);
    connect(m_experimentsPage, &ExperimentsPage::folderWanted, this, [this] {
        const QString folder = askForFolder(u"experiments"_s, tr("A folder of experiments"));
        if (!folder.isEmpty())
            m_session.experiments.setFolder(folder);
    });
    board.setFolder(m_session.preferences.runFolder() + u"/experiments"_s);
}

}
