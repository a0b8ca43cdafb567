// The Sweep view of the lab: blocks by strengths as a map that fills, its table, and what refusing costs.
#pragma once

#include "app/workbench/session/sweep_board.h"
#include "widgets/view_export.h"

#include <QWidget>

#include <memory>
#include <optional>
#include <vector>

class QCheckBox;
class QComboBox;
class QLabel;
class QLineEdit;
class QPushButton;
class QSpinBox;
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

class ProgressRow;
class SweepForm;

// GUI thread.
class SweepView : public QWidget {
    Q_OBJECT

public:
    enum Part { Answers, Refuses, Best, Table };

    SweepView(SweepBoard& board, EditLab& lab, QWidget* parent = nullptr);
    void refresh();
    void showPart(Part part);
    void setOut(const QString& path); // where the next sweep goes, unless the user has said

    [[nodiscard]] SweepForm& form() { return *m_form; }

    [[nodiscard]] bool hasTable() const { return m_board.table() != nullptr; }

    [[nodiscard]] widgets::ViewExport exported() const;

signals:
    void editWanted(int block, double alpha, const QString& target, const QString& condition);
    void labelsWanted(const QString& folder, const QString& file); // of the row in hand
    void folderWanted();                                           // an existing sweep
    void outWanted();                                              // a folder that does not exist yet
    void preambleWanted();                                         // a condition of one's own
    void copyWanted();

protected:
    void showEvent(QShowEvent* event) override;

private:
    QWidget* makeResult();
    void refreshResult();
    void take(int row);
    [[nodiscard]] int rowInHand() const; // of the table; −1: none
    void run(bool resume);

    SweepBoard& m_board;
    EditLab& m_lab;
    std::optional<SweepRow> m_inHand; // rows change their places while a sweep runs and when it ends
    std::vector<int> m_tableRows;
    SweepForm* m_form = nullptr;
    widgets::Notice* m_notice = nullptr;
    QLabel* m_sentence = nullptr;
    ProgressRow* m_progress = nullptr;
    widgets::EmptyState* m_empty = nullptr; // in place of a table
    widgets::SegmentedControl* m_part = nullptr;
    QComboBox* m_condition = nullptr;
    QStackedWidget* m_parts = nullptr;
    QWidget* m_body = nullptr;
    QLabel* m_gridTitles = nullptr;
    widgets::ValueGrid* m_grid = nullptr;
    QComboBox* m_price = nullptr;
    QLabel* m_bestSentence = nullptr;
    QPushButton* m_useBest = nullptr;
    widgets::FigureView* m_tradeOff = nullptr;
    widgets::ValueTable* m_table = nullptr;
    QLabel* m_chosen = nullptr;
    QPushButton* m_label = nullptr;
};

}
