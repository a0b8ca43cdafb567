// What all tables share: row height, header, selection by row, and cells that fit our type.
#pragma once

#include "widgets/state_badge.h"

#include <QStyledItemDelegate>

class QTableView;

namespace blockcert::widgets {

void prepareTable(QTableView& table);
void prepareRows(QTableView& table); // their height, for the type as large as it is now

// Paints the shape of a mark before its word; other cells as usual. The Mark comes from stateRole.
class StateDelegate : public QStyledItemDelegate {
    Q_OBJECT

public:
    StateDelegate(int stateRole, QObject* parent);
    void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override;

private:
    int m_stateRole;
};

}
