// What a sweep is asked for: blocks, strengths, conditions and a folder.
#pragma once

#include "app/workbench/session/edit_lab.h"
#include "app/workbench/session/sweep_board.h"

#include <QWidget>

#include <optional>
#include <vector>

class QCheckBox;
class QComboBox;
class QLabel;
class QLineEdit;
class QPushButton;
class QSpinBox;
class QVBoxLayout;

namespace blockcert::workbench {

// GUI thread. Reads board and lab; starts nothing itself.
class SweepForm : public QWidget {
    Q_OBJECT

public:
    SweepForm(SweepBoard& board, EditLab& lab, QWidget* parent = nullptr);
    void refresh();                      // what can be started
    void setSpec(const SweepSpec& spec); // as another sweep was asked for; its folder is left alone
    void setOut(const QString& path);    // where the next sweep goes, unless the user has said

    void forgetOut() { m_outIsOwn = false; } // it has been used

    // A preamble file as one more condition, chosen.
    void addPreamble(const QString& path);

    [[nodiscard]] SweepSpec spec() const;
    // The table's, to go on with: conditions that it knows by their names alone are those of the chosen files, in
    // order. Nothing, with a sentence beside the conditions, where files are missing.
    [[nodiscard]] std::optional<SweepSpec> resumed();
    [[nodiscard]] QString command() const;

signals:
    void runWanted(bool resume);
    void folderWanted();   // an existing sweep
    void preambleWanted(); // a file of one's own
    void copyWanted();

private:
    void addCondition(const QString& word, const QString& name, const QString& toolTip, bool isChosen);
    [[nodiscard]] QString obstacle() const;

    // One choice: a bundled condition's name, or a file.
    struct Condition {
        QString word;
        QCheckBox* box = nullptr;
    };

    SweepBoard& m_board;
    EditLab& m_lab;
    bool m_outIsOwn = false;
    std::vector<Condition> m_conditions;
    QVBoxLayout* m_conditionLayout = nullptr;
    QLineEdit* m_blocks = nullptr;
    QLineEdit* m_alphas = nullptr;
    QComboBox* m_target = nullptr;
    QSpinBox* m_maxNew = nullptr;
    QLineEdit* m_out = nullptr;
    QLabel* m_plan = nullptr;
    QPushButton* m_add = nullptr;
    QPushButton* m_start = nullptr;
    QPushButton* m_resume = nullptr;
};

}
