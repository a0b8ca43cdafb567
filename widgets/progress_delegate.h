// Paints one row of the lane: state, title, bar, live errors, ε and coverage.
#pragma once

#include "widgets/values.h"

#include <QStyledItemDelegate>

namespace blockcert::widgets {

[[nodiscard]] QString stepWord(StepState state); // "waiting", "running", "done", …

class ProgressDelegate : public QStyledItemDelegate {
    Q_OBJECT

public:
    using QStyledItemDelegate::QStyledItemDelegate;
    void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override;
    [[nodiscard]] QSize sizeHint(const QStyleOptionViewItem& option, const QModelIndex& index) const override;
};

}
