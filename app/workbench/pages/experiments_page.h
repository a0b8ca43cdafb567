// The Experiments page: a specification to run or vary, a row for each experiment with its result, one pinned for
// comparison.
#pragma once

#include "app/workbench/pages/page_parts.h"
#include "app/workbench/session/experiments.h"
#include "app/workbench/session/report_parts.h"
#include "widgets/view_export.h"

#include <QWidget>

#include <map>
#include <optional>
#include <vector>

class QComboBox;
class QLabel;
class QLineEdit;
class QPushButton;
class QStackedWidget;

namespace blockcert::widgets {
class EmptyState;
class Notice;
class PageTitle;
class SvgView;
class ValueTable;
}

namespace blockcert::workbench {

class ExperimentsPage : public QWidget {
    Q_OBJECT

public:
    explicit ExperimentsPage(QWidget* parent = nullptr);

    // The board as it is now.
    void show(const ExperimentBoard& board);
    void setModel(const QString& model); // of the window; the specification starts with it
    void setSpec(const ExperimentSpec& spec);
    [[nodiscard]] ExperimentSpec spec() const;

    [[nodiscard]] QString command() const;
    // The chosen experiment with all its tables, for the report; nothing while it has none.
    [[nodiscard]] std::optional<FrozenView> frozen() const;
    // The figure of the chosen experiment with the table in front of it; without a picture while none is chosen.
    [[nodiscard]] widgets::ViewExport exported() const;
    [[nodiscard]] QWidget* side() const;

signals:
    void runWanted(const blockcert::workbench::ExperimentSpec& spec, bool resume);
    void cancelWanted(const QString& out);
    void copyWanted();
    void folderWanted(); // another folder of experiments
    void exportWanted(const blockcert::widgets::ViewExport& view);

private:
    void makeSide();
    QWidget* makeCentre();
    void refreshRows();
    void showCurrent();
    void showTable(int table);
    void queue();
    void refreshSpec();
    [[nodiscard]] const ExperimentEntry* current() const;
    [[nodiscard]] std::map<QString, QString> variations() const;

    std::vector<ExperimentEntry> m_entries; // in the table's order, behind the jobs
    std::vector<ExperimentBoard::Job> m_jobs;
    QString m_folder;
    QString m_problem;
    QStringList m_taken;
    QString m_chosen;           // path of the current row
    QString m_pinned;           // path
    ExperimentEntry m_baseline; // what is pinned
    QStackedWidget* m_pages = nullptr;
    widgets::EmptyState* m_empty = nullptr;
    widgets::PageTitle* m_title = nullptr;
    widgets::Notice* m_notice = nullptr;
    widgets::ValueTable* m_table = nullptr;
    QLabel* m_headline = nullptr;
    QComboBox* m_part = nullptr; // tables, figures
    QPushButton* m_pin = nullptr;
    QPushButton* m_duplicate = nullptr;
    QPushButton* m_resume = nullptr;
    QPushButton* m_export = nullptr;
    QStackedWidget* m_parts = nullptr;
    widgets::ValueTable* m_values = nullptr;
    widgets::SvgView* m_figure = nullptr;
    SidePanel* m_side = nullptr;
    QComboBox* m_kind = nullptr;
    QComboBox* m_dtype = nullptr;
    QLineEdit* m_model = nullptr;
    QLineEdit* m_prompts = nullptr;
    QLineEdit* m_blocks = nullptr;
    QLineEdit* m_own = nullptr; // of the kind: ranks, noise, dtypes
    QLabel* m_ownLabel = nullptr;
    QComboBox* m_varied[2] = {nullptr, nullptr};
    QLineEdit* m_variedValues[2] = {nullptr, nullptr};
    QLabel* m_plan = nullptr;
    QPushButton* m_queue = nullptr;
};

}
