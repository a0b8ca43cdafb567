#include "widgets/value_grid.h"

#include "widgets/number_text.h"
#include "widgets/table_look.h"
#include "widgets/theme.h"

#include <QHeaderView>
#include <QMouseEvent>
#include <QPainter>
#include <QStyledItemDelegate>

#include <algorithm>
#include <cmath>
#include <utility>

namespace blockcert::widgets {

namespace {

constexpr int roomForText = 34; // pixels

// Black or white, whichever is read more easily on the fill.
QColor inkOn(const QColor& fill)
{
    const auto linear = [](double c) { return c <= 0.03928 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4); };
    const double light = 0.2126 * linear(fill.redF()) + 0.7152 * linear(fill.greenF()) + 0.0722 * linear(fill.blueF());
    return light > 0.18 ? QColor(0x10, 0x14, 0x1A) : QColor(Qt::white);
}

void paintCell(QPainter& painter, const QRectF& rect, const GridCell& cell, const ErrorScale& scale,
               const Tokens& tokens, const QString& text)
{
    const int step = scale.stepOf(cell.value);
    QColor ink = tokens.secondary;
    if (step >= 0) {
        const QColor fill = scale.colourOf(step, tokens);
        painter.fillRect(rect, fill);
        ink = inkOn(fill);
    } else {
        painter.fillRect(rect, QBrush(tokens.hatch, Qt::BDiagPattern));
    }
    if (!text.isEmpty() && rect.width() >= roomForText) {
        painter.setPen(ink);
        painter.setFont(fixedFont(TextSize::Secondary));
        painter.drawText(rect, Qt::AlignCenter, text);
    }
    if (cell.isMarked) {
        painter.setPen(QPen(ink, 2));
        painter.setBrush(Qt::NoBrush);
        painter.drawRect(rect.adjusted(2, 2, -2, -2));
    }
}

class CellDelegate : public QStyledItemDelegate {
public:
    using QStyledItemDelegate::QStyledItemDelegate;

    void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override
    {
        const auto* model = static_cast<const ValueGridModel*>(index.model());
        const GridCell* cell = model->values() ? model->values()->cell(index.row(), index.column()) : nullptr;
        if (!cell || !cell->exists)
            return;
        const Tokens& tokens = tokensOf(*option.widget);
        painter->save();
        paintCell(*painter, QRectF(option.rect).adjusted(0, 0, -1, -1), *cell, model->values()->scale, tokens,
                  cell->text);
        if (option.state.testFlag(QStyle::State_Selected) || option.state.testFlag(QStyle::State_HasFocus)) {
            const bool hasFocus = option.state.testFlag(QStyle::State_HasFocus);
            painter->setPen(QPen(hasFocus ? tokens.accent : tokens.text, 2));
            painter->setBrush(Qt::NoBrush);
            painter->drawRect(QRectF(option.rect).adjusted(1, 1, -2, -2));
        }
        painter->restore();
    }
};

// Cells with their names, for files.
void paintGrid(QPainter& painter, const GridValues& values)
{
    const Tokens& tokens = printTokens();
    constexpr double left = 110;
    constexpr double top = 24;
    constexpr double width = 64;
    constexpr double height = 26;
    painter.setFont(fixedFont(TextSize::Axis));
    painter.setPen(tokens.text);
    for (int row = 0; row < values.rows.size(); ++row)
        painter.drawText(QRectF(0, top + row * height, left - 8, height), Qt::AlignVCenter | Qt::AlignRight,
                         values.rows[row]);
    for (int column = 0; column < values.columns.size(); ++column)
        painter.drawText(QRectF(left + column * width, 0, width, top), Qt::AlignCenter, values.columns[column]);
    for (int row = 0; row < values.rows.size(); ++row)
        for (int column = 0; column < values.columns.size(); ++column)
            if (const GridCell* cell = values.cell(row, column); cell && cell->exists)
                paintCell(painter, {left + column * width, top + row * height, width - 1, height - 1}, *cell,
                          values.scale, tokens, cell->text);
}

}

ExportTable tableOf(const GridValues& values)
{
    ExportTable table;
    table.columns << values.rowTitle << values.columns;
    for (int row = 0; row < values.rows.size(); ++row) {
        QStringList texts{values.rows[row]};
        for (int column = 0; column < values.columns.size(); ++column) {
            const GridCell* cell = values.cell(row, column);
            texts << (cell && !std::isnan(cell->value) ? exactNumber(cell->value) : QString());
        }
        table.rows.push_back(texts);
    }
    return table;
}

ValueGridModel::ValueGridModel(QObject* parent)
    : QAbstractTableModel(parent)
{
}

void ValueGridModel::setValues(std::shared_ptr<const GridValues> values)
{
    const bool isSameShape =
        m_values && values && m_values->rows == values->rows && m_values->columns == values->columns;
    if (isSameShape) {
        m_values = std::move(values);
        if (rowCount() > 0 && columnCount() > 0)
            emit dataChanged(index(0, 0), index(rowCount() - 1, columnCount() - 1));
        return;
    }
    beginResetModel();
    m_values = std::move(values);
    endResetModel();
}

int ValueGridModel::rowCount(const QModelIndex& parent) const
{
    return parent.isValid() || !m_values ? 0 : static_cast<int>(m_values->rows.size());
}

