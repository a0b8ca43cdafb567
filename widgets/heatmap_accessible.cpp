#include "widgets/heatmap_accessible.h"

#include "widgets/token_heatmap.h"

#include <QAccessible>
#include <QAccessibleWidget>
#include <QHash>
#include <QPointer>

namespace blockcert::widgets {

namespace {

class MapAccessible;

QString headingText(const TokenHeatmap& heatmap, int row)
{
    const HeatmapRow& key = heatmap.grid().rows()[static_cast<std::size_t>(row)];
    if (key.token >= 0)
        return TokenHeatmap::tr("Token %1").arg(key.token);
    if (key.token != HeatmapRow::tagHeading)
        return TokenHeatmap::tr("Prompt %1").arg(key.prompt);
    const QString group = groupOf(heatmap.map()->prompts[static_cast<std::size_t>(key.prompt)]);
    return group.isEmpty() ? TokenHeatmap::tr("No tag") : TokenHeatmap::tr("Tag “%1”").arg(group);
}

// One cell; made when asked for, owned by Qt's cache and released with its table.
class CellAccessible : public QAccessibleInterface, public QAccessibleTableCellInterface {
public:
    CellAccessible(TokenHeatmap* heatmap, GridPosition position)
        : m_heatmap(heatmap)
        , m_position(position)
    {
    }

    [[nodiscard]] bool isValid() const override
    {
        return !m_heatmap.isNull() && m_position.row < m_heatmap->values().rows() &&
               m_position.column < m_heatmap->values().columns();
    }

    [[nodiscard]] QObject* object() const override { return nullptr; }

    [[nodiscard]] QAccessibleInterface* parent() const override
    {
        return m_heatmap.isNull() ? nullptr : QAccessible::queryAccessibleInterface(m_heatmap);
    }

    [[nodiscard]] QAccessibleInterface* child(int) const override { return nullptr; }

    [[nodiscard]] QAccessibleInterface* childAt(int, int) const override { return nullptr; }

    [[nodiscard]] int childCount() const override { return 0; }

    [[nodiscard]] int indexOfChild(const QAccessibleInterface*) const override { return -1; }

    [[nodiscard]] QAccessible::Role role() const override { return QAccessible::Cell; }

    [[nodiscard]] QString text(QAccessible::Text kind) const override
    {
        if (!isValid() || (kind != QAccessible::Name && kind != QAccessible::Value))
            return {};
        if (m_heatmap->grid().rows()[static_cast<std::size_t>(m_position.row)].isHeading())
            return headingText(*m_heatmap, m_position.row);
        return m_heatmap->cellSentence(m_heatmap->keyOf(m_position));
    }

    void setText(QAccessible::Text, const QString&) override {}

    [[nodiscard]] QRect rect() const override
    {
        if (!isValid())
            return {};
        const QRect area = m_heatmap->rectOf(m_heatmap->keyOf(m_position)).toAlignedRect();
        return {m_heatmap->viewport()->mapToGlobal(area.topLeft()), area.size()};
    }

    [[nodiscard]] QAccessible::State state() const override
    {
        QAccessible::State state;
        state.readOnly = true;
        state.focusable = true;
        state.selectable = true;
        if (!isValid()) {
            state.invalid = true;
            return state;
        }
        state.focused = m_heatmap->hasFocus() && m_heatmap->positionOf(m_heatmap->current()) == m_position;
        const auto& chosen = m_heatmap->selection();
        state.selected = chosen ? m_position.row >= chosen->from.row && m_position.row <= chosen->to.row &&
                                      m_position.column >= chosen->from.column && m_position.column <= chosen->to.column
                                : m_heatmap->positionOf(m_heatmap->held()) == m_position;
        return state;
    }

    void* interface_cast(QAccessible::InterfaceType type) override
    {
        return type == QAccessible::TableCellInterface ? static_cast<QAccessibleTableCellInterface*>(this) : nullptr;
    }

    [[nodiscard]] bool isSelected() const override { return state().selected; }

    [[nodiscard]] QList<QAccessibleInterface*> columnHeaderCells() const override { return {}; }

    [[nodiscard]] QList<QAccessibleInterface*> rowHeaderCells() const override { return {}; }

    [[nodiscard]] int columnIndex() const override { return m_position.column; }

    [[nodiscard]] int rowIndex() const override { return m_position.row; }

    [[nodiscard]] int columnExtent() const override { return 1; }

    [[nodiscard]] int rowExtent() const override { return 1; }

    [[nodiscard]] QAccessibleInterface* table() const override { return parent(); }

private:
    QPointer<TokenHeatmap> m_heatmap;
    GridPosition m_position;
};

class MapAccessible : public QAccessibleWidget, public QAccessibleTableInterface {
public:
    explicit MapAccessible(TokenHeatmap* heatmap)
        : QAccessibleWidget(heatmap, QAccessible::Table)
    {
    }

    ~MapAccessible() override { forget(); }

    [[nodiscard]] TokenHeatmap& heatmap() const { return *static_cast<TokenHeatmap*>(widget()); }

    void* interface_cast(QAccessible::InterfaceType type) override
    {
        return type == QAccessible::TableInterface ? static_cast<QAccessibleTableInterface*>(this)
                                                   : QAccessibleWidget::interface_cast(type);
    }

    [[nodiscard]] int childCount() const override { return rowCount() * columnCount(); }

