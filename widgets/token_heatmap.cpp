#include "widgets/token_heatmap.h"

#include "widgets/heatmap_accessible.h"
#include "widgets/theme.h"
#include "widgets/token_hover_card.h"

#include <QAccessible>
#include <QScrollBar>

#include <algorithm>
#include <chrono>
#include <cmath>

namespace blockcert::widgets {

namespace {

constexpr double defaultRowHeight = 18; // of the normal type; larger type has higher rows
constexpr double smallestNatural = 15;
constexpr double largestNatural = 22;
constexpr int normalLabel = 12; // pixels
constexpr double tallestRow = 40;
constexpr double headingHeight = 30;
constexpr double narrowestColumn = 4;
constexpr double widestColumn = 44;
constexpr double widestOfFew = 120;
constexpr double halfFilled = 400; // what a few columns may take together

// How much larger than normal the type of the labels is.
double typeFactor()
{
    return std::max(1.0, fixedFont(TextSize::Secondary).pixelSize() / static_cast<double>(normalLabel));
}

}

TokenHeatmap::TokenHeatmap(QWidget* parent)
    : QAbstractScrollArea(parent)
    , m_card(new TokenHoverCard(this))
{
    installHeatmapAccessibility();
    setFocusPolicy(Qt::StrongFocus);
    setFrameShape(QFrame::NoFrame);
    viewport()->setMouseTracking(true);
    viewport()->setAttribute(Qt::WA_OpaquePaintEvent);
    setAccessibleName(tr("Error map"));
    m_fitTimer.setSingleShot(true);
    m_fitTimer.setInterval(std::chrono::milliseconds(200));
    m_cardTimer.setSingleShot(true);
    m_cardTimer.setInterval(std::chrono::milliseconds(250));
    connect(&m_cardTimer, &QTimer::timeout, this, &TokenHeatmap::showCard);
    connect(&m_fitTimer, &QTimer::timeout, this, &TokenHeatmap::refit);
}

TokenHeatmap::~TokenHeatmap() = default;

void TokenHeatmap::setMap(std::shared_ptr<const TokenMap> map)
{
    if (m_ownMap != map)
        m_ownMap.reset();
    m_map = std::move(map);
    if (!m_map)
        m_view.prompt.reset();
    else if (m_view.prompt && *m_view.prompt >= static_cast<int>(m_map->prompts.size()))
        m_view.prompt = m_map->prompts.empty() ? std::optional<int>() : 0;
    rebuild();
}

void TokenHeatmap::setMap(std::shared_ptr<const TokenMap> map, Metric metric, std::optional<int> prompt)
{
    const bool isOtherMetric = metric != m_metric;
    const HeatmapLayout before = m_view;
    m_view.prompt = prompt;
    m_view.unit = prompt ? RowUnit::Tokens : m_overview;
    if (m_view.unit == RowUnit::Prompts)
        m_view.prompt.reset();
    if (isOtherMetric)
        m_fixedScale.reset();
    m_metric = metric;
    setMap(std::move(map));
    if (isOtherMetric)
        emit metricChanged(metric);
    if (m_view == before)
        return;
    if (m_view.prompt != before.prompt || m_view.unit != before.unit)
        verticalScrollBar()->setValue(0);
    ensureVisible(m_current);
    emit viewChanged();
}

void TokenHeatmap::setCell(int block, int prompt, std::shared_ptr<const MapCell> cell)
{
    if (!m_map)
        return;
    const int column = m_map->columnOf(block);
    if (column < 0 || prompt < 0 || prompt >= static_cast<int>(m_map->prompts.size()))
        return;
    if (!m_ownMap) {
        m_ownMap = std::make_shared<TokenMap>(*m_map);
        m_ownMap->cells.resize(m_ownMap->blocks.size() * m_ownMap->prompts.size());
        m_map = m_ownMap;
    }
    m_ownMap->cells[static_cast<std::size_t>(column) * m_ownMap->prompts.size() + static_cast<std::size_t>(prompt)] =
        std::move(cell);
    m_values.refresh(*m_map, m_scale, column, prompt);
    m_minimapIsOld = true;
    if (!m_fitTimer.isActive())
        m_fitTimer.start();
    viewport()->update();
}

void TokenHeatmap::setPrompt(std::optional<int> prompt)
{
    HeatmapLayout view = m_view;
    view.prompt = prompt;
    view.unit = prompt ? RowUnit::Tokens : m_overview;
    setView(view);
}

void TokenHeatmap::setView(const HeatmapLayout& view)
{
    if (view == m_view)
        return;
    const bool otherRows = view.prompt != m_view.prompt || view.unit != m_view.unit;
    m_view = view;
    if (view.unit == RowUnit::Prompts)
        m_view.prompt.reset();
    if (!m_view.prompt)
        m_overview = m_view.unit;
    rebuild();
    if (otherRows)
        verticalScrollBar()->setValue(0);
    ensureVisible(m_current);
    emit viewChanged();
}

void TokenHeatmap::setMetric(Metric metric)
{
    if (metric == m_metric)
        return;
    m_metric = metric;
    m_fixedScale.reset(); // a range of errors says nothing about losses
    rebuild();
    emit metricChanged(metric);
}

void TokenHeatmap::setScale(const std::optional<ErrorScale>& scale)
{
    if (!scale && !m_fixedScale)
        return; // it is the fitted one, which follows the cells
    m_fixedScale = scale;
    refit();
}

void TokenHeatmap::setScaleKind(ScaleKind kind)
{
    if (kind == m_scaleKind)
        return;
    m_scaleKind = kind;
    m_fixedScale.reset();
    refit();
    emit viewChanged();
}

void TokenHeatmap::setPlainColours(bool plain)
{
    if (plain == m_plain)
        return;
    m_plain = plain;
    refit();
    emit viewChanged();
}

void TokenHeatmap::fitScale()
{
    m_scale = m_fixedScale ? *m_fixedScale : m_map ? ErrorScale::fitted(*m_map, m_metric, m_scaleKind) : ErrorScale();
    m_scale.setPlain(m_plain);
}

// A range that was not fitted to this map may leave values out on both sides.
void TokenHeatmap::markClips()
{
    if (m_fixedScale && !m_scale.isCoverage())
        m_scale.setClips(m_scale.isDiverging() ? m_values.largest() > m_scale.high()
                                               : m_values.smallest() < m_scale.low(),
                         m_values.largest() > m_scale.high());
}

void TokenHeatmap::refit()
{
    const ErrorScale before = m_scale;
    fitScale();
    markClips();
    const bool changed = !m_scale.sameRange(before) || m_scale.clipsLow() != before.clipsLow() ||
                         m_scale.clipsHigh() != before.clipsHigh();
    m_values.rescale(m_scale);
    m_minimapIsOld = true;
    viewport()->update();
    if (changed)
        emit scaleChanged();
    // Rows that are sorted by value follow the cells that arrive, but not from under the pointer.
    const bool sorted = m_view.rowOrder == RowOrder::Value || m_view.columnOrder == ColumnOrder::Value;
    if (m_map && sorted && !m_hovered.isValid() && m_drag == Drag::None && arrange(*m_map, m_metric, m_view) != m_shown)
        rebuild();
}

void TokenHeatmap::rebuild()
{
    HeatmapArrangement shown = m_map ? arrange(*m_map, m_metric, m_view) : HeatmapArrangement();
    if (shown != m_shown)
        select(std::nullopt); // its rows and columns are others now
    m_shown = std::move(shown);
    m_shownColumns.assign(m_map ? m_map->blocks.size() : 0, -1);
    for (std::size_t column = 0; column < m_shown.columns.size(); ++column)
        m_shownColumns[static_cast<std::size_t>(m_shown.columns[column])] = static_cast<int>(column);
    m_grid.setRows(m_shown.rows);
    m_grid.setColumns(static_cast<int>(m_shown.columns.size()));
    fitScale();
    if (m_map)
        m_values.build(*m_map, m_metric, m_shown, m_view.aggregate, m_scale);
    else
        m_values = {};
    markClips();
    m_minimapIsOld = true;
    measureMargins();
    relayout();
    hideCard();
    m_hovered = {};
    if (m_held.isValid() && !shows(m_held)) {
        m_held = {};
        emit heldChanged(m_held);
    }
    if (m_current.isValid() && !shows(m_current))
        m_current = {};
    setAccessibleDescription(description());
    announceHeatmapReset(*this);
    emit scaleChanged();
}

// Rows of short prompts fill the view, within reason; long ones keep a height one can read and click.
double TokenHeatmap::naturalRowHeight() const
{
    const auto rows = static_cast<double>(m_grid.rows().size());
    const double factor = typeFactor();
    const double usual = std::round(defaultRowHeight * factor);
    if (rows == 0 || !(m_view.prompt || m_view.unit == RowUnit::Prompts))
        return usual;
    const double shared = std::floor(cellArea().height() / rows);
    return shared < smallestNatural * factor ? usual : std::min(shared, std::round(largestNatural * factor));
}

QRect TokenHeatmap::cellArea() const
{
    return viewport()->rect().adjusted(m_margins.left, m_margins.top, -m_margins.right, -m_margins.bottom);
}

// After the view or its type has become larger or smaller: what was looked at is still in view.
void TokenHeatmap::fitView()
{
    const QRectF before = rectOf(m_current);
    const bool wasInView = !before.isNull() && before.bottom() > m_margins.top && before.right() > m_margins.left &&
                           before.top() < m_lastSize.height() && before.left() < m_lastSize.width();
    m_lastSize = viewport()->size();
    measureMargins();
    relayout();
    if (wasInView)
        ensureVisible(m_current);
}

void TokenHeatmap::relayout()
{
    const QRect area = cellArea();
    const int columns = std::max(1, m_grid.columns());
    // Columns share the width; whole pixels as long as there are gaps to keep even.
    // A few of them are wide rather than a thin strip in an empty view.
    const double widest = std::max(widestColumn, std::min(widestOfFew, halfFilled / columns));
    const double fitted = std::clamp(static_cast<double>(area.width()) / columns, narrowestColumn, widest);
    const double width = std::clamp(fitted * m_columnZoom, narrowestColumn, tallestRow * 4);
    const auto rows = static_cast<double>(std::max<std::size_t>(1, m_grid.rows().size()));
    double height = m_fitRows ? std::min(naturalRowHeight(), area.height() / rows) : naturalRowHeight() * m_rowZoom;
    height = height >= 4 ? std::round(height) : height;
    m_grid.setCellSize(std::floor(width), height);
    m_grid.setHeadingHeight(height >= 10 ? std::round(headingHeight * typeFactor()) : 3);
    const QSizeF content = m_grid.contentSize();
    verticalScrollBar()->setPageStep(std::max(1, area.height()));
    verticalScrollBar()->setSingleStep(std::max(1, static_cast<int>(height) * 3));
    verticalScrollBar()->setRange(0, std::max(0, static_cast<int>(std::ceil(content.height())) - area.height()));
    horizontalScrollBar()->setPageStep(std::max(1, area.width()));
    horizontalScrollBar()->setSingleStep(std::max(1, static_cast<int>(m_grid.cellWidth())));
    horizontalScrollBar()->setRange(0, std::max(0, static_cast<int>(std::ceil(content.width())) - area.width()));
    m_minimapIsOld = true;
    viewport()->update();
}

QPointF TokenHeatmap::scrollOffset() const
{
    return {static_cast<double>(horizontalScrollBar()->value()), static_cast<double>(verticalScrollBar()->value())};
}

QPointF TokenHeatmap::toContent(const QPointF& viewportPoint) const
{
    return viewportPoint - cellArea().topLeft() + scrollOffset();
}

std::optional<CellKey> TokenHeatmap::cellAt(const QPointF& viewportPoint) const
{
    if (!m_map || !QRectF(cellArea()).contains(viewportPoint))
        return std::nullopt;
    const auto position = m_grid.hit(toContent(viewportPoint));
    return position ? std::optional(keyOf(*position)) : std::nullopt;
}

int TokenHeatmap::blockAt(int column) const
{
    return column < 0 || column >= m_grid.columns()
               ? -1
               : m_map->blocks[static_cast<std::size_t>(m_shown.columns[static_cast<std::size_t>(column)])];
}

int TokenHeatmap::columnOf(int block) const
{
    const int position = m_map ? m_map->columnOf(block) : -1;
    return position < 0 ? -1 : m_shownColumns[static_cast<std::size_t>(position)];
}

CellKey TokenHeatmap::keyOf(GridPosition position) const
{
    if (!m_map || position.row < 0 || position.row >= m_values.rows() || position.column < 0 ||
        position.column >= m_values.columns())
        return {};
    const HeatmapRow& row = m_grid.rows()[static_cast<std::size_t>(position.row)];
    return {blockAt(position.column), row.prompt, m_values.tokenOf(position.row, position.column)};
}

std::optional<GridPosition> TokenHeatmap::positionOf(const CellKey& key) const
{
    if (!m_map || !key.isValid())
        return std::nullopt;
    const GridPosition position{m_grid.rowOf(key.prompt, key.token), columnOf(key.block)};
    return position.row < 0 || position.column < 0 ? std::nullopt : std::optional(position);
}

// The cell under the point, or the one next to it: a drag may leave the cells.
GridPosition TokenHeatmap::nearestCell(const QPointF& viewportPoint) const
{
    const QPointF content = toContent(viewportPoint);
    return {m_grid.rowAt(content.y()), m_grid.columnAt(content.x())};
}

bool TokenHeatmap::shows(const CellKey& key) const
{
    return positionOf(key).has_value();
}

QRectF TokenHeatmap::rectOf(const CellKey& key) const
{
    const auto position = positionOf(key);
    return position ? m_grid.cellRect(*position).translated(cellArea().topLeft() - scrollOffset()) : QRectF();
}

void TokenHeatmap::setCurrent(const CellKey& key)
{
    if (key == m_current || (key.isValid() && !shows(key)))
        return;
    m_current = key;
    ensureVisible(key);
    viewport()->update();
    announceCurrent();
}

void TokenHeatmap::announceCurrent()
{
    emit currentChanged(m_current);
    if (const auto position = positionOf(m_current))
        announceHeatmapCell(*this, *position);
}

void TokenHeatmap::hold(const CellKey& key)
{
    if (!shows(key))
        return;
    setCurrent(key);
    hideCard();
    if (m_held == key)
        return;
    m_held = key;
    viewport()->update();
    emit heldChanged(m_held);
}

void TokenHeatmap::select(const std::optional<GridRange>& range)
{
    if (range == m_selection)
        return;
    m_selection = range;
    viewport()->update();
    emit sliceSelected(slice());
}

void TokenHeatmap::selectTo(GridPosition end)
{
    const auto [top, bottom] = std::minmax(m_anchor.row, end.row);
    const auto [left, right] = std::minmax(m_anchor.column, end.column);
    select(GridRange{{top, left}, {bottom, right}});
}

MapSlice TokenHeatmap::slice() const
{
    MapSlice slice;
    if (!m_selection || !m_map)
        return slice;
    for (int column = m_selection->from.column; column <= m_selection->to.column; ++column)
        slice.blocks.push_back(blockAt(column));
    for (int row = m_selection->from.row; row <= m_selection->to.row; ++row) {
        const HeatmapRow& key = m_grid.rows()[static_cast<std::size_t>(row)];
        if (key.token >= 0)
            slice.tokens.push_back({key.prompt, key.token});
        else if (key.token == HeatmapRow::wholePrompt)
            for (std::size_t t = 0; t < m_map->prompts[static_cast<std::size_t>(key.prompt)].tokens.size(); ++t)
                slice.tokens.push_back({key.prompt, static_cast<int>(t)});
    }
    std::sort(slice.blocks.begin(), slice.blocks.end());
    std::sort(slice.tokens.begin(), slice.tokens.end());
    return slice;
}

void TokenHeatmap::release()
{
    hideCard();
    if (!m_held.isValid())
        return;
    m_held = {};
    viewport()->update();
    emit heldChanged(m_held);
}

bool TokenHeatmap::visitUncovered(bool forwards)
{
    if (!m_map || m_grid.columns() == 0 || !m_scale.hasThreshold())
        return false;
    const int columns = m_grid.columns();
    const int count = static_cast<int>(m_grid.rows().size()) * columns;
    const auto from = positionOf(m_current);
    int at = from ? from->row * columns + from->column : forwards ? -1 : count;
    for (int visited = 0; visited < count; ++visited) {
        at = (at + (forwards ? 1 : count - 1) + count) % count;
        const GridPosition position{at / columns, at % columns};
        if (m_values.step(position.row, position.column) >= ErrorScale::steps / 2) {
            const CellKey key = keyOf(position);
            if (isHeld())
                hold(key);
            else
                setCurrent(key);
            return true;
        }
    }
    return false;
}

void TokenHeatmap::ensureVisible(const CellKey& key)
{
    if (const auto position = positionOf(key))
        ensureVisible(*position);
}

void TokenHeatmap::ensureVisible(GridPosition position)
{
    const QRectF cell = m_grid.cellRect(position);
    const QSize page = cellArea().size();
    const auto into = [](QScrollBar* bar, double begin, double end, int size) {
        if (begin < bar->value())
            bar->setValue(static_cast<int>(begin));
        else if (end > bar->value() + size)
            bar->setValue(static_cast<int>(std::ceil(end)) - size);
    };
    into(verticalScrollBar(), cell.top(), cell.bottom(), page.height());
    into(horizontalScrollBar(), cell.left(), cell.right(), page.width());
}

void TokenHeatmap::zoomToFit()
{
    m_fitRows = true;
    m_rowZoom = 1;
    m_columnZoom = 1;
    measureMargins();
    relayout();
}

void TokenHeatmap::resetZoom()
{
    m_fitRows = false;
    m_rowZoom = 1;
    m_columnZoom = 1;
    measureMargins();
    relayout();
    ensureVisible(m_current);
}

void TokenHeatmap::zoomAt(const QPointF& point, double factor, bool columns)
{
    const QPointF content = toContent(point);
    const double row = m_grid.rowAt(content.y());
    const double insideRow = content.y() - m_grid.rowTop(static_cast<int>(row));
    const double oldHeight = m_grid.cellHeight();
    const double oldWidth = m_grid.cellWidth();
    if (columns) {
        m_columnZoom = std::clamp(m_columnZoom * factor, 1.0, 8.0);
    } else {
        const double natural = naturalRowHeight();
        const double count = std::max<double>(1, static_cast<double>(m_grid.rows().size()));
        const double smallest = std::min(1.0, cellArea().height() / count / natural);
        const double from = m_fitRows ? m_grid.cellHeight() / natural : m_rowZoom;
        m_fitRows = false;
        m_rowZoom = std::clamp(from * factor, std::max(1e-3, smallest), std::max(1.0, tallestRow / natural));
    }
    measureMargins();
    relayout();
    // What was under the pointer stays there.
    const double y = m_grid.rowTop(static_cast<int>(row)) + insideRow * m_grid.cellHeight() / oldHeight;
    const double x = content.x() * m_grid.cellWidth() / oldWidth;
    verticalScrollBar()->setValue(static_cast<int>(verticalScrollBar()->value() + y - content.y()));
    horizontalScrollBar()->setValue(static_cast<int>(horizontalScrollBar()->value() + x - content.x()));
}

int TokenHeatmap::rowsPerPage() const
{
    return std::max(1, static_cast<int>(cellArea().height() / std::max(1.0, m_grid.cellHeight())) - 1);
}

void TokenHeatmap::moveCursor(int rows, int columns, bool extend)
{
    if (!m_map || m_grid.rows().empty() || m_grid.columns() == 0)
        return;
    const int last = static_cast<int>(m_grid.rows().size()) - 1;
    GridPosition position = positionOf(m_current).value_or(GridPosition{m_grid.rowAt(scrollOffset().y()), 0});
    const bool started = m_current.isValid();
    if (started) {
        position.column = std::clamp(position.column + columns, 0, m_grid.columns() - 1);
        position.row = std::clamp(position.row + rows, 0, last);
    }
    // Headings hold no cell: go on in the direction of travel, or back if nothing follows.
    const auto heading = [&](int row) { return m_grid.rows()[static_cast<std::size_t>(row)].isHeading(); };
    const int direction = rows < 0 ? -1 : 1;
    int row = position.row;
    while (row >= 0 && row <= last && heading(row))
        row += direction;
    if (row < 0 || row > last) {
        row = position.row;
        while (row >= 0 && row <= last && heading(row))
            row -= direction;
    }
    if (row < 0 || row > last)
        return;
    const auto from = positionOf(m_current);
    position.row = row;
    if (extend && from) {
        if (!m_selection)
            m_anchor = *from;
        selectTo(position);
    }
    const CellKey key = keyOf(position);
    if (isHeld())
        hold(key);
    else
        setCurrent(key);
}

QSize TokenHeatmap::sizeHint() const
{
    return {720, 480};
}

}
