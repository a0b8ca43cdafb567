// The Verify page: what is to be checked, the verdict, and every check with both numbers.
#pragma once

#include "app/workbench/pages/page_parts.h"
#include "app/workbench/session/verdict_document.h"
#include "widgets/values.h"

#include <QWidget>

#include <memory>

class QComboBox;
class QLabel;
class QLineEdit;
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

class VerifySide;

class VerifyPage : public QWidget {
    Q_OBJECT

public:
    explicit VerifyPage(QWidget* parent = nullptr);

    void showVerdict(const VerdictDocument& document);
    void showProgress(const VerdictDocument& document);
    void setModel(const QString& model); // chosen in a dialog

    [[nodiscard]] QWidget* side() const;

signals:
    void runWanted(); // choose what to check
    void modelWanted();
    void verifyWanted(const blockcert::workbench::VerifyRequest& request);
    void cancelWanted();
    void saveWanted();
    void exploreWanted();
    void remedyWanted(blockcert::workbench::Remedy remedy);

private:
    QWidget* makeChecks();
    [[nodiscard]] VerifyRequest request() const;
    void refreshCommands();
    void refreshRows();
    void explainLevel();

    QString m_path;
    QStackedWidget* m_stack = nullptr;
    widgets::EmptyState* m_empty = nullptr;
    QLabel* m_what = nullptr;
    QComboBox* m_level = nullptr;
    QLabel* m_levelNote = nullptr;
    QLineEdit* m_model = nullptr;
    QPushButton* m_start = nullptr;
    widgets::Notice* m_notice = nullptr;
    widgets::VerdictBanner* m_banner = nullptr;
    widgets::CheckList* m_checks = nullptr;
    QWidget* m_result = nullptr;
    QWidget* m_filler = nullptr;                 // takes its place without a verdict
    widgets::SegmentedControl* m_rows = nullptr; // summary, every block
    widgets::CommandStrip* m_commands = nullptr;
    std::shared_ptr<const widgets::VerdictView> m_verdict;
    VerifySide* m_side = nullptr;
    Remedy m_remedy = Remedy::Retry;
    int m_verdictLevel = -1;
};

}
