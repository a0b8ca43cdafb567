// What a verdict says and what it does not, and what it rests on.
#pragma once

#include "app/workbench/pages/page_parts.h"
#include "widgets/values.h"

#include <memory>

class QLabel;
class QPushButton;

namespace blockcert::widgets {
class ArtifactTree;
}

namespace blockcert::workbench {

class VerifySide : public SidePanel {
    Q_OBJECT

public:
    explicit VerifySide(QWidget* parent = nullptr);
    // Null: nothing has been checked.
    void setVerdict(const std::shared_ptr<const widgets::VerdictView>& verdict);
    // What a table of runs says; shown instead of a verdict while the table is in view.
    void setTable(const QString& meaning);
    void setShowsTable(bool shows);

signals:
    void saveWanted();
    void exploreWanted();
    void labWanted();

private:
    void refresh();

    bool m_hasVerdict = false;
    bool m_showsTable = false;
    QLabel* m_table = nullptr;
    QWidget* m_body = nullptr;
    QLabel* m_none = nullptr;
    QLabel* m_says = nullptr;
    QLabel* m_saysNot = nullptr;
    QLabel* m_notCheckedTitle = nullptr;
    QLabel* m_notChecked = nullptr;
    widgets::ArtifactTree* m_tree = nullptr;
    QLabel* m_footer = nullptr;
    QPushButton* m_save = nullptr;
    QPushButton* m_explore = nullptr;
};

}
