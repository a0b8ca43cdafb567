#include "widgets/heatmap_geometry.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace blockcert::widgets {

void HeatmapGeometry::setRows(std::vector<HeatmapRow> rows)
{
    m_rows = std::move(rows);
    m_headingsBefore.assign(m_rows.size() + 1, 0);
    std::vector<int> lengths; // [prompt], tokens up to the last one shown
    for (std::size_t row = 0; row < m_rows.size(); ++row) {
        const HeatmapRow& key = m_rows[row];
        m_headingsBefore[row + 1] = m_headingsBefore[row] + (key.isHeading() ? 1 : 0);
        const auto prompt = static_cast<std::size_t>(std::max(0, key.prompt));
        if (prompt >= lengths.size())
            lengths.resize(prompt + 1, 0);
        lengths[prompt] = std::max(lengths[prompt], key.token + 1);
    }
    m_firstOfPrompt.assign(lengths.size() + 1, 0);
    std::partial_sum(lengths.begin(), lengths.end(), m_firstOfPrompt.begin() + 1);
    m_rowOfToken.assign(static_cast<std::size_t>(m_firstOfPrompt.back()), -1);
    m_rowOfPrompt.assign(lengths.size(), -1);
    for (std::size_t row = 0; row < m_rows.size(); ++row) {
        const HeatmapRow& key = m_rows[row];
        const auto prompt = static_cast<std::size_t>(std::max(0, key.prompt));
        if (key.token >= 0)
            m_rowOfToken[static_cast<std::size_t>(m_firstOfPrompt[prompt] + key.token)] = static_cast<int>(row);
        else if (key.token == HeatmapRow::wholePrompt)
            m_rowOfPrompt[prompt] = static_cast<int>(row);
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
    if (m_rows[static_cast<std::size_t>(position.row)].isHeading())
        return std::nullopt;
    return position;
}

int HeatmapGeometry::rowOf(int prompt, int token) const
{
    if (prompt < 0 || token < 0 || prompt >= static_cast<int>(m_rowOfPrompt.size()))
        return -1;
    const auto at = static_cast<std::size_t>(prompt);
    if (m_rowOfPrompt[at] >= 0)
        return m_rowOfPrompt[at];
    const int first = m_firstOfPrompt[at];
    return token < m_firstOfPrompt[at + 1] - first ? m_rowOfToken[static_cast<std::size_t>(first + token)] : -1;
}

HeatmapGeometry HeatmapGeometry::fittedTo(const QSizeF& size) const
{
    HeatmapGeometry small = *this;
    const QSizeF content = contentSize();
    if (content.isEmpty())
        return small;
    const double factor = size.height() / content.height();
    small.m_cellWidth = size.width() / m_columns;
    small.m_cellHeight = m_cellHeight * factor;
    small.m_headingHeight = m_headingHeight * factor;
    return small;
}

}
