// MainWindow: its three layouts, and what belongs to them.
#include "app/workbench/pages/edit_page.h"
#include "app/workbench/pages/explore_page.h"
#include "app/workbench/pages/verify_page.h"
#include "app/workbench/shell/drawer.h"
#include "app/workbench/shell/main_window.h"
#include "widgets/notice.h"
#include "widgets/theme.h"

#include <QAction>
#include <QApplication>
#include <QStackedWidget>

namespace blockcert::workbench {

namespace {

// What the words of a page mean, for somebody who sees them for the first time.
QString explanationOf(int page)
{
    switch (page) {
    case MainWindow::Open:
        return MainWindow::tr("A transformer is a stack of blocks that pass a vector, the residual stream, from one to "
                              "the next. This page shows a model as its files describe it; nothing is computed yet.");
    case MainWindow::Run:
        return MainWindow::tr(
            "A surrogate is an explicit program that is meant to do what a block does. A run feeds both the same "
            "recorded vectors and writes down, token by token, how far their outputs lie apart: the error ‖ŷ − y‖.");
    case MainWindow::Explore:
        return MainWindow::tr(
            "Each cell is one token at one block. Blue: the error is at most τ, the token is covered. Orange: it is "
            "not. ε is the largest error of a block, coverage the share of covered tokens.");
    case MainWindow::Verify:
        return MainWindow::tr(
            "A certificate is a claim with everything needed to check it. Verifying recomputes its numbers here and "
            "sets them beside the issuer's. What was not recomputed is called not checked, never verified.");
    case MainWindow::Report:
        return MainWindow::tr("A number without its source cannot be checked. Every view that is sent here keeps the "
                              "digest of its run, so "
                              "that a reader can tell whether it is still the same one.");
    case MainWindow::Lab:
        return MainWindow::tr("A certificate is worth something because changing it is noticed. Here you may try, on a "
                              "copy: choose what to "
                              "damage, and see which check finds it, and which cannot.");
    case MainWindow::Stitch:
        return MainWindow::tr(
            "A stitched model is the model with some blocks replaced by their surrogates. What each block "
            "errs adds up, or does not: this page measures the whole.");
    case MainWindow::Edit:
        return MainWindow::tr(
            "An edit changes what a sublayer gives to the stream while the model runs; the model's file stays as it "
            "is. "
            "The lab measures what that does at the block, at the end, and to texts the edit is not about.");
    case MainWindow::Experiments:
        return MainWindow::tr(
            "An experiment measures the same thing many times: every block, several ranks, broken surrogates, other "
            "prompts. Its numbers come from certified runs that can each be verified.");
    default:
        return MainWindow::tr(
            "A block is certified when enough tokens and enough of the loss are covered under a policy stated in "
            "advance. It speaks of the recorded prompts only.");
    }
}

}

void MainWindow::applyLayout()
{
    m_drawer->setVisible(m_layout.drawer);
    refreshDrawer();
    m_verifyPage->setListsEveryCheck(m_layout.listsEveryCheck);
    widgets::setTypeScale(*qApp, m_layout.typeScale);
    fitSides();
    refreshExplanation();
    for (QAction* action : std::as_const(m_commands)) {
        if (action->text() == tr("Layout: %1").arg(ShellLayout::title(m_layout.name)))
            action->setChecked(true);
    }
}

void MainWindow::useLayout(ShellLayout::Name name)
{
    m_layout = m_session.preferences.layout(name);
    m_session.preferences.setLayout(m_layout);
    applyLayout();
    if (name == ShellLayout::Name::Audit)
        showPage(Verify);
}

void MainWindow::resetLayout()
{
    m_session.preferences.resetLayout(m_layout.name);
    useLayout(m_layout.name);
    m_explorePage->resetSplit();
    if (!isMaximized() && !isFullScreen())
        resize(firstSize());
}

// What the user shows or hides is remembered for the layout it was done in.
void MainWindow::keepLayout()
{
    m_layout.drawer = !m_drawer->isHidden();
    m_session.preferences.setLayout(m_layout);
}

void MainWindow::toggleSide()
{
    if (m_page == Edit && m_editPage->hasFoldedSide()) {
        m_editPage->showView(m_editPage->view() == EditPage::Receipt ? EditPage::Lab : EditPage::Receipt);
        return;
    }
    m_layout.side = !m_layout.side;
    fitSides();
    keepLayout();
}

void MainWindow::refreshExplanation()
{
    m_explanation->setNotice(widgets::Notice::Tone::Note, explanationOf(m_page));
    m_explanation->parentWidget()->setVisible(m_layout.explains);
}

}
