// One block's certificate as a page to read: what is claimed, under which policy, about what, and by whose word.
#pragma once

#include "app/workbench/pages/page_parts.h"
#include "engine/base/strict_json.h"
#include "widgets/values.h"

#include <QWidget>

#include <memory>
#include <optional>

class QLabel;
class QPushButton;
class QVBoxLayout;

namespace blockcert::widgets {
class StateBadge;
}

namespace blockcert::workbench {

class CertificatePage : public QWidget {
    Q_OBJECT

public:
    explicit CertificatePage(QWidget* parent = nullptr);

    void setCertificate(const std::shared_ptr<const Json>& certificate, const QString& runPath);

    // What verifying the run here has found; without it the page says what the issuer says.
    void setVerdict(const std::optional<widgets::RunVerdict>& verdict);

    [[nodiscard]] QWidget* side() const { return m_side; }

    [[nodiscard]] int block() const { return m_block; }

signals:
    void backWanted();
    void verifyWanted(const QString& certificatePath);

private:
    void rebuild();
    void rebuildSide();
    void refreshBadge();
    [[nodiscard]] bool hasLosses() const;
    [[nodiscard]] widgets::Mark found() const; // of the block, by what was verified here
    [[nodiscard]] QWidget* lossesRow();

    std::shared_ptr<const Json> m_certificate;
    QString m_runPath;
    int m_block = -1;
    bool m_certified = false;
    std::optional<widgets::RunVerdict> m_verdict;
    widgets::PageTitle* m_title = nullptr;
    widgets::StateBadge* m_badge = nullptr;
    QWidget* m_lossLine = nullptr;
    widgets::StateBadge* m_lossMark = nullptr;
    QLabel* m_losses = nullptr; // whose word they are
    QWidget* m_content = nullptr;
    QVBoxLayout* m_contentLayout = nullptr;
    SidePanel* m_side = nullptr;
};

}
