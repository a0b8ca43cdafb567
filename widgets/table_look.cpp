#include "widgets/table_look.h"

#include "widgets/theme.h"

#include <QApplication>
#include <QHeaderView>
#include <QPainter>
#include <QTableView>

namespace blockcert::widgets {

void prepareTable(QTableView& table)
{
    table.setShowGrid(false);
    table.setFrameShape(QFrame::NoFrame);
    table.setSelectionBehavior(QAbstractItemView::SelectRows);
    table.setSelectionMode(QAbstractItemView::SingleSelection);
    table.setEditTriggers(QAbstractItemView::NoEditTriggers);
    table.setAlternatingRowColors(false);
    table.setWordWrap(false);
    table.setTabKeyNavigation(false);
    table.setHorizontalScrollMode(QAbstractItemView::ScrollPerPixel);
    table.setVerticalScrollMode(QAbstractItemView::ScrollPerPixel);
    table.verticalHeader()->setVisible(false);
    prepareRows(table);
    table.verticalHeader()->setSectionResizeMode(QHeaderView::Fixed);
    QHeaderView* header = table.horizontalHeader();
    header->setHighlightSections(false);
    setTextFont(*header, TextSize::Axis, TextWeight::Strong);
    header->setMinimumSectionSize(40);
    header->setSectionsClickable(true);
}

void prepareRows(QTableView& table)
{
    table.verticalHeader()->setMinimumSectionSize(space::tableRow); // by itself that of the font it had before
    table.verticalHeader()->setDefaultSectionSize(
        std::max(space::tableRow, QFontMetrics(fixedFont(TextSize::Secondary)).height() + 10));
}

StateDelegate::StateDelegate(int stateRole, QObject* parent)
    : QStyledItemDelegate(parent)
    , m_stateRole(stateRole)
{
}

void StateDelegate::paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const
{
    const QVariant state = index.data(m_stateRole);
    if (!state.isValid()) {
        QStyledItemDelegate::paint(painter, option, index);
        return;
    }
    QStyleOptionViewItem cell(option);
    initStyleOption(&cell, index);
    cell.text.clear();
    const QStyle* style = cell.widget != nullptr ? cell.widget->style() : QApplication::style();
    style->drawControl(QStyle::CE_ItemViewItem, &cell, painter, cell.widget);
    const Tokens& tokens = tokensOf(QApplication::palette());
    const auto mark = static_cast<Mark>(state.toInt());
    const QRect area = option.rect.adjusted(11, 0, -11, 0);
    const double side = 16;
    paintMark(*painter, QRectF(area.left(), area.center().y() - side / 2 + 0.5, side, side), mark, tokens);
    painter->save();
    painter->setFont(textFont(TextSize::Secondary));
    painter->setPen(tokens.text);
    painter->drawText(area.adjusted(static_cast<int>(side) + 6, 0, 0, 0), Qt::AlignVCenter | Qt::AlignLeft,
                      index.data(Qt::DisplayRole).toString());
    painter->restore();
}

}
