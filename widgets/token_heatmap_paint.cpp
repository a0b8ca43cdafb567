// How the map is painted: the frame the painter works from, and the minimap beside it.
#include "widgets/heatmap_raster.h"
#include "widgets/theme.h"
#include "widgets/token_heatmap.h"

#include <QPaintEvent>
#include <QPainter>
#include <QScrollBar>

#include <algorithm>

namespace blockcert::widgets {

namespace {

constexpr int widestMinimap = 96;
constexpr int narrowestMinimap = 40;

}

HeatmapFrame TokenHeatmap::frame() const
{
    return {*m_map,         m_shown,     m_values,
            m_grid,         m_scale,     m_view.aggregate,
            m_margins,      cellArea(),  viewport()->width(),
            scrollOffset(), m_current,   m_held,
            m_hovered,      m_selection, hasFocus()};
}

void TokenHeatmap::paintEvent(QPaintEvent*)
{
    QPainter painter(viewport());
    const Tokens& tokens = tokensOf(*this);
    painter.fillRect(viewport()->rect(), tokens.window);
    if (!m_map || m_grid.rows().empty() || m_grid.columns() == 0 || cellArea().isEmpty())
        return;
    const HeatmapFrame shown = frame();
    const HeatmapPainter map(painter, shown, tokens);
    map.paintRaster(m_raster, devicePixelRatioF());
    map.paintAxes();
    map.paintMarks();
    paintMinimap(painter);
}

QRect TokenHeatmap::minimapRect() const
{
    const bool scrolls = verticalScrollBar()->maximum() > 0 || horizontalScrollBar()->maximum() > 0;
    if (!scrolls || m_margins.minimap == 0)
        return {};
    const QRect area = cellArea();
    return {viewport()->width() - m_margins.minimap, area.top(), m_margins.minimap, area.height()};
}

void TokenHeatmap::paintMinimap(QPainter& painter)
{
    const QRect rect = minimapRect();
    if (rect.isEmpty())
        return;
    const Tokens& tokens = tokensOf(*this);
    const HeatmapGeometry small = m_grid.fittedTo(rect.size());
    const QSize pixels = (QSizeF(rect.size()) * devicePixelRatioF()).toSize();
    if (m_minimapIsOld || m_minimap.size() != pixels) {
        rasteriseCells(m_minimap, m_values, small, QRectF(QPointF(), QSizeF(rect.size())), devicePixelRatioF(), m_scale,
                       tokens);
        m_minimapIsOld = false;
    }
    painter.drawImage(rect.topLeft(), m_minimap);
    const QSizeF content = m_grid.contentSize();
    const double across = rect.width() / content.width();
    const double down = rect.height() / content.height();
    const QRectF whole(rect);
    const QRectF view = QRectF(rect.left() + scrollOffset().x() * across, rect.top() + scrollOffset().y() * down,
                               cellArea().width() * across, std::max(6.0, cellArea().height() * down))
                            .intersected(whole);
    // What is out of view is veiled; what is in view keeps its colours.
    QColor veil = tokens.window;
    veil.setAlphaF(0.55F);
    for (const QRectF& part : {QRectF(whole.topLeft(), QPointF(whole.right(), view.top())),
                               QRectF(QPointF(whole.left(), view.bottom()), whole.bottomRight()),
                               QRectF(QPointF(whole.left(), view.top()), QPointF(view.left(), view.bottom())),
                               QRectF(QPointF(view.right(), view.top()), QPointF(whole.right(), view.bottom()))})
        painter.fillRect(part, veil);
    painter.setBrush(Qt::NoBrush);
    painter.setPen(QPen(tokens.line, 1));
    painter.drawRect(whole.adjusted(-0.5, -0.5, -0.5, -0.5));
    painter.setPen(QPen(tokens.secondary, 1));
    painter.drawRect(view.adjusted(0.5, 0.5, -1.5, -0.5));
}

// The place under the point comes to the middle of the view.
void TokenHeatmap::showMinimapAt(const QPointF& point)
{
    const QRect rect = minimapRect();
    if (rect.isEmpty())
        return;
    const QSizeF content = m_grid.contentSize();
    const QSize page = cellArea().size();
    const double x = (point.x() - rect.left()) / rect.width() * content.width() - page.width() / 2.0;
    const double y = (point.y() - rect.top()) / rect.height() * content.height() - page.height() / 2.0;
    horizontalScrollBar()->setValue(qRound(x));
    verticalScrollBar()->setValue(qRound(y));
}

// Room for the minimap is kept while the map could scroll, so that zooming does not move the cells sideways.
void TokenHeatmap::measureMargins()
{
    m_margins = m_map ? marginsOf(*m_map, m_grid, viewport()->width()) : HeatmapMargins();
    const double needed = static_cast<double>(m_grid.rows().size()) * naturalRowHeight();
    if (m_map && viewport()->width() > 640 && (needed > cellArea().height() || m_rowZoom > 1 || m_columnZoom > 1)) {
        m_margins.minimap = std::clamp(m_grid.columns(), narrowestMinimap, widestMinimap);
        m_margins.right += m_margins.minimap + space::small;
    }
}

}
