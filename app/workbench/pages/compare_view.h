// A and B: what is not the same, what B claims less of, and the numbers by block, by claim and by prompt.
#pragma once

#include "app/workbench/session/loadable.h"
#include "app/workbench/session/run_comparison.h"
#include "app/workbench/session/run_diff.h"
#include "engine/report/document.h"
#include "widgets/view_export.h"

#include <QWidget>

#include <vector>

class QLabel;
class QPushButton;
class QStackedWidget;

namespace blockcert::widgets {
class CompareTable;
class EmptyState;
class FigureView;
class Notice;
class SegmentedControl;
class ValueTable;
}

namespace blockcert::workbench {

class SelectionBus;

class CompareView : public QWidget {
    Q_OBJECT

public:
    enum Part { Blocks, Claims, Prompts, Chart };

    explicit CompareView(SelectionBus& bus, QWidget* parent = nullptr);

    // Without a comparison the view says why there is none.
    void setComparison(const std::shared_ptr<const RunComparison>& comparison, const RunView& a, const RunView& b);
    void setReason(const QString& sentence);
    [[nodiscard]] widgets::ViewExport exported() const; // the chart, with the table that is shown
    // What `blockcert diff` says of the same two runs, or how far that is.
    void setDiff(const Loadable<RunDiff>& diff);
    void showPart(Part part);
    // What is in view, for the report: the chart, or the first `most` rows of a table.
    [[nodiscard]] std::vector<report::Part> frozen(int most) const;

signals:
    void chooseWanted(); // another run for B
    void swapWanted();   // B before A
    void copyWanted();   // the command that compares them
    void exportWanted(const blockcert::widgets::ViewExport& view);

private:
    QWidget* makeClaims();
    void showKind(int kind);
    void selectBlock(int block, int prompt);
    void refreshParts();

    SelectionBus& m_bus;
    QString m_a;
    QString m_b;
    std::shared_ptr<const RunComparison> m_comparison;
    std::shared_ptr<const RunDiff> m_diff;
    std::vector<int> m_shownChanges; // positions in the diff of the rows that are shown
    QLabel* m_sentence = nullptr;    // of a comparison
    widgets::Notice* m_weaker = nullptr;
    QLabel* m_differences = nullptr;
    widgets::SegmentedControl* m_part = nullptr;
    QWidget* m_top = nullptr;
    QWidget* m_tools = nullptr;
    QStackedWidget* m_parts = nullptr;
    widgets::EmptyState* m_empty = nullptr; // until there is a B
    widgets::CompareTable* m_table = nullptr;
    QLabel* m_diffSentence = nullptr;
    widgets::SegmentedControl* m_kind = nullptr;
    widgets::ValueTable* m_changes = nullptr;
    widgets::ValueTable* m_cells = nullptr;
    widgets::FigureView* m_chart = nullptr;
};

}
