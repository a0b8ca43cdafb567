// Paints the rows of a check list: group titles, checks with their state, and wrapped details.
#pragma once

#include <QStyledItemDelegate>

namespace blockcert::widgets {

struct CheckRow;

class CheckListDelegate : public QStyledItemDelegate {
    Q_OBJECT

public:
    using QStyledItemDelegate::QStyledItemDelegate;
    void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override;
    [[nodiscard]] QSize sizeHint(const QStyleOptionViewItem& option, const QModelIndex& index) const override;

private:
    void paintCheck(QPainter& painter, const QStyleOptionViewItem& option, const QModelIndex& index) const;
    // Returns the height; paints only with a painter.
    int layoutDetail(QPainter* painter, const QRect& rect, const CheckRow& check, int difference) const;
};

}
