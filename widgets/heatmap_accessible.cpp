#include "widgets/heatmap_accessible.h"

#include "widgets/token_heatmap.h"

#include <QAccessible>
#include <QAccessibleWidget>
#include <QHash>
#include <QPointer>

namespace blockcert::widgets {

namespace {

class MapAccessible;

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
        const CellKey key = m_heatmap->keyOf(m_position);
        return key.isValid() ? m_heatmap->cellSentence(key) : TokenHeatmap::tr("Prompt %1").arg(key.prompt);
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
        const CellKey key = m_heatmap->keyOf(m_position);
        state.focused = m_heatmap->hasFocus() && key == m_heatmap->current();
        state.selected = key.isValid() && key == m_heatmap->held();
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
        const HeatmapRow& key = rows[static_cast<std::size_t>(row)];
        return key.token < 0 ? TokenHeatmap::tr("Prompt %1").arg(key.prompt)
                             : TokenHeatmap::tr("Token %1").arg(key.token);
    }

    [[nodiscard]] QString columnDescription(int column) const override
    {
        const auto map = heatmap().map();
        return !map || column < 0 || column >= static_cast<int>(map->blocks.size())
                   ? QString()
                   : TokenHeatmap::tr("Block %1").arg(map->blocks[static_cast<std::size_t>(column)]);
    }

    [[nodiscard]] QAccessibleInterface* caption() const override { return nullptr; }

    [[nodiscard]] QAccessibleInterface* summary() const override { return nullptr; }

    [[nodiscard]] int selectedCellCount() const override { return heatmap().isHeld() ? 1 : 0; }

    [[nodiscard]] QList<QAccessibleInterface*> selectedCells() const override
    {
        const auto position = heatmap().positionOf(heatmap().held());
        return position ? QList<QAccessibleInterface*>{cellAt(position->row, position->column)}
                        : QList<QAccessibleInterface*>{};
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
