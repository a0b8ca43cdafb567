#include "widgets/heatmap_geometry.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace blockcert::widgets {

void HeatmapGeometry::setRows(std::vector<HeatmapRow> rows)
{
    m_rows = std::move(rows);
    m_headingsBefore.assign(m_rows.size() + 1, 0);
    m_headingRows.clear();
    for (std::size_t row = 0; row < m_rows.size(); ++row) {
        const bool heading = m_rows[row].token < 0;
        m_headingsBefore[row + 1] = m_headingsBefore[row] + (heading ? 1 : 0);
        if (heading)
            m_headingRows.push_back(static_cast<int>(row));
    }
}

void HeatmapGeometry::setColumns(int count)
{
    m_columns = std::max(0, count);
}

void HeatmapGeometry::setCellSize(double width, double height)
{
    m_cellWidth = width;
    m_cellHeight = height;
}

void HeatmapGeometry::setHeadingHeight(double height)
{
    m_headingHeight = height;
}

QSizeF HeatmapGeometry::contentSize() const
{
    return {m_columns * m_cellWidth, rowTop(static_cast<int>(m_rows.size()))};
}

double HeatmapGeometry::rowTop(int row) const
{
    const int bounded = std::clamp(row, 0, static_cast<int>(m_rows.size()));
    const int headings = m_rows.empty() ? 0 : m_headingsBefore[static_cast<std::size_t>(bounded)];
    return headings * m_headingHeight + (bounded - headings) * m_cellHeight;
}

QRectF HeatmapGeometry::cellRect(GridPosition position) const
{
    return {position.column * m_cellWidth, rowTop(position.row), m_cellWidth,
            rowTop(position.row + 1) - rowTop(position.row)};
}

int HeatmapGeometry::rowAt(double y) const
{
    if (m_rows.empty() || y <= 0)
        return 0;
    // rowTop is increasing, so bisect it: rows are not equally high where headings stand between them.
    int low = 0;
    int high = static_cast<int>(m_rows.size()) - 1;
    while (low < high) {
        const int middle = (low + high + 1) / 2;
        if (rowTop(middle) <= y)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

int HeatmapGeometry::columnAt(double x) const
{
    if (m_columns == 0)
        return 0;
    return std::clamp(static_cast<int>(std::floor(x / m_cellWidth)), 0, m_columns - 1);
}

std::optional<GridPosition> HeatmapGeometry::hit(const QPointF& point) const
{
    const QSizeF size = contentSize();
    if (point.x() < 0 || point.y() < 0 || point.x() >= size.width() || point.y() >= size.height())
        return std::nullopt;
    const GridPosition position{rowAt(point.y()), columnAt(point.x())};
    if (m_rows[static_cast<std::size_t>(position.row)].token < 0)
        return std::nullopt;
    return position;
}

int HeatmapGeometry::rowOf(int prompt, int token) const
{
    // Rows are ordered by prompt, then token, with the heading (token -1) first.
    const auto at = std::lower_bound(
        m_rows.begin(), m_rows.end(), std::pair(prompt, token),
        [](const HeatmapRow& row, const std::pair<int, int>& key) { return std::pair(row.prompt, row.token) < key; });
    if (at == m_rows.end() || at->prompt != prompt || at->token != token)
        return -1;
    return static_cast<int>(at - m_rows.begin());
}

}
