#include "app/workbench/pages/edit_page.h"

#include "app/workbench/pages/edit_board.h"
#include "app/workbench/pages/edit_side.h"
#include "app/workbench/pages/edit_stack_view.h"
#include "app/workbench/pages/label_view.h"
#include "app/workbench/pages/page_parts.h"
#include "app/workbench/pages/sweep_form.h"
#include "app/workbench/pages/sweep_view.h"
#include "app/workbench/session/label_book.h"
#include "widgets/empty_state.h"
#include "widgets/icons.h"
#include "widgets/notice.h"
#include "widgets/number_text.h"
#include "widgets/segmented_control.h"
#include "widgets/state_badge.h"

#include <QApplication>
#include <QKeyEvent>
#include <QLineEdit>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QStackedWidget>

#include <utility>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;
namespace space = widgets::space;

namespace {

// Where letters are text.
bool takesText(const QWidget* widget)
{
    const auto* area = qobject_cast<const QTextEdit*>(widget);
    return qobject_cast<const QLineEdit*>(widget) || qobject_cast<const QPlainTextEdit*>(widget) ||
           (area && !area->isReadOnly());
}

}

EditPage::EditPage(EditLab& lab, SweepBoard& sweep, LabelBook& labels, QWidget* parent)
    : QWidget(parent)
    , m_lab(lab)
    , m_labelBook(labels)
    , m_sweepBoard(sweep)
    , m_pages(new QStackedWidget)
    , m_empty(new widgets::EmptyState)
    , m_side(new EditSide)
{
    m_empty->setWays({{widgets::Icon::Folder, tr("Open a model…"), tr("A folder or a file"), true, true},
                      {widgets::Icon::Run, tr("Use the demo model"), tr("A small instruct model, if it is installed"),
                       false, true}});
    connect(m_empty, &widgets::EmptyState::wayChosen, this, [this](int way) {
        if (way == 0)
            emit modelWanted();
        else
            emit demoWanted();
    });
    m_pages->addWidget(m_empty);
    m_pages->addWidget(scrolling(makeCentre(sweep, labels))); // three columns are wider than a small screen
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(m_pages);
    connect(&m_lab, &EditLab::changed, this, &EditPage::refresh);
    connect(&m_lab, &EditLab::progressed, m_board, &EditBoard::refreshProgress);
    connect(&m_lab, &EditLab::streamed, m_board, &EditBoard::grow);
    setFocusPolicy(Qt::StrongFocus);
    setModel({});
}

EditPage::~EditPage()
{
    qApp->removeEventFilter(this);
}

QWidget* EditPage::side() const
{
    return m_side;
}

