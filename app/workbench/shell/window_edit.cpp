// MainWindow: the edit lab and its commands.
#include "app/workbench/pages/edit_board.h"
#include "app/workbench/pages/edit_page.h"
#include "app/workbench/pages/edit_stack_view.h"
#include "app/workbench/shell/edit_desk.h"
#include "app/workbench/shell/main_window.h"

#include <QAction>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;

void MainWindow::connectEditPage()
{
    m_editDesk = new EditDesk(m_session, *m_editPage, *this, [this](const QString& prompts, const QString& dtype) {
        return remoteOut(prompts, dtype);
    });
    m_editDesk->setParent(this);
    connect(m_editPage, &EditPage::modelWanted, this, &MainWindow::chooseModel);
    connect(m_editPage, &EditPage::demoWanted, this, [this] { openModel(u"demo"_s); });
    connect(m_editPage, &EditPage::exportWanted, this, &MainWindow::exportView);
    connect(m_editDesk, &EditDesk::changed, this, &MainWindow::refreshRail);
    connect(m_editDesk, &EditDesk::kept, this, &MainWindow::rememberPlace); // a window that is killed says no good-bye
    connect(m_editDesk, &EditDesk::shown, this, [this] { showPage(Edit); });
    connect(m_editDesk, &EditDesk::checkWanted, this, &MainWindow::checkRun);
    connect(m_editDesk, &EditDesk::runMade, this, [this](const QString& run, const QString& sentence) {
        announceEnd(tr("The edit is certified"), sentence);
        if (m_session.preferences.engineIsRemote())
            fetchRun(run);
        refreshShelf();
    });
}

void MainWindow::addEditCommands()
{
    m_commandGroup = tr("Edit");
    const auto onPage = [this](const std::function<void()>& work) {
        return [this, work] {
            showPage(Edit);
            m_editPage->showView(EditPage::Lab);
            work();
        };
    };
    QUndoStack& undo = m_session.editLab.edits().undo();
    QAction* back = addCommand(tr("Undo the last edit"), u"Ctrl+Z"_s, onPage([&undo] { undo.undo(); }));
    QAction* forward = addCommand(tr("Redo the edit"), u"Ctrl+Shift+Z"_s, onPage([&undo] { undo.redo(); }));
    back->setEnabled(false);
    forward->setEnabled(false);
    connect(&undo, &QUndoStack::canUndoChanged, back, &QAction::setEnabled);
    connect(&undo, &QUndoStack::canRedoChanged, forward, &QAction::setEnabled);
    addCommand(tr("Edit: switch between A and B"), {},
               onPage([this] { m_session.editLab.edits().setSlot(1 - m_session.editLab.edits().slot()); }));
    for (const EditOperation operation : allEditOperations)
        addCommand(tr("Edit: %1").arg(operationName(operation)), {},
                   onPage([this, operation] { m_editPage->stackView().addStep(operation); }));
    addCommand(tr("Edit: open a patch…"), {}, onPage([this] { emit m_editPage->patchWanted({}); }));
    addCommand(tr("Edit: complete the prompts"), {}, onPage([this] {
                   m_editPage->board().showPart(EditBoard::Completions);
                   m_session.editLab.complete();
               }));
    addCommand(tr("Edit: measure the curve"), {}, onPage([this] {
                   m_editPage->board().showPart(EditBoard::Curve);
                   m_editPage->board().measureCurve();
               }));
    addCommand(tr("Edit: the lab"), {}, onPage([] {}));
    addCommand(tr("Edit: sweep blocks and strengths"), {}, onPage([this] { m_editPage->showView(EditPage::Sweep); }));
    addCommand(tr("Edit: label texts"), {}, onPage([this] { m_editPage->showView(EditPage::Labels); }));
    addCommand(tr("Edit: read the edit certificates of a run"), {}, [this] { m_editDesk->readCertificates({}, {}); });
    addCommand(tr("Edit: certify the stack…"), {}, onPage([this] { m_editDesk->certify(); }));
}

}