    [[nodiscard]] QAccessibleInterface* child(int index) const override
    {
        return columnCount() == 0 ? nullptr : cellAt(index / columnCount(), index % columnCount());
    }

    [[nodiscard]] QAccessibleInterface* childAt(int x, int y) const override
    {
        const auto key = heatmap().cellAt(heatmap().viewport()->mapFromGlobal(QPointF(x, y)));
        const auto position = key ? heatmap().positionOf(*key) : std::nullopt;
        return position ? cellAt(position->row, position->column) : nullptr;
    }

    [[nodiscard]] int indexOfChild(const QAccessibleInterface* child) const override
    {
        auto* cell = const_cast<QAccessibleInterface*>(child)->tableCellInterface();
        return cell == nullptr ? -1 : cell->rowIndex() * columnCount() + cell->columnIndex();
    }

    [[nodiscard]] QAccessibleInterface* focusChild() const override
    {
        const auto position = heatmap().positionOf(heatmap().current());
        return position ? cellAt(position->row, position->column) : nullptr;
    }

    [[nodiscard]] QAccessibleInterface* cellAt(int row, int column) const override
    {
        if (row < 0 || column < 0 || row >= rowCount() || column >= columnCount())
            return nullptr;
        if (m_cachedColumns != columnCount())
            forget(); // another run: an index would mean another cell
        m_cachedColumns = columnCount();
        const int index = row * columnCount() + column;
        const auto known = m_cells.constFind(index);
        if (known != m_cells.constEnd())
            return QAccessible::accessibleInterface(*known);
        auto* cell = new CellAccessible(&heatmap(), {row, column});
        m_cells.insert(index, QAccessible::registerAccessibleInterface(cell));
        return cell;
    }

    void forget() const
    {
        for (const QAccessible::Id id : std::as_const(m_cells))
            QAccessible::deleteAccessibleInterface(id);
        m_cells.clear();
    }

    [[nodiscard]] int rowCount() const override { return heatmap().values().rows(); }

    [[nodiscard]] int columnCount() const override { return heatmap().values().columns(); }

    [[nodiscard]] QString rowDescription(int row) const override
    {
        const auto& rows = heatmap().grid().rows();
        if (row < 0 || row >= static_cast<int>(rows.size()))
            return {};
        return headingText(heatmap(), row);
    }

    [[nodiscard]] QString columnDescription(int column) const override
    {
        const int block = heatmap().map() ? heatmap().blockAt(column) : -1;
        return block < 0 ? QString() : TokenHeatmap::tr("Block %1").arg(block);
    }

    [[nodiscard]] QAccessibleInterface* caption() const override { return nullptr; }

    [[nodiscard]] QAccessibleInterface* summary() const override { return nullptr; }

    [[nodiscard]] int selectedCellCount() const override
    {
        const auto& chosen = heatmap().selection();
        return chosen ? (chosen->to.row - chosen->from.row + 1) * (chosen->to.column - chosen->from.column + 1)
               : heatmap().isHeld() ? 1
                                    : 0;
    }

    [[nodiscard]] QList<QAccessibleInterface*> selectedCells() const override
    {
        QList<QAccessibleInterface*> cells;
        if (const auto& chosen = heatmap().selection()) {
            for (int row = chosen->from.row; row <= chosen->to.row; ++row)
                for (int column = chosen->from.column; column <= chosen->to.column; ++column)
                    cells << cellAt(row, column);
        } else if (const auto position = heatmap().positionOf(heatmap().held())) {
            cells << cellAt(position->row, position->column);
        }
        return cells;
    }

    [[nodiscard]] int selectedColumnCount() const override { return 0; }

    [[nodiscard]] int selectedRowCount() const override { return 0; }

    [[nodiscard]] QList<int> selectedColumns() const override { return {}; }

    [[nodiscard]] QList<int> selectedRows() const override { return {}; }

    [[nodiscard]] bool isColumnSelected(int) const override { return false; }

    [[nodiscard]] bool isRowSelected(int) const override { return false; }

    bool selectRow(int) override { return false; }

    bool selectColumn(int) override { return false; }

    bool unselectRow(int) override { return false; }

    bool unselectColumn(int) override { return false; }

    void modelChange(QAccessibleTableModelChangeEvent*) override { forget(); }

private:
    mutable QHash<int, QAccessible::Id> m_cells; // filled by const queries
    mutable int m_cachedColumns = 0;
};

QAccessibleInterface* makeInterface(const QString&, QObject* object)
{
    auto* heatmap = qobject_cast<TokenHeatmap*>(object);
    return heatmap == nullptr ? nullptr : new MapAccessible(heatmap);
}

}

void installHeatmapAccessibility()
{
    static const bool once = (QAccessible::installFactory(makeInterface), true);
    static_cast<void>(once);
}

void announceHeatmapCell(TokenHeatmap& heatmap, GridPosition position)
{
    if (!QAccessible::isActive() || !heatmap.hasFocus())
        return;
    QAccessibleEvent event(&heatmap, QAccessible::Focus);
    event.setChild(position.row * heatmap.values().columns() + position.column);
    QAccessible::updateAccessibility(&event);
}

void announceHeatmapReset(TokenHeatmap& heatmap)
{
    if (!QAccessible::isActive())
        return;
    QAccessibleTableModelChangeEvent event(&heatmap, QAccessibleTableModelChangeEvent::ModelReset);
    QAccessible::updateAccessibility(&event);
}

}
