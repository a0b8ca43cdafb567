#include "widgets/value_table.h"

#include "widgets/number_text.h"
#include "widgets/table_look.h"
#include "widgets/theme.h"

#include <QApplication>
#include <QHeaderView>
#include <QSortFilterProxyModel>

#include <algorithm>
#include <cmath>
#include <utility>

namespace blockcert::widgets {

namespace {

constexpr int cellMargins = 28; // of the style sheet and of the style around a cell's text, both sides

// Numbers before texts, and what has neither at the end, in both directions.
class MissingLast : public QSortFilterProxyModel {
public:
    using QSortFilterProxyModel::QSortFilterProxyModel;

protected:
    [[nodiscard]] bool lessThan(const QModelIndex& left, const QModelIndex& right) const override
    {
        const QVariant a = left.data(ValueTableModel::SortRole);
        const QVariant b = right.data(ValueTableModel::SortRole);
        const bool isNumberA = a.userType() == QMetaType::Double;
        const bool isNumberB = b.userType() == QMetaType::Double;
        if (isNumberA && isNumberB)
            return a.toDouble() < b.toDouble();
        if (isNumberA != isNumberB)
            return sortOrder() == Qt::AscendingOrder ? isNumberA : isNumberB;
        return a.toString().localeAwareCompare(b.toString()) < 0;
    }
};

QString textOf(const ValueCell& cell)
{
    if (!cell.text.isEmpty() || std::isnan(cell.number))
        return cell.text.isEmpty() ? QStringLiteral("–") : shownName(cell.text);
    return !cell.isSigned     ? tableNumber(cell.number)
           : cell.number == 0 ? QStringLiteral("0")
                              : signedTableNumber(cell.number);
}

}

ExportTable tableOf(const ValueRows& rows)
{
    ExportTable table;
    for (const ValueColumn& column : rows.columns)
        table.columns << column.title;
    for (const std::vector<ValueCell>& row : rows.rows) {
        QStringList texts;
        for (const ValueCell& cell : row)
            texts << (std::isnan(cell.number) ? cell.text : exactNumber(cell.number));
        table.rows.push_back(std::move(texts));
    }
    return table;
}

ValueTableModel::ValueTableModel(QObject* parent)
    : QAbstractTableModel(parent)
{
}

void ValueTableModel::setRows(std::shared_ptr<const ValueRows> rows)
{
    beginResetModel();
    m_rows = std::move(rows);
    endResetModel();
}

int ValueTableModel::rowCount(const QModelIndex& parent) const
{
    return parent.isValid() || !m_rows ? 0 : static_cast<int>(m_rows->rows.size());
}

int ValueTableModel::columnCount(const QModelIndex& parent) const
{
    return parent.isValid() || !m_rows ? 0 : static_cast<int>(m_rows->columns.size());
}

QVariant ValueTableModel::data(const QModelIndex& index, int role) const
{
    if (!index.isValid() || index.row() >= rowCount() || index.column() >= columnCount())
        return {};
    const std::vector<ValueCell>& row = m_rows->rows[static_cast<std::size_t>(index.row())];
    const auto column = static_cast<std::size_t>(index.column());
    static const ValueCell none;
    const ValueCell& cell = column < row.size() ? row[column] : none;
    const bool isNumber = m_rows->columns[column].isNumber;
    switch (role) {
    case Qt::DisplayRole: return textOf(cell);
    case SortRole: return std::isnan(cell.number) ? QVariant(cell.text) : QVariant(cell.number);
    case RowRole: return index.row();
    case Qt::ToolTipRole:
        return plainToolTip(!cell.toolTip.isEmpty()   ? cell.toolTip
                            : std::isnan(cell.number) ? textOf(cell)
                                                      : exactNumber(cell.number));
    case Qt::AccessibleTextRole: return QStringLiteral("%1: %2").arg(m_rows->columns[column].title, textOf(cell));
    case Qt::ForegroundRole: return cell.isWeaker ? QVariant(tokensOf(QApplication::palette()).weaker.ink) : QVariant();
    case Qt::FontRole:
        return isNumber ? fixedFont(TextSize::Secondary, cell.isWeaker ? TextWeight::Strong : TextWeight::Normal)
                        : textFont(TextSize::Secondary, cell.isWeaker ? TextWeight::Strong : TextWeight::Normal);
    case Qt::TextAlignmentRole:
        return QVariant::fromValue((isNumber ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter);
    default: return {};
    }
}

QVariant ValueTableModel::headerData(int section, Qt::Orientation orientation, int role) const
{
    if (orientation != Qt::Horizontal || section < 0 || section >= columnCount())
        return {};
    const ValueColumn& column = m_rows->columns[static_cast<std::size_t>(section)];
    switch (role) {
    case Qt::DisplayRole: return column.title;
    case Qt::ToolTipRole: return column.toolTip.isEmpty() ? QVariant() : QVariant(plainToolTip(column.toolTip));
    case Qt::TextAlignmentRole:
        return QVariant::fromValue((column.isNumber ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter);
    default: return {};
    }
}

ValueTable::ValueTable(const QString& accessibleName, QWidget* parent)
    : QTableView(parent)
    , m_model(new ValueTableModel(this))
    , m_sorted(new MissingLast(this))
{
    m_sorted->setSourceModel(m_model);
    m_sorted->setSortRole(ValueTableModel::SortRole);
    setModel(m_sorted);
    prepareTable(*this);
    setSortingEnabled(true);
    sortByColumn(-1, Qt::AscendingOrder);
    setAccessibleName(accessibleName);
    connect(selectionModel(), &QItemSelectionModel::currentRowChanged, this, [this] {
        if (!m_silent && currentRow() >= 0)
            emit rowChosen(currentRow());
    });
    connect(selectionModel(), &QItemSelectionModel::selectionChanged, this, [this] {
        if (!m_silent)
            emit rowsSelected();
    });
    connect(this, &QTableView::activated, this, [this] {
        if (currentRow() >= 0)
            emit rowActivated(currentRow());
    });
}

void ValueTable::setRows(std::shared_ptr<const ValueRows> rows)
{
    m_silent = true;
    const bool isOther = !m_rows || !rows || m_rows->columns.size() != rows->columns.size();
    m_rows = rows;
    m_longest.assign(rows ? rows->columns.size() : 0, 0);
    for (std::size_t column = 0; column < m_longest.size(); ++column)
        if (rows->columns[column].isNumber)
            for (const std::vector<ValueCell>& cells : rows->rows)
                if (column < cells.size())
                    m_longest[column] = std::max(m_longest[column], static_cast<int>(textOf(cells[column]).size()));
    m_model->setRows(std::move(rows));
    if (isOther)
        sortByColumn(-1, Qt::AscendingOrder);
    m_silent = false;
    layoutColumns();
}

int ValueTable::currentRow() const
{
    return currentIndex().isValid() ? currentIndex().data(ValueTableModel::RowRole).toInt() : -1;
}

std::vector<int> ValueTable::selectedRows() const
{
    std::vector<int> rows;
    for (const QModelIndex& index : selectionModel()->selectedRows())
        rows.push_back(index.data(ValueTableModel::RowRole).toInt());
    std::sort(rows.begin(), rows.end());
    return rows;
}

void ValueTable::setCurrentRow(int row)
{
    if (row == currentRow() || row < 0 || row >= m_model->rowCount())
        return;
    m_silent = true;
    setCurrentIndex(m_sorted->mapFromSource(m_model->index(row, 0)));
    m_silent = false;
}

void ValueTable::resizeEvent(QResizeEvent* event)
{
    QTableView::resizeEvent(event);
    layoutColumns();
}

// Columns are as wide as they say; the last column of text takes what is left over.
void ValueTable::layoutColumns()
{
    if (!m_rows)
        return;
    const QFontMetrics fixed(fixedFont(TextSize::Secondary));
    const int digit = fixed.horizontalAdvance(u'0');
    int used = 0;
    int wide = -1;
    for (int column = 0; column < m_model->columnCount(); ++column) {
        const ValueColumn& about = m_rows->columns[static_cast<std::size_t>(column)];
        const int header =
            QFontMetrics(textFont(TextSize::Secondary, TextWeight::Strong)).horizontalAdvance(about.title) + 4 * digit;
        const int longest = m_longest[static_cast<std::size_t>(column)];
        const int entry = longest > 0 ? fixed.horizontalAdvance(QString(longest, u'0')) + cellMargins : 0;
        setColumnWidth(column, std::max({about.characters * digit, header, entry}));
        used += columnWidth(column);
        wide = about.isNumber ? wide : column;
    }
    if (wide >= 0 && used < viewport()->width())
        setColumnWidth(wide, columnWidth(wide) + viewport()->width() - used);
}

}
