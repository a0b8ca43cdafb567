#include "widgets/tensor_table.h"

#include "widgets/number_text.h"
#include "widgets/table_look.h"
#include "widgets/theme.h"

#include <QApplication>
#include <QHeaderView>
#include <QSortFilterProxyModel>

#include <array>
#include <utility>

namespace blockcert::widgets {

namespace {

QString shapeText(const std::vector<qint64>& shape)
{
    QStringList sizes;
    for (const qint64 size : shape)
        sizes << QString::number(size);
    return shape.empty() ? TensorTableModel::tr("scalar") : sizes.join(QStringLiteral(" × "));
}

}

TensorTableModel::TensorTableModel(QObject* parent)
    : QAbstractTableModel(parent)
{
}

void TensorTableModel::setCard(std::shared_ptr<const ModelCard> card)
{
    beginResetModel();
    m_card = std::move(card);
    endResetModel();
}

int TensorTableModel::rowCount(const QModelIndex& parent) const
{
    return parent.isValid() || !m_card ? 0 : static_cast<int>(m_card->tensors.size());
}

int TensorTableModel::columnCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : ColumnCount;
}

QVariant TensorTableModel::data(const QModelIndex& index, int role) const
{
    if (!index.isValid() || index.row() >= rowCount())
        return {};
    const TensorRow& row = m_card->tensors[static_cast<std::size_t>(index.row())];
    const int column = index.column();
    switch (role) {
    case Qt::DisplayRole:
        switch (column) {
        case Name: return shownName(row.name);
        case MappedRole: return row.role.isEmpty() ? tr("not used") : shownName(row.role);
        case Shape: return shapeText(row.shape);
        case DType: return shownName(row.dtype);
        case Bytes: return bytesText(row.bytes);
        default: return {};
        }
    case Qt::ToolTipRole:
        return plainToolTip(
            tr("%1\n%2 bytes in %3").arg(row.name, countText(static_cast<qint64>(row.bytes)), row.file));
    case SearchRole: return row.name + u' ' + row.role + u' ' + row.dtype;
    case SortRole:
        // Files keep their order by name with numbers as numbers; the others sort by what they are.
        switch (column) {
        case Name: return row.name;
        case MappedRole: return row.role;
        case Shape: {
            qint64 elements = 1;
            for (const qint64 size : row.shape)
                elements *= size;
            return elements;
        }
        case DType: return row.dtype;
        case Bytes: return row.bytes;
        default: return {};
        }
    case Qt::FontRole: return column == MappedRole ? textFont(TextSize::Secondary) : fixedFont(TextSize::Secondary);
    case Qt::ForegroundRole:
        return column == MappedRole || column == DType ? QVariant(tokensOf(QApplication::palette()).secondary)
                                                       : QVariant();
    case Qt::TextAlignmentRole:
        return QVariant::fromValue(column == Bytes || column == Shape ? Qt::AlignRight | Qt::AlignVCenter
                                                                      : Qt::AlignLeft | Qt::AlignVCenter);
    default: return {};
    }
}

QVariant TensorTableModel::headerData(int section, Qt::Orientation orientation, int role) const
{
    static constexpr std::array names{QT_TR_NOOP("Tensor"), QT_TR_NOOP("Role"), QT_TR_NOOP("Shape"), QT_TR_NOOP("Type"),
                                      QT_TR_NOOP("Size")};
    if (orientation != Qt::Horizontal || section < 0 || section >= ColumnCount)
        return {};
    if (role == Qt::DisplayRole)
        return tr(names[static_cast<std::size_t>(section)]);
    if (role == Qt::TextAlignmentRole)
        return QVariant::fromValue(section == Bytes || section == Shape ? Qt::AlignRight | Qt::AlignVCenter
                                                                        : Qt::AlignLeft | Qt::AlignVCenter);
    return {};
}

TensorTable::TensorTable(QWidget* parent)
    : QTableView(parent)
    , m_model(new TensorTableModel(this))
    , m_sorted(new QSortFilterProxyModel(this))
{
    m_sorted->setSourceModel(m_model);
    m_sorted->setSortRole(TensorTableModel::SortRole);
    m_sorted->setFilterRole(TensorTableModel::SearchRole);
    m_sorted->setFilterKeyColumn(TensorTableModel::Name);
    m_sorted->setFilterCaseSensitivity(Qt::CaseInsensitive);
    setModel(m_sorted);
    prepareTable(*this);
    setSortingEnabled(true);
    m_sorted->sort(-1); // the file's own order until a header is clicked
    horizontalHeader()->setSortIndicator(-1, Qt::AscendingOrder);
    setAccessibleName(tr("Tensors"));
}

void TensorTable::setCard(std::shared_ptr<const ModelCard> card)
{
    m_model->setCard(std::move(card));
    layoutColumns();
}

void TensorTable::setFilter(const QString& text)
{
    m_sorted->setFilterFixedString(text);
}

int TensorTable::shownTensors() const
{
    return m_sorted->rowCount();
}

void TensorTable::layoutColumns()
{
    const int digit = QFontMetrics(fixedFont(TextSize::Secondary)).horizontalAdvance(u'0');
    const int sizes[] = {0, std::max(160, viewport()->width() / 4), 15 * digit, 8 * digit, 11 * digit};
    int used = 0;
    for (int column = TensorTableModel::MappedRole; column < TensorTableModel::ColumnCount; ++column) {
        setColumnWidth(column, sizes[column]);
        used += sizes[column];
    }
    setColumnWidth(TensorTableModel::Name, std::max(26 * digit, viewport()->width() - used));
}

void TensorTable::resizeEvent(QResizeEvent* event)
{
    QTableView::resizeEvent(event);
    layoutColumns();
}

}
