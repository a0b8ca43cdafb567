// The Edit lab: a stack of edits at the left, what it does in the middle, its receipt at the right.
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
class PageTitle;
}

namespace blockcert::workbench {

class EditBoard;
class EditSide;
class EditStackView;

// GUI thread. While B is held the unedited model stands in place; X shows the other slot.
class EditPage : public QWidget {
    Q_OBJECT

public:
    explicit EditPage(EditLab& lab, QWidget* parent = nullptr);
    ~EditPage() override;

    void setModel(const Loadable<widgets::ModelCard>& card);
    void setPrompts(std::shared_ptr<const widgets::PromptList> prompts);

    [[nodiscard]] EditStackView& stackView() { return *m_stack; }

    [[nodiscard]] EditBoard& board() { return *m_board; }

    [[nodiscard]] EditSide& editSide() { return *m_side; }

    [[nodiscard]] QWidget* side() const;

signals:
    void modelWanted();
    void demoWanted();
    void fileWanted(int id);                    // of a direction or of factors, for a card
    void choiceFileWanted(const QString& what); // "prompts", "heldout", "condition"
    void exportWanted(const blockcert::widgets::ViewExport& view);

protected:
    bool eventFilter(QObject* object, QEvent* event) override;
    void showEvent(QShowEvent* event) override;
    void hideEvent(QHideEvent* event) override;

private:
    QWidget* makeCentre();
    void refresh();
    void setHeld(bool held);

    EditLab& m_lab;
    bool m_isHeld = false;
    QStackedWidget* m_pages = nullptr;
    widgets::EmptyState* m_empty = nullptr;
    widgets::PageTitle* m_title = nullptr;
    QPushButton* m_undo = nullptr;
    QPushButton* m_redo = nullptr;
    QPushButton* m_export = nullptr;
    EditStackView* m_stack = nullptr;
    EditBoard* m_board = nullptr;
    EditSide* m_side = nullptr;
};

}