QWidget* EditPage::makeCentre(SweepBoard& sweep, LabelBook& labels)
{
    auto* page = new QWidget;
    auto* layout = pageLayout(page);
    m_title = new widgets::PageTitle;
    m_undo = button(tr("Undo"));
    m_redo = button(tr("Redo"));
    m_export = button(tr("Export…"));
    m_export->setToolTip(tr("This view as SVG, PDF, PNG, or CSV with every number"));
    QUndoStack& undo = m_lab.edits().undo();
    connect(m_undo, &QPushButton::clicked, &undo, &QUndoStack::undo);
    connect(m_redo, &QPushButton::clicked, &undo, &QUndoStack::redo);
    connect(m_export, &QPushButton::clicked, this,
            [this] { emit exportWanted(m_view == Sweep ? m_sweep->exported() : m_board->exported()); });
    m_badge = new widgets::StateBadge;
    m_badge->setForm(widgets::StateBadge::Form::Label);
    m_badge->setState(CheckState::NotChecked);
    m_badge->setToolTip(
        tr("Edits are laid over the model while it runs. A checkpoint is only written where you export one."));
    auto* beside = new QWidget; // as high as the buttons
    auto* room = new QVBoxLayout(beside);
    room->setContentsMargins(0, space::tiny, space::tiny, 0);
    room->addWidget(m_badge);
    m_title->addWidget(beside);
    for (QPushButton* one : {m_undo, m_redo, m_export})
        m_title->addWidget(one);
    layout->addWidget(m_title);
    m_stack = new EditStackView(m_lab);
    m_board = new EditBoard(m_lab);
    connect(m_board, &EditBoard::editWanted, m_stack, &EditStackView::addStep);
    connect(m_stack, &EditStackView::fileWanted, this, &EditPage::fileWanted);
    connect(m_stack, &EditStackView::choiceFileWanted, this, &EditPage::choiceFileWanted);
    connect(m_stack, &EditStackView::markersWanted, this, &EditPage::markersWanted);
    connect(m_board, &EditBoard::markersWanted, this, &EditPage::markersWanted);
    connect(m_stack, &EditStackView::patchWanted, this, &EditPage::patchWanted);
    m_sweep = new SweepView(sweep, m_lab);
    m_labels = new LabelView(labels);
    connect(&sweep, &SweepBoard::changed, this, &EditPage::refresh);
    connect(&labels, &LabelBook::changed, this, &EditPage::refreshSide);
    m_besideStack = new QStackedWidget;
    m_besideStack->addWidget(m_board);
    auto* middle = row(space::small); // with more the page would be wider than a small screen
    middle->addWidget(m_stack);
    middle->addWidget(m_besideStack, 1);
    auto* lab = new QWidget;
    lab->setLayout(middle);
    m_choice = new widgets::SegmentedControl;
    refreshChoices();
    connect(m_choice, &widgets::SegmentedControl::chosen, this,
            [this](int view) { showView(static_cast<View>(view)); });
    m_views = new QStackedWidget;
    for (QWidget* one : std::initializer_list<QWidget*>{lab, m_sweep, m_labels})
        m_views->addWidget(one);
    layout->addWidget(m_choice, 0, Qt::AlignLeft);
    m_interrupted = new widgets::Notice;
    m_interrupted->setClosable(true);
    m_interrupted->hide();
    connect(m_interrupted, &widgets::Notice::actionRequested, this, [this] { showView(Sweep); });
    connect(m_interrupted, &widgets::Notice::closed, &m_sweepBoard, &SweepBoard::forgetInterruption);
    layout->addWidget(m_interrupted);
    layout->addWidget(m_views, 1);
    return page;
}

void EditPage::setModel(const Loadable<widgets::ModelCard>& card)
{
    if (card.isLoading())
        m_empty->setText(tr("Reading the model"), tr("Its headers are read; the lab opens when they have been."));
    else
        m_empty->setText(
            tr("No model to edit"),
            card.state == Loadable<widgets::ModelCard>::State::Failed
                ? card.fault.sentence
                : tr("Open a model: its sublayers can then be scaled, zeroed and steered while it runs, and "
                     "what that does is measured at once. Its file stays as it is."));
    refresh();
}

void EditPage::setWaiting(const QString& sentence)
{
    m_empty->setText(tr("No model to edit"), sentence);
}

void EditPage::setPrompts(std::shared_ptr<const widgets::PromptList> prompts)
{
    m_board->setPrompts(std::move(prompts));
}

// In the Sweep view it stands beside the sweep.
void EditPage::refreshInterrupted()
{
    const QString sentence = m_sweepBoard.interruption();
    m_interrupted->setNotice(widgets::Notice::Tone::Note, sentence, tr("Show it"));
    m_interrupted->setVisible(!sentence.isEmpty() && m_view != Sweep);
}

void EditPage::refreshSide()
{
    m_side->show(m_lab, m_view == Labels && m_labelBook.isBlind());
}

void EditPage::refresh()
{
    m_pages->setCurrentIndex(m_lab.model() ? 1 : 0);
    refreshSide();
    refreshInterrupted();
    if (!m_lab.model())
        return;
    const EditSlots& edits = m_lab.edits();
    m_title->setText(tr("Edit lab"), tr("%1 · stack %2 · measured on these prompts only")
                                         .arg(m_lab.model()->name, EditSlots::slotName(edits.slot())));
    QUndoStack& undo = m_lab.edits().undo();
    m_undo->setEnabled(undo.canUndo());
    m_redo->setEnabled(undo.canRedo());
    m_undo->setToolTip(undo.canUndo() ? widgets::plainToolTip(tr("Undo: %1 (Ctrl+Z)").arg(undo.undoText()))
                                      : tr("Nothing to undo (Ctrl+Z)"));
    m_redo->setToolTip(undo.canRedo() ? widgets::plainToolTip(tr("Redo: %1 (Ctrl+Shift+Z)").arg(undo.redoText()))
                                      : tr("Nothing to redo (Ctrl+Shift+Z)"));
    m_export->setEnabled(m_view == Sweep ? m_sweep->hasTable()
                         : m_view == Lab ? m_board->part() != EditBoard::Completions && m_lab.shown().local != nullptr
                                         : false);
    m_stack->refresh();
    if (m_view == Lab)
        m_board->refresh();
    if (m_view == Sweep)
        m_sweep->form().refresh();
}

