// The Edit lab: a stack of edits at the left, what it does in the middle, its receipt at the right (in a narrow window:
// in a view of its own); a sweep of many; and the labelling of texts.
#pragma once

#include "app/workbench/session/edit_lab.h"
#include "app/workbench/session/loadable.h"
#include "widgets/view_export.h"

#include <QWidget>

#include <memory>

class QPushButton;
class QStackedWidget;

namespace blockcert::widgets {
class EmptyState;
class Notice;
class SegmentedControl;
class PageTitle;
class StateBadge;
}

namespace blockcert::workbench {

class EditBoard;
class EditSide;
class EditStackView;
class LabelBook;
class LabelView;
class SweepBoard;
class SweepView;

// GUI thread. While B is held the unedited model stands in place; X shows the other slot.
class EditPage : public QWidget {
    Q_OBJECT

public:
    enum View { Lab, Sweep, Labels, Receipt }; // the last one only while the side is folded

    EditPage(EditLab& lab, SweepBoard& sweep, LabelBook& labels, QWidget* parent = nullptr);
    ~EditPage() override;

    void setModel(const Loadable<widgets::ModelCard>& card);
    void setWaiting(const QString& sentence); // instead of what an empty page says, until there is a model
    void setPrompts(std::shared_ptr<const widgets::PromptList> prompts);

    [[nodiscard]] EditStackView& stackView() { return *m_stack; }

    [[nodiscard]] EditBoard& board() { return *m_board; }

    [[nodiscard]] EditSide& editSide() { return *m_side; }

    [[nodiscard]] SweepView& sweepView() { return *m_sweep; }

    [[nodiscard]] LabelView& labelView() { return *m_labels; }

    void showView(View view);

    [[nodiscard]] View view() const { return m_view; }

    [[nodiscard]] QWidget* side() const;
    // Takes what holds the side into a view of its own, beside the stack; null: the window has it again.
    void foldSide(QWidget* holder);

    [[nodiscard]] bool hasFoldedSide() const { return m_foldedSide != nullptr; }

signals:
    void modelWanted();
    void demoWanted();
    void fileWanted(int id);                    // of a direction or of factors, for a card
    void choiceFileWanted(const QString& what); // "prompts", "heldout", "condition", "markers"
    void markersWanted();                       // to see the lists
    void patchWanted(const QString& path);      // empty: the user is to choose
    void exportWanted(const blockcert::widgets::ViewExport& view);

protected:
    bool eventFilter(QObject* object, QEvent* event) override;
    void showEvent(QShowEvent* event) override;
    void hideEvent(QHideEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;

private:
    QWidget* makeCentre(SweepBoard& sweep, LabelBook& labels);
    void refresh();
    void refreshSide();
    void refreshInterrupted();
    void refreshChoices();
    void setHeld(bool held);

    EditLab& m_lab;
    LabelBook& m_labelBook;
    SweepBoard& m_sweepBoard;
    bool m_isHeld = false;
    QStackedWidget* m_pages = nullptr;
    widgets::EmptyState* m_empty = nullptr;
    widgets::PageTitle* m_title = nullptr;
    widgets::StateBadge* m_badge = nullptr;
    QPushButton* m_undo = nullptr;
    QPushButton* m_redo = nullptr;
    QPushButton* m_export = nullptr;
    View m_view = Lab;
    widgets::SegmentedControl* m_choice = nullptr;
    widgets::Notice* m_interrupted = nullptr; // of a sweep that the window did not end itself
    QStackedWidget* m_views = nullptr;
    QStackedWidget* m_besideStack = nullptr; // the board, and the side where it is folded
    QWidget* m_foldedSide = nullptr;         // what holds it
    SweepView* m_sweep = nullptr;
    LabelView* m_labels = nullptr;
    EditStackView* m_stack = nullptr;
    EditBoard* m_board = nullptr;
    EditSide* m_side = nullptr;
};

}
