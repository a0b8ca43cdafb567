// The Verify page: what is to be checked, the verdict, and every check with both numbers.
#pragma once

#include "app/workbench/pages/page_parts.h"
#include "app/workbench/session/verdict_document.h"
#include "app/workbench/session/verify_cost.h"
#include "widgets/values.h"

#include <QWidget>

#include <memory>

class QLabel;
class QPushButton;
class QStackedWidget;

namespace blockcert::widgets {
class CheckList;
class CommandStrip;
class EmptyState;
class Notice;
class SegmentedControl;
class VerdictBanner;
}

namespace blockcert::workbench {

class VerdictBatch;
class VerifyBatch;
class VerifyHow;
class VerifyPlan;
class VerifySide;

class VerifyPage : public QWidget {
    Q_OBJECT

public:
    explicit VerifyPage(QWidget* parent = nullptr);

    void showVerdict(const VerdictDocument& document);
    void showProgress(const VerdictDocument& document);
    void setModel(const QString& model); // chosen in a dialog
    void setPolicy(const QString& path); // chosen in a dialog
    // What each level will take for the chosen run.
    void setSeconds(const LevelSeconds& seconds);
    void showBatch(const VerdictBatch& batch);
    void showBatchItem(const VerdictBatch& batch, int at);
    void showRun();   // the single run, while there is a batch
    void showTable(); // the batch

    // The table of a folder's runs is in view, not one run.
    [[nodiscard]] bool showsTable() const;
    // One command a run, with the level and files that are chosen above the table.
    [[nodiscard]] QString tableCommand(const VerdictBatch& batch) const;

    // Whether checks that hold for several blocks share a row.
    void setListsEveryCheck(bool every);

    [[nodiscard]] QWidget* side() const;

signals:
    void placeChanged(); // another run, or the table
    void runWanted();    // choose what to check
    void folderWanted(); // choose a folder of runs
    void modelWanted();
    void policyWanted();
    void verifyWanted(const blockcert::workbench::VerifyRequest& request);
    void cancelWanted();
    void saveWanted();
    void exploreWanted();
    void labWanted(); // tamper with a copy
    void batchWanted(const blockcert::workbench::VerifyRequest& request);
    void batchCancelWanted();
    void batchItemWanted(int at);
    void batchSaveWanted();
    void remedyWanted(blockcert::workbench::Remedy remedy);

private:
    enum View { EmptyView, RunView, BatchView };

    QWidget* makeChecks();
    void showView(View view);
    [[nodiscard]] static QString failedAction(const widgets::VerdictView& verdict);
    [[nodiscard]] View viewWithoutTable() const;
    [[nodiscard]] VerifyRequest request() const;
    void refreshCommands();
    void refreshRows();

    QString m_path;
    QStackedWidget* m_stack = nullptr;
    widgets::EmptyState* m_empty = nullptr;
    ElidedLabel* m_what = nullptr;
    VerifyHow* m_how = nullptr;
    QPushButton* m_start = nullptr;
    widgets::Notice* m_notice = nullptr;
    widgets::VerdictBanner* m_banner = nullptr;
    widgets::CheckList* m_checks = nullptr;
    QWidget* m_result = nullptr;
    QWidget* m_filler = nullptr;  // takes its place without a verdict
    VerifyPlan* m_plan = nullptr; // in it, until a check begins
    QWidget* m_planArea = nullptr;
    widgets::SegmentedControl* m_rows = nullptr; // summary, every block
    widgets::CommandStrip* m_commands = nullptr;
    std::shared_ptr<const widgets::VerdictView> m_verdict;
    VerifyBatch* m_batch = nullptr;
    QPushButton* m_toBatch = nullptr;
    VerifySide* m_side = nullptr;
    Remedy m_remedy = Remedy::Retry;
    int m_verdictLevel = -1;
};

}
