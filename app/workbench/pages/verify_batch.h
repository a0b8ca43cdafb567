// The part of the Verify page that checks every run in a folder.
#pragma once

#include "app/workbench/session/verdict_document.h"
#include "widgets/values.h"

#include <QWidget>

class QLabel;
class QProgressBar;
class QPushButton;

namespace blockcert::widgets {
class PageTitle;
class VerdictTable;
}

namespace blockcert::workbench {

class VerdictBatch;
class VerifyHow;
struct BatchItem;

class VerifyBatch : public QWidget {
    Q_OBJECT

public:
    explicit VerifyBatch(QWidget* parent = nullptr);

    void showBatch(const VerdictBatch& batch);
    void showItem(const VerdictBatch& batch, int at);
    [[nodiscard]] VerifyRequest request() const; // without a path
    void setPolicy(const QString& path);
    void setModel(const QString& model);

signals:
    void startWanted(const blockcert::workbench::VerifyRequest& request);
    void cancelWanted();
    void itemWanted(int at); // open this one
    void folderWanted();
    void policyWanted();
    void modelWanted();
    void saveWanted();

private:
    void refreshSummary(const VerdictBatch& batch);

    widgets::PageTitle* m_title = nullptr;
    VerifyHow* m_how = nullptr;
    QPushButton* m_start = nullptr;
    QPushButton* m_save = nullptr;
    QLabel* m_summary = nullptr;
    QProgressBar* m_bar = nullptr;
    widgets::VerdictTable* m_table = nullptr;
    bool m_isRunning = false;
};

[[nodiscard]] widgets::VerdictRow verdictRowOf(const BatchItem& item);
// What the table says and what it does not, in a few sentences.
[[nodiscard]] QString meaningOf(const VerdictBatch& batch);

}