int ValueGridModel::columnCount(const QModelIndex& parent) const
{
    return parent.isValid() || !m_values ? 0 : static_cast<int>(m_values->columns.size());
}

QVariant ValueGridModel::data(const QModelIndex& index, int role) const
{
    const GridCell* cell = m_values && index.isValid() ? m_values->cell(index.row(), index.column()) : nullptr;
    if (!cell || !cell->exists)
        return {};
    switch (role) {
    case Qt::DisplayRole: return cell->text;
    case Qt::ToolTipRole: return plainToolTip(cell->toolTip);
    case Qt::AccessibleTextRole:
        return QStringLiteral("%1 %2, %3 %4: %5 %6")
            .arg(m_values->rowTitle, m_values->rows[index.row()], m_values->columnTitle,
                 m_values->columns[index.column()], m_values->quantity,
                 std::isnan(cell->value) ? tr("not measured")
                 : cell->text.isEmpty()  ? tableNumber(cell->value)
                                         : cell->text);
    default: return {};
    }
}

QVariant ValueGridModel::headerData(int section, Qt::Orientation orientation, int role) const
{
    if (!m_values || section < 0 || section >= (orientation == Qt::Horizontal ? columnCount() : rowCount()))
        return {};
    const QString& name = orientation == Qt::Horizontal ? m_values->columns[section] : m_values->rows[section];
    switch (role) {
    case Qt::DisplayRole: return name;
    case Qt::ToolTipRole:
        return QStringLiteral("%1 %2").arg(orientation == Qt::Horizontal ? m_values->columnTitle : m_values->rowTitle,
                                           name);
    case Qt::TextAlignmentRole:
        return QVariant::fromValue(orientation == Qt::Horizontal ? Qt::AlignCenter : Qt::AlignRight | Qt::AlignVCenter);
    default: return {};
    }
}

ValueGrid::ValueGrid(const QString& accessibleName, QWidget* parent)
    : QTableView(parent)
    , m_model(new ValueGridModel(this))
{
    setModel(m_model);
    setItemDelegate(new CellDelegate(this));
    setAccessibleName(accessibleName);
    setFrameShape(QFrame::NoFrame);
    setShowGrid(false);
    setMouseTracking(true);
    setSelectionMode(QAbstractItemView::SingleSelection);
    setTabKeyNavigation(false);
    setHorizontalScrollMode(QAbstractItemView::ScrollPerPixel);
    verticalHeader()->setSectionResizeMode(QHeaderView::Fixed);
    horizontalHeader()->setSectionResizeMode(QHeaderView::Fixed);
    horizontalHeader()->setMinimumSectionSize(8);
    horizontalHeader()->setHighlightSections(false);
    verticalHeader()->setHighlightSections(false);
    setCornerButtonEnabled(false);
    connect(this, &QTableView::clicked, this,
            [this](const QModelIndex& index) { emit cellChosen(index.row(), index.column()); });
    connect(this, &QTableView::activated, this,
            [this](const QModelIndex& index) { emit cellChosen(index.row(), index.column()); });
    layoutCells();
}

void ValueGrid::setValues(std::shared_ptr<const GridValues> values)
{
    m_model->setValues(std::move(values));
    layoutCells();
}

void ValueGrid::setCellWidth(int width)
{
    m_cellWidth = width;
    horizontalHeader()->setVisible(width >= roomForText); // names would not fit
    layoutCells();
}

void ValueGrid::setCurrentCell(int row, int column)
{
    selectionModel()->setCurrentIndex(m_model->index(row, column), QItemSelectionModel::ClearAndSelect);
}

ViewExport ValueGrid::exported() const
{
    ViewExport view;
    const std::shared_ptr<const GridValues> shown = values();
    if (!shown)
        return view;
    view.title = shown->quantity;
    view.size = {118.0 + 64.0 * static_cast<double>(shown->columns.size()),
                 32.0 + 26.0 * static_cast<double>(shown->rows.size())};
    view.paint = [shown](QPainter& painter, bool) { paintGrid(painter, *shown); };
    view.table = [shown] { return tableOf(*shown); };
    return view;
}

void ValueGrid::mouseMoveEvent(QMouseEvent* event)
{
    QTableView::mouseMoveEvent(event);
    const QModelIndex index = indexAt(event->position().toPoint());
    emit cellHovered(index.isValid() ? index.row() : -1, index.isValid() ? index.column() : -1);
}

void ValueGrid::leaveEvent(QEvent* event)
{
    QTableView::leaveEvent(event);
    emit cellHovered(-1, -1);
}

void ValueGrid::changeEvent(QEvent* event)
{
    QTableView::changeEvent(event);
    if (event->type() == QEvent::FontChange || event->type() == QEvent::StyleChange)
        layoutCells();
}

void ValueGrid::resizeEvent(QResizeEvent* event)
{
    QTableView::resizeEvent(event);
    layoutCells();
}

// Cells share the width there is, and are never narrower than asked for.
void ValueGrid::layoutCells()
{
    if (!m_model) // while the base class is made
        return;
    verticalHeader()->setDefaultSectionSize(QFontMetrics(fixedFont(TextSize::Secondary)).height() + 10);
    const int columns = std::max(1, m_model->columnCount());
    const int share = viewport()->width() / columns;
    horizontalHeader()->setDefaultSectionSize(std::clamp(share, m_cellWidth, std::max(m_cellWidth, 120)));
}

}
