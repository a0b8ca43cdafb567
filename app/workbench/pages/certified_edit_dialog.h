// The edit certificates of a run, to be read: effect, answers and labels, held-out prompts, receipt and every text.
#pragma once

#include "app/workbench/session/certified_edit.h"

#include <QDialog>

#include <vector>

class QComboBox;
class QLabel;
class QStackedWidget;

namespace blockcert::widgets {
class FactList;
class FigureView;
class SegmentedControl;
class ValueTable;
}

namespace blockcert::workbench {

class EditCompletions;

// GUI thread. Deletes itself when it is closed.
class CertifiedEditDialog : public QDialog {
    Q_OBJECT

public:
    enum Part { Effect, Answers, Heldout, Receipt, Texts };

    // At least one edit; shows the one called `name`, or the last.
    CertifiedEditDialog(std::vector<CertifiedEdit> edits, const QString& name, bool canLabel, QWidget* parent);
    void showPart(Part part);

    [[nodiscard]] const CertifiedEdit& edit() const { return m_edits[m_shown]; }

signals:
    void checkWanted(const QString& certificate); // its file
    void labelWanted();                           // the shown edit's texts

private:
    QWidget* makeEffect();
    void show(std::size_t edit);

    std::vector<CertifiedEdit> m_edits;
    std::size_t m_shown = 0;
    QLabel* m_title = nullptr;
    QLabel* m_scope = nullptr;
    QComboBox* m_choice = nullptr;
    widgets::SegmentedControl* m_part = nullptr;
    QStackedWidget* m_parts = nullptr;
    widgets::FactList* m_facts = nullptr;
    widgets::FigureView* m_layers = nullptr;
    widgets::ValueTable* m_answers = nullptr;
    widgets::ValueTable* m_heldout = nullptr;
    widgets::ValueTable* m_receipt = nullptr;
    EditCompletions* m_texts = nullptr;
};

}
