// The left column of the lab: the two slots, the cards of the shown stack in order, and on what edits are measured.
#pragma once

#include "app/workbench/session/edit_lab.h"

#include <QWidget>

#include <vector>

class QComboBox;
class QLabel;
class QPushButton;
class QSpinBox;
class QToolButton;
class QVBoxLayout;

namespace blockcert::widgets {
class Notice;
class SegmentedControl;
}

namespace blockcert::workbench {

class EditCard;

// GUI thread. Changes the stacks of the lab it is given; asks the window for files.
class EditStackView : public QWidget {
    Q_OBJECT

public:
    explicit EditStackView(EditLab& lab, QWidget* parent = nullptr);
    void refresh();

    void addStep(EditOperation operation); // at the middle block, or where the last card is
    void setFile(int id, const QString& path);
    void setChoice(const QString& what, const QString& path); // also "heldout", "condition", "markers"
    void setRecentPatches(const QStringList& paths);
    // Why a patch file was not opened; until the stack changes. Empty: nothing to say.
    void setPatchProblem(const QString& sentence);

signals:
    void fileWanted(int id);                    // for a card
    void choiceFileWanted(const QString& what); // for one of the settings
    void patchWanted(const QString& path);      // empty: the user is to choose
    void markersWanted();                       // to see the lists

private:
    void makeHead(QVBoxLayout& layout);
    void makeSettings(QVBoxLayout& layout);
    void rebuildCards();
    void applySettings();
    void chosen(QComboBox* box, const QString& what);
    [[nodiscard]] QString statusOf(const EditStep& step) const;

    EditLab& m_lab;
    const widgets::ModelCard* m_shownModel = nullptr;
    widgets::SegmentedControl* m_slot = nullptr;
    QToolButton* m_add = nullptr;
    QToolButton* m_open = nullptr;
    widgets::Notice* m_notice = nullptr;
    QString m_problemOf; // the stack that a patch's problem stands beside
    QPushButton* m_copyOver = nullptr;
    QLabel* m_none = nullptr;
    QVBoxLayout* m_cardLayout = nullptr;
    std::vector<EditCard*> m_cards;
    QComboBox* m_prompts = nullptr;
    QComboBox* m_heldout = nullptr;
    QComboBox* m_condition = nullptr;
    QComboBox* m_markers = nullptr;
    QPushButton* m_showMarkers = nullptr;
    QComboBox* m_dtype = nullptr;
    QSpinBox* m_maxNew = nullptr;
};

}
