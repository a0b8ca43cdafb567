// One token at one block against its threshold: the inequality, its prompt, what goes along with it, the user's word.
#pragma once

#include "widgets/error_scale.h"
#include "widgets/failure_table.h"
#include "widgets/panel.h"

#include <memory>
#include <optional>

class QLabel;
class QLineEdit;

namespace blockcert::widgets {
class SegmentedControl;
class TokenChips;
}

namespace blockcert::workbench {

class Annotations;
class FailureDetails;

class FailureCard : public widgets::Panel {
    Q_OBJECT

public:
    explicit FailureCard(Annotations& notes, QWidget* parent = nullptr);
    // `run` is the run's key in the annotations; `scale` fits the row's reason. No row hides the card.
    void setRow(const std::shared_ptr<const widgets::TokenMap>& map, const QString& run,
                const std::optional<widgets::FailureRow>& row, const widgets::ErrorScale& scale);

    [[nodiscard]] const std::optional<widgets::FailureRow>& row() const { return m_row; }

    [[nodiscard]] QString note() const;

    [[nodiscard]] FailureDetails& details() { return *m_details; }

signals:
    void exportWanted();
    void mapWanted();
    void cellChosen(const blockcert::widgets::CellKey& key); // another token of the prompt, or another block

protected:
    void changeEvent(QEvent* event) override;
    void showEvent(QShowEvent* event) override;

private:
    void showRow();
    void showIfOld(); // laying out a long prompt waits until somebody sees it
    void setMark(int mark);

    Annotations& m_notes;
    std::shared_ptr<const widgets::TokenMap> m_map;
    QString m_run;
    std::optional<widgets::FailureRow> m_row;
    widgets::ErrorScale m_scale;
    bool m_isOld = false; // the row was set while the card was not in view
    QLabel* m_inequality = nullptr;
    QLabel* m_explanation = nullptr;
    widgets::TokenChips* m_chips = nullptr;
    FailureDetails* m_details = nullptr;
    widgets::SegmentedControl* m_mark = nullptr;
    QLineEdit* m_note = nullptr;
};

}
