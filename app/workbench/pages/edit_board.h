// The middle of the lab: what is known of the stack as it is, in one sentence and five views.
#pragma once

#include "app/workbench/session/edit_figures.h"
#include "app/workbench/session/edit_lab.h"
#include "widgets/view_export.h"

#include <QWidget>

#include <memory>
#include <vector>

class QComboBox;
class QLabel;
class QPushButton;
class QStackedWidget;

namespace blockcert::widgets {
class EmptyState;
class FigureView;
class Notice;
class SegmentedControl;
class ValueGrid;
class ValueTable;
}

namespace blockcert::workbench {

class EditCompletions;
class ProgressRow;

// GUI thread.
class EditBoard : public QWidget {
    Q_OBJECT

public:
    enum Part { Curve, Layers, SideEffects, Tokens, Completions };

    explicit EditBoard(EditLab& lab, QWidget* parent = nullptr);
    void refresh();
    void refreshProgress();
    void grow(int prompt); // a completion
    void showPart(Part part);
    void setHeld(bool held); // the unedited model in place
    // The prompts that are measured, for names of rows and tokens; null: not known.
    void setPrompts(std::shared_ptr<const widgets::PromptList> prompts);
    void measureCurve(); // eleven points of the card in hand

    [[nodiscard]] Part part() const { return m_part; }

    [[nodiscard]] widgets::ViewExport exported() const;
    [[nodiscard]] EditScope scope() const;

signals:
    void markersWanted();                     // the lists that completions are judged by
    void editWanted(EditOperation operation); // the first of a stack

private:
    QWidget* makeCurve();
    QWidget* makeSideEffects();
    QWidget* makeTokens();
    void refreshSentence();
    void refreshPart();
    void refreshCurve();
    void refreshTokens();
    void refreshCompletions();
    [[nodiscard]] EditEffect effectToShow(bool* isStale) const;

    EditLab& m_lab;
    Part m_part = Curve;
    bool m_isHeld = false;
    std::shared_ptr<const widgets::PromptList> m_promptList;
    std::shared_ptr<const LocalEffect> m_shownLocal;
    widgets::Notice* m_notice = nullptr;
    QLabel* m_sentence = nullptr;
    QPushButton* m_cancel = nullptr;
    ProgressRow* m_progress = nullptr;
    QWidget* m_body = nullptr;              // the views
    widgets::EmptyState* m_empty = nullptr; // in their place
    widgets::SegmentedControl* m_choice = nullptr;
    QStackedWidget* m_parts = nullptr;
    QComboBox* m_quantity = nullptr;
    QPushButton* m_fill = nullptr;
    QLabel* m_curveNote = nullptr;
    widgets::FigureView* m_curve = nullptr;
    widgets::FigureView* m_layers = nullptr;
    QLabel* m_sideSentence = nullptr;
    widgets::ValueTable* m_sideTable = nullptr;
    QLabel* m_tokenSentence = nullptr;
    widgets::ValueGrid* m_tokens = nullptr;
    EditCompletions* m_completions = nullptr;
};

}
