// What the classifier looks for: both marker lists, and in how many texts each marker stands.
#pragma once

#include "app/workbench/session/edit_effect_answer.h"
#include "widgets/value_table.h"

#include <QDialog>

#include <memory>

namespace blockcert::workbench {

// A row a marker, the refusal list first; counts of the texts before and after the edit, where there are some.
[[nodiscard]] widgets::ValueRows markerRows(const MarkerTable& markers, const CompletionsEffect* completions);

// GUI thread. Deletes itself when it is closed.
class MarkersDialog : public QDialog {
    Q_OBJECT

public:
    // `completions`: those that were judged by these lists; null: none yet.
    MarkersDialog(const MarkerTable& markers, const CompletionsEffect* completions, QWidget* parent);
};

}
