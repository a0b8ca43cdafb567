// The switches of the Stitch page: presets, one switch a block, the edit that blocks can stand edited by, and what is
// chosen, in words.
#pragma once

#include "app/workbench/session/run_view.h"
#include "app/workbench/session/stitch_switches.h"

#include <QWidget>

#include <memory>

class QComboBox;
class QLabel;

namespace blockcert::widgets {
class BlockSwitches;
}

namespace blockcert::workbench {

class StitchStack : public QWidget {
    Q_OBJECT

public:
    explicit StitchStack(QWidget* parent = nullptr);

    // Every block that has a surrogate becomes one; `keepsChoices`: what was chosen stays, as far as it is there.
    void setRun(std::shared_ptr<const RunView> run, bool keepsChoices);

    [[nodiscard]] StitchSwitches switches() const;
    void setSwitches(const StitchSwitches& switches); // what is not there stays the original, or a surrogate
    void setNarrow(bool narrow);                      // above the numbers instead of beside them

signals:
    void changed();

private:
    void usePreset(int preset);
    void refreshEdits(const QString& chosen);
    void useEdit(int index); // of the run's
    void refresh();

    std::shared_ptr<const RunView> m_run;
    QComboBox* m_presets = nullptr;
    QComboBox* m_edit = nullptr; // names of the run's edits; shown where there are several
    widgets::BlockSwitches* m_switches = nullptr;
    QLabel* m_chosen = nullptr;
    QLabel* m_editHint = nullptr;
};

}
