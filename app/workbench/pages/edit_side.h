// The right column of the lab: the receipt of the stack, and what can be made of it.
#pragma once

#include "app/workbench/pages/page_parts.h"
#include "app/workbench/session/edit_issue.h"
#include "app/workbench/session/edit_lab.h"

#include <vector>

class QPushButton;
class QVBoxLayout;

namespace blockcert::widgets {
class EvidenceMark;
class FactList;
class Notice;
struct Fact;
}

namespace blockcert::workbench {

// What has been measured, number by number.
[[nodiscard]] std::vector<widgets::Fact> effectFacts(const EditEffect& effect);

// GUI thread.
class EditSide : public SidePanel {
    Q_OBJECT

public:
    explicit EditSide(QWidget* parent = nullptr);
    // `hidesJudgements`: for somebody who reads the texts blind.
    void show(const EditLab& lab, bool hidesJudgements);
    // The certificates issued from this page, newest last, and whether one is of the stack as it is.
    void setIssued(const std::vector<IssuedEdit>& issued, bool isOfNow);
    void setIssuing(bool isIssuing, const QString& stage); // a certificate or a checkpoint is being made
    void setProblem(const QString& sentence);              // why it could not be; empty: nothing
    void setDone(const QString& sentence);

signals:
    void certifyWanted();
    void exportWanted(); // of the certificate of the stack as it is
    void copyWanted();
    void cancelWanted(); // what is being made
    void checkWanted(const QString& run);
    void readWanted(const QString& run, const QString& name); // a certificate; empty: of a run to be chosen

private:
    void showReceipt(const EditLab& lab, const EditEffect& effect);
    void showOther(const EditLab& lab);

    QLabel* m_state = nullptr;
    widgets::EvidenceMark* m_measured = nullptr;
    widgets::FactList* m_facts = nullptr;
    QLabel* m_other = nullptr;
    widgets::FactList* m_touched = nullptr;
    QLabel* m_why = nullptr;
    widgets::Notice* m_notice = nullptr;
    QLabel* m_stage = nullptr;
    QPushButton* m_certify = nullptr;
    QPushButton* m_export = nullptr;
    QPushButton* m_copy = nullptr;
    QWidget* m_issued = nullptr;
    bool m_isIssuing = false;
    bool m_canExport = false;
    bool m_canIssue = false;
    bool m_changesNothing = false;
};

}
