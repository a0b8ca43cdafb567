// MainWindow: what is shown, written as SVG, PDF, PNG or CSV, from every page and by every way of asking for it.
#include "app/workbench/pages/edit_board.h"
#include "app/workbench/pages/edit_page.h"
#include "app/workbench/pages/experiments_page.h"
#include "app/workbench/pages/explore_page.h"
#include "app/workbench/pages/page_parts.h"
#include "app/workbench/pages/stitch_page.h"
#include "app/workbench/pages/sweep_view.h"
#include "app/workbench/process/background.h"
#include "app/workbench/shell/main_window.h"
#include "widgets/coverage_strip.h"
#include "widgets/figure_view.h"
#include "widgets/status_line.h"
#include "widgets/svg_view.h"
#include "widgets/table_export.h"
#include "widgets/token_heatmap.h"
#include "widgets/value_grid.h"

#include <QAction>
#include <QFileDialog>
#include <QFileInfo>
#include <QStackedWidget>
#include <QTableView>
#include <QTreeView>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;

namespace {

// A right click on it offers what it can do.
void addToMenu(QWidget& view, QAction* action)
{
    view.addAction(action);
    view.setContextMenuPolicy(Qt::ActionsContextMenu);
}

bool isTable(const QAbstractItemView& view)
{
    return qobject_cast<const QTableView*>(&view) || qobject_cast<const QTreeView*>(&view);
}

// The first table in view that has anything: on a page without pictures that is what it shows.
std::optional<widgets::ViewExport> shownTable(const QWidget& page)
{
    for (const auto* view : page.findChildren<QAbstractItemView*>())
        if (isTable(*view) && view->isVisible() && view->model() && view->model()->rowCount() > 0)
            return widgets::tableExport(*view->model(), view->accessibleName());
    return std::nullopt;
}

}

void MainWindow::addExportCommands()
{
    QAction* shown = addCommand(tr("Export this view as…"), u"Ctrl+E"_s, [this] {
        if (const std::optional<widgets::ViewExport> view = shownExport())
            exportView(*view);
        else
            m_status->say(tr("There is nothing on this page to export yet."));
    });
    for (QWidget* view : m_pages->findChildren<QWidget*>())
        if (qobject_cast<widgets::TokenHeatmap*>(view) || qobject_cast<widgets::CoverageStrip*>(view) ||
            qobject_cast<widgets::FigureView*>(view) || qobject_cast<widgets::ValueGrid*>(view) ||
            qobject_cast<widgets::SvgView*>(view))
            addToMenu(*view, shown);
    for (QAbstractItemView* view : m_pages->findChildren<QAbstractItemView*>()) {
        if (!isTable(*view) || view->contextMenuPolicy() == Qt::CustomContextMenu)
            continue;
        auto* action = new QAction(tr("Export this table as…"), view);
        connect(action, &QAction::triggered, this, [this, view] {
            if (view->model() && view->model()->rowCount() > 0)
                exportView(ofShownRuns(widgets::tableExport(*view->model(), view->accessibleName())));
            else
                m_status->say(tr("There is nothing in this table to export yet."));
        });
        addToMenu(*view, action);
    }
}

std::optional<widgets::ViewExport> MainWindow::shownExport() const
{
    widgets::ViewExport view;
    switch (m_page) {
    case Explore:
        if (std::optional<widgets::ViewExport> explored = m_explorePage->exported())
            return explored;
        break;
    case Stitch: view = m_stitchPage->exported(); break;
    case Edit:
        if (m_editPage->view() == EditPage::Sweep)
            view = m_editPage->sweepView().exported();
        else if (m_editPage->view() != EditPage::Labels && m_editPage->view() != EditPage::Receipt)
            view = m_editPage->board().exported();
        break;
    case Experiments: view = m_experimentsPage->exported(); break;
    default: break;
    }
    if (view.paint)
        return view;
    std::optional<widgets::ViewExport> table = shownTable(*m_pages->currentWidget());
    return table ? std::optional(ofShownRuns(*std::move(table))) : std::nullopt;
}

// A table knows nothing of where its rows are from.
widgets::ViewExport MainWindow::ofShownRuns(widgets::ViewExport table) const
{
    return m_page == Explore ? m_explorePage->withRuns(std::move(table)) : table;
}

// As SVG, PDF, PNG or CSV by the name that is chosen; written outside the GUI thread.
void MainWindow::exportView(const widgets::ViewExport& view)
{
    const QString start = m_session.preferences.lastFolder(u"export"_s) + u'/' + view.name + u".svg"_s;
    QString path =
        QFileDialog::getSaveFileName(this, tr("Export this view"), start, widgets::exportFilters().join(u";;"_s));
    if (path.isEmpty())
        return;
    if (!widgets::exportFormatOf(path))
        path += u".svg"_s;
    m_session.preferences.setLastFolder(u"export"_s, QFileInfo(path).absolutePath());
    const auto tell = [this, path](const QString& problem) {
        if (problem.isEmpty()) {
            m_status->say(tr("Saved %1").arg(shortPath(path)));
            return;
        }
        m_session.board.addProblem(problem);
        warn(this, tr("Export this view"), problem);
    };
    runInBackground<QString>(
        this, [view, path] { return widgets::writeExport(view, path, *widgets::exportFormatOf(path)); }, tell, tell);
}

}
