#include "widgets/token_heatmap.h"

#include "widgets/error_legend.h"
#include "widgets/heatmap_accessible.h"
#include "widgets/number_text.h"
#include "widgets/theme.h"
#include "widgets/token_hover_card.h"

#include <QAccessible>
#include <QFontMetrics>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QScrollBar>

#include <algorithm>
#include <chrono>
#include <cmath>

namespace blockcert::widgets {

namespace {

constexpr double defaultRowHeight = 18;
constexpr double smallestNatural = 15;
constexpr double largestNatural = 22;
constexpr double tallestRow = 40;
constexpr double narrowestColumn = 4;
constexpr double widestColumn = 44;
constexpr int longestLabel = 168;
constexpr int marginalWidth = 40;

QJsonValue jsonNumber(double value)
{
    return std::isfinite(value) ? QJsonValue(value) : QJsonValue(QJsonValue::Null);
}

QJsonArray jsonTop(const TopFive& top)
{
    QJsonArray array;
    for (const Candidate& candidate : top)
        array.append(QJsonArray{candidate.id, candidate.piece, jsonNumber(candidate.logit)});
    return array;
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
        m_prompt.reset();
    else if (m_prompt && *m_prompt >= static_cast<int>(m_map->prompts.size()))
        m_prompt = m_map->prompts.empty() ? std::optional<int>() : 0;
    rebuild();
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
    m_values.refresh(*m_map, m_metric, m_grid.rows(), m_scale, column, prompt);
    if (!m_fixedScale && !m_fitTimer.isActive())
        m_fitTimer.start();
    viewport()->update();
}

void TokenHeatmap::setPrompt(std::optional<int> prompt)
{
    if (prompt == m_prompt)
        return;
    m_prompt = prompt;
    rebuild();
    verticalScrollBar()->setValue(0);
}

void TokenHeatmap::setMetric(Metric metric)
{
    if (metric == m_metric)
        return;
    m_metric = metric;
    rebuild();
    emit metricChanged(metric);
}

void TokenHeatmap::setScale(const std::optional<ErrorScale>& scale)
{
    m_fixedScale = scale;
    refit();
}

void TokenHeatmap::refit()
{
    const ErrorScale scale = m_fixedScale ? *m_fixedScale : m_map ? ErrorScale::fitted(*m_map, m_metric) : ErrorScale();
    const bool changed =
        !scale.sameRange(m_scale) || scale.clipsLow() != m_scale.clipsLow() || scale.clipsHigh() != m_scale.clipsHigh();
    m_scale = scale;
    m_values.rescale(m_scale);
    viewport()->update();
    if (changed)
        emit scaleChanged();
}

void TokenHeatmap::rebuild()
{
    std::vector<HeatmapRow> rows;
    if (m_map) {
        const int first = m_prompt.value_or(0);
        const int last = m_prompt ? first + 1 : static_cast<int>(m_map->prompts.size());
        for (int prompt = first; prompt < last; ++prompt) {
            if (!m_prompt)
                rows.push_back({prompt, -1});
            const auto tokens = static_cast<int>(m_map->prompts[static_cast<std::size_t>(prompt)].tokens.size());
            for (int token = 0; token < tokens; ++token)
                rows.push_back({prompt, token});
        }
    }
    m_grid.setRows(std::move(rows));
    m_grid.setColumns(m_map ? static_cast<int>(m_map->blocks.size()) : 0);
    m_scale = m_fixedScale ? *m_fixedScale : m_map ? ErrorScale::fitted(*m_map, m_metric) : ErrorScale();
    if (m_map)
        m_values.build(*m_map, m_metric, m_grid.rows(), m_scale);
    else
        m_values = {};
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

void TokenHeatmap::measureMargins()
{
    const QFontMetrics axis(textFont(TextSize::Axis));
    const QFontMetrics fixed(fixedFont(TextSize::Secondary));
    qsizetype longest = 4;
    int tokens = 100;
    for (const HeatmapRow& row : m_grid.rows())
        if (row.token >= 0) {
            longest = std::max(longest, labelOf(row).size());
            tokens = std::max(tokens, row.token);
        }
    const int pieces = std::min(longestLabel, static_cast<int>(longest) * fixed.horizontalAdvance(u'0') + 4);
    m_positionWidth = axis.horizontalAdvance(QString(QString::number(tokens).size(), u'0'));
    m_margins.left = pieces + space::small + m_positionWidth + space::medium;
    m_margins.top = axis.height() + space::tiny + 20 + space::tiny;
    m_margins.right = viewport()->width() > 520 ? space::small + marginalWidth : space::tiny;
    m_margins.bottom = space::tiny;
}

// Rows of short prompts fill the view, within reason; long ones keep a height one can read and click.
double TokenHeatmap::naturalRowHeight() const
{
    const auto rows = static_cast<double>(m_grid.rows().size());
    if (rows == 0 || !m_prompt)
        return defaultRowHeight;
    const double shared = std::floor(cellArea().height() / rows);
    return shared < smallestNatural ? defaultRowHeight : std::min(shared, largestNatural);
}

QString TokenHeatmap::labelOf(const HeatmapRow& row) const
{
    return visiblePiece(
        m_map->prompts[static_cast<std::size_t>(row.prompt)].tokens[static_cast<std::size_t>(row.token)].piece);
}

QRect TokenHeatmap::cellArea() const
{
    return viewport()->rect().adjusted(m_margins.left, m_margins.top, -m_margins.right, -m_margins.bottom);
}

void TokenHeatmap::relayout()
{
    const QRect area = cellArea();
    const int columns = std::max(1, m_grid.columns());
    // Columns share the width; whole pixels as long as there are gaps to keep even.
    const double fitted = std::clamp(static_cast<double>(area.width()) / columns, narrowestColumn, widestColumn);
    const double width = std::clamp(fitted * m_columnZoom, narrowestColumn, tallestRow * 4);
    const auto rows = static_cast<double>(std::max<std::size_t>(1, m_grid.rows().size()));
    double height = m_fitRows ? std::min(naturalRowHeight(), area.height() / rows) : naturalRowHeight() * m_rowZoom;
    height = height >= 4 ? std::round(height) : height;
    m_grid.setCellSize(std::floor(width), height);
    m_grid.setHeadingHeight(height >= 10 ? 30 : 3);
    const QSizeF content = m_grid.contentSize();
    verticalScrollBar()->setPageStep(std::max(1, area.height()));
    verticalScrollBar()->setSingleStep(std::max(1, static_cast<int>(height) * 3));
    verticalScrollBar()->setRange(0, std::max(0, static_cast<int>(std::ceil(content.height())) - area.height()));
    horizontalScrollBar()->setPageStep(std::max(1, area.width()));
    horizontalScrollBar()->setSingleStep(std::max(1, static_cast<int>(m_grid.cellWidth())));
    horizontalScrollBar()->setRange(0, std::max(0, static_cast<int>(std::ceil(content.width())) - area.width()));
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

CellKey TokenHeatmap::keyOf(GridPosition position) const
{
    if (!m_map || position.row < 0 || position.row >= static_cast<int>(m_grid.rows().size()) || position.column < 0 ||
        position.column >= m_grid.columns())
        return {};
    const HeatmapRow& row = m_grid.rows()[static_cast<std::size_t>(position.row)];
    return {m_map->blocks[static_cast<std::size_t>(position.column)], row.prompt, row.token};
}

std::optional<GridPosition> TokenHeatmap::positionOf(const CellKey& key) const
{
    if (!m_map || !key.isValid())
        return std::nullopt;
    const GridPosition position{m_grid.rowOf(key.prompt, key.token), m_map->columnOf(key.block)};
    return position.row < 0 || position.column < 0 ? std::nullopt : std::optional(position);
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
    const auto position = positionOf(key);
    if (!position)
        return;
    const QRectF cell = m_grid.cellRect(*position);
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
    relayout();
}

void TokenHeatmap::resetZoom()
{
    m_fitRows = false;
    m_rowZoom = 1;
    m_columnZoom = 1;
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
        m_rowZoom = std::clamp(from * factor, std::max(1e-3, smallest), tallestRow / natural);
    }
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

void TokenHeatmap::moveCursor(int rows, int columns)
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
    const auto heading = [&](int row) { return m_grid.rows()[static_cast<std::size_t>(row)].token < 0; };
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
    position.row = row;
    const CellKey key = keyOf(position);
    if (isHeld())
        hold(key);
    else
        setCurrent(key);
}

QString TokenHeatmap::description() const
{
    if (!m_map || m_grid.rows().empty())
        return tr("No run is shown.");
    qint64 measured = 0;
    qint64 covered = 0;
    double largest = missing;
    GridPosition worst;
    for (int row = 0; row < m_values.rows(); ++row) {
        measured += m_values.rowMarginal(row).measured;
        covered += m_values.rowMarginal(row).covered;
        for (int column = 0; column < m_values.columns(); ++column) {
            const double value = std::abs(m_values.value(row, column));
            if (!isMissing(value) && (isMissing(largest) || value > largest)) {
                largest = value;
                worst = {row, column};
            }
        }
    }
    if (measured == 0)
        return tr("%1: nothing is measured yet.").arg(metricTitle(m_metric));
    QString text = tr("%1: %2 cells measured.").arg(metricTitle(m_metric), countText(measured));
    if (m_scale.hasThreshold())
        text +=
            u' ' + tr("%1 of them are above %2 = %3.")
                       .arg(countText(measured - covered), thresholdSymbol(m_metric), exactNumber(m_scale.threshold()));
    const CellKey key = keyOf(worst);
    return text + u' ' +
           tr("The largest is %1 at prompt %2, token %3, block %4.")
               .arg(tableNumber(largest))
               .arg(key.prompt)
               .arg(key.token)
               .arg(key.block);
}

QString TokenHeatmap::cellSentence(const CellKey& key) const
{
    const auto position = positionOf(key);
    if (!position)
        return {};
    const double value = m_values.value(position->row, position->column);
    const QString where = tr("Token %1 “%2”, block %3")
                              .arg(key.token)
                              .arg(labelOf(m_grid.rows()[static_cast<std::size_t>(position->row)]))
                              .arg(key.block);
    if (isMissing(value))
        return tr("%1: not measured").arg(where);
    const QString number = tr("%1: %2 %3").arg(where, metricName(m_metric), exactNumber(value));
    if (!m_scale.hasThreshold())
        return number;
    return std::abs(value) > m_scale.threshold() ? tr("%1, above %2").arg(number, thresholdSymbol(m_metric))
                                                 : tr("%1, within %2").arg(number, thresholdSymbol(m_metric));
}

QString TokenHeatmap::cellJson(const CellKey& key) const
{
    const auto position = positionOf(key);
    if (!position)
        return {};
    const auto& prompt = m_map->prompts[static_cast<std::size_t>(key.prompt)];
    const Token& token = prompt.tokens[static_cast<std::size_t>(key.token)];
    QJsonObject object{{QStringLiteral("block"), key.block},
                       {QStringLiteral("prompt"), key.prompt},
                       {QStringLiteral("prompt_id"), prompt.id},
                       {QStringLiteral("token"), key.token},
                       {QStringLiteral("token_id"), token.id},
                       {QStringLiteral("piece"), token.piece},
                       {QStringLiteral("tau_act"), m_map->thresholds.tauAct}};
    const MapCell* cell = m_map->cell(static_cast<std::size_t>(position->column), static_cast<std::size_t>(key.prompt));
    const auto at = static_cast<std::size_t>(key.token);
    const auto number = [&](const QString& name, const std::vector<double>& values) {
        object.insert(name, at < values.size() ? jsonNumber(values[at]) : QJsonValue(QJsonValue::Null));
    };
    const MapCell none;
    const MapCell& shown = cell != nullptr ? *cell : none;
    number(QStringLiteral("error"), shown.error);
    number(QStringLiteral("relative"), shown.relative);
    number(QStringLiteral("error_attn"), shown.errorAttention);
    number(QStringLiteral("error_mlp"), shown.errorMlp);
    number(QStringLiteral("output_norm"), shown.outputNorm);
    number(QStringLiteral("margin"), shown.margin);
    number(QStringLiteral("loss_base"), shown.lossBase);
    number(QStringLiteral("loss_stitched"), shown.lossStitched);
    if (at < shown.topBase.size())
        object.insert(QStringLiteral("top_base"), jsonTop(shown.topBase[at]));
    if (at < shown.topStitched.size())
        object.insert(QStringLiteral("top_stitched"), jsonTop(shown.topStitched[at]));
    return QString::fromUtf8(QJsonDocument(object).toJson(QJsonDocument::Indented));
}

QSize TokenHeatmap::sizeHint() const
{
    return {720, 480};
}

}
