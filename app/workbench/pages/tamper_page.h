// The tamper lab: damage a copy of a run, have it verified, see which check noticed and why.
#pragma once

#include "app/workbench/pages/page_parts.h"
#include "app/workbench/session/tamper_lab.h"

#include <QWidget>

class QButtonGroup;
class QCheckBox;
class QGridLayout;
class QLabel;
class QPushButton;

namespace blockcert::widgets {
class CheckList;
class ChoiceCard;
class EmptyState;
class Notice;
class SegmentedControl;
class VerdictBanner;
}

namespace blockcert::workbench {

class TamperPage : public QWidget {
    Q_OBJECT

public:
    explicit TamperPage(TamperLab& lab, QWidget* parent = nullptr);

    [[nodiscard]] QWidget* side() const { return m_side; }

    // Chooses what is to be done, as the cards do.
    void choose(const TamperRequest& request);
    [[nodiscard]] TamperRequest request() const;

    // Everything that is chosen and pressed.
    [[nodiscard]] QWidget* controls() const { return m_controls; }

signals:
    void runWanted();         // choose another run
    void teachingRunWanted(); // the one of the tour
    void backWanted();        // to Verify

protected:
    void resizeEvent(QResizeEvent* event) override;

private:
    QWidget* makeLab();
    void arrangeCards(int columns);
    void apply();
    void refresh();
    void refreshOutcome();
    void refreshLesson();

    TamperLab& m_lab;
    widgets::EmptyState* m_empty = nullptr;
    QWidget* m_work = nullptr;
    widgets::PageTitle* m_title = nullptr;
    QWidget* m_controls = nullptr;
    QButtonGroup* m_tampers = nullptr;
    QGridLayout* m_cards = nullptr;
    int m_cardColumns = 0;
    QCheckBox* m_coverUp = nullptr;
    widgets::SegmentedControl* m_level = nullptr;
    QPushButton* m_untouched = nullptr;
    QPushButton* m_apply = nullptr;
    QPushButton* m_reset = nullptr;
    widgets::Notice* m_notice = nullptr;
    QLabel* m_done = nullptr;
    widgets::VerdictBanner* m_banner = nullptr;
    QLabel* m_caught = nullptr;
    widgets::CheckList* m_checks = nullptr;
    QWidget* m_filler = nullptr;
    SidePanel* m_side = nullptr;
    QLabel* m_lessonTitle = nullptr;
    QLabel* m_lesson = nullptr;
};

}