void EditPage::refreshChoices()
{
    QStringList names{tr("Lab"), tr("Sweep"), tr("Labels")};
    if (m_foldedSide)
        names << tr("Receipt");
    m_choice->setChoices(names,
                         {tr("One stack of edits, measured while you change it"), tr("Many blocks by many strengths"),
                          tr("Judge texts yourself"), tr("What the stack does, number by number, and Certify")});
    m_choice->setCurrent(m_view);
}

void EditPage::foldSide(QWidget* holder)
{
    if (m_foldedSide == holder)
        return;
    if (m_foldedSide)
        m_besideStack->removeWidget(m_foldedSide);
    m_foldedSide = holder;
    if (holder)
        m_besideStack->addWidget(holder);
    refreshChoices();
    if (!holder && m_view == Receipt)
        showView(Lab);
}

void EditPage::showView(View view)
{
    m_view = view == Receipt && !m_foldedSide ? Lab : view;
    setHeld(false);
    m_choice->setCurrent(m_view);
    m_views->setCurrentIndex(m_view == Receipt ? Lab : m_view);
    if (m_view == Receipt)
        m_besideStack->setCurrentWidget(m_foldedSide);
    else
        m_besideStack->setCurrentWidget(m_board);
    if (view == Labels)
        m_labels->setFocus();
    refresh();
}

void EditPage::setHeld(bool held)
{
    if (std::exchange(m_isHeld, held) != held)
        m_board->setHeld(held);
}

void EditPage::showEvent(QShowEvent* event)
{
    QWidget::showEvent(event);
    qApp->installEventFilter(this);
    m_lab.setActive(true);
}

// The cards give way first on a small screen, and what a tool tip says as well.
void EditPage::resizeEvent(QResizeEvent* event)
{
    QWidget::resizeEvent(event);
    constexpr int narrow = 800;
    m_stack->setFixedWidth(width() < narrow ? 252 : 296);
    m_badge->setWord(width() < narrow ? tr("Overlay") : tr("Overlay: the model's file is never changed"));
}

void EditPage::hideEvent(QHideEvent* event)
{
    QWidget::hideEvent(event);
    qApp->removeEventFilter(this);
    setHeld(false);
    m_lab.setActive(false);
}

// B works wherever the focus is on this page or its side, as long as it does not type.
bool EditPage::eventFilter(QObject* object, QEvent* event)
{
    if (event->type() == QEvent::KeyPress || event->type() == QEvent::KeyRelease) {
        const auto* key = static_cast<QKeyEvent*>(event);
        const QWidget* focus = QApplication::focusWidget();
        const bool isHere =
            focus && focus->window() == window() && !takesText(focus) && (m_view == Lab || m_view == Receipt);
        if (key->key() == Qt::Key_B && key->modifiers() == Qt::NoModifier &&
            (isHere || event->type() == QEvent::KeyRelease)) {
            if (!key->isAutoRepeat())
                setHeld(event->type() == QEvent::KeyPress && m_lab.model() != nullptr);
            return isHere;
        }
        if (isHere && event->type() == QEvent::KeyPress && key->key() == Qt::Key_X &&
            key->modifiers() == Qt::NoModifier && m_lab.model()) {
            m_lab.edits().setSlot(1 - m_lab.edits().slot());
            return true;
        }
    } else if (event->type() == QEvent::ApplicationDeactivate) {
        setHeld(false);
    }
    return QWidget::eventFilter(object, event);
}

}
