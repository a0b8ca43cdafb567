// How the map is painted: one raster for the cells, and labels only for what is visible.
#include "widgets/error_legend.h"
#include "widgets/heatmap_raster.h"
#include "widgets/number_text.h"
#include "widgets/theme.h"
#include "widgets/token_heatmap.h"

#include <QFontMetrics>
#include <QPaintEvent>
#include <QPainter>

#include <algorithm>
#include <cmath>

namespace blockcert::widgets {

namespace {

constexpr int marginalHeight = 20;
constexpr int marginalWidth = 32;
constexpr double shortestBar = 3;

// The step of a marginal's largest value, and how long its bar is.
struct Bar {
    QColor colour;
    double length = 0;
    double mean = missing; // the same measure for the mean
};

Bar barOf(const Marginal& marginal, const ErrorScale& scale, const Tokens& tokens, double full)
{
    // Long bars are what wants attention: large errors, small margins.
    const auto length = [&](double value) {
        const double position = scale.positionOf(value);
        return shortestBar + (full - shortestBar) * (scale.hasThreshold() ? position : 1 - position);
    };
    return {scale.colourOf(scale.stepOf(marginal.extreme), tokens), length(marginal.extreme), length(marginal.mean)};
}

// The mean stands as a thin line inside the bar of the extreme.
QColor meanInk(const Tokens& tokens)
{
    QColor ink = tokens.text;
    ink.setAlphaF(0.55F);
    return ink;
}

}

void TokenHeatmap::paintEvent(QPaintEvent*)
{
    QPainter painter(viewport());
    const Tokens& tokens = tokensOf(*this);
    painter.fillRect(viewport()->rect(), tokens.window);
    if (!m_map || m_grid.rows().empty() || m_grid.columns() == 0)
        return;
    const QRect area = cellArea();
    if (area.isEmpty())
        return;
    rasteriseCells(m_raster, m_values, m_grid, QRectF(scrollOffset(), QSizeF(area.size())), devicePixelRatioF(),
                   m_scale, tokens);
    painter.drawImage(area.topLeft(), m_raster);
    paintColumnAxis(painter);
    paintColumnMarginals(painter);
    paintRowLabels(painter);
    paintRowMarginals(painter);
    paintCursor(painter);
}

void TokenHeatmap::paintColumnAxis(QPainter& painter) const
{
    const Tokens& tokens = tokensOf(*this);
    const QRect area = cellArea();
    const QFont normal = textFont(TextSize::Axis);
    const QFont strong = textFont(TextSize::Axis, TextWeight::Strong);
    const QFontMetrics metrics(strong);
    const double cell = m_grid.cellWidth();
    const int columns = m_grid.columns();
    const CellKey marked = m_held.isValid() ? m_held : m_current;
    const int markedColumn = m_map->columnOf(marked.block);
    // All numbers of a small model, else every fifth or tenth; the last one and the marked one always.
    const double needed = metrics.horizontalAdvance(QString::number(m_map->blocks.back())) + space::medium;
    int step = 1;
    for (const int candidate : {1, 5, 10, 20, 50, 100}) {
        step = candidate;
        if (candidate * cell >= needed && (candidate > 1 || columns <= 16))
            break;
    }
    painter.save();
    painter.setClipRect(QRect(area.left() - space::medium, 0, area.width() + 2 * space::medium, area.top()));
    const auto near = [&](int a, int b) { return std::abs(a - b) * cell < needed; };
    for (int column = 0; column < columns; ++column) {
        const bool isMarked = column == markedColumn;
        const bool isLast = column == columns - 1;
        const bool regular = column % step == 0 && !(near(column, columns - 1) && !isLast);
        if (!isMarked && ((!regular && !isLast) || (markedColumn >= 0 && near(column, markedColumn))))
            continue;
        const double centre = area.left() - scrollOffset().x() + (column + 0.5) * cell;
        painter.setFont(isMarked ? strong : normal);
        painter.setPen(isMarked ? tokens.accent : tokens.secondary);
        painter.drawText(QRectF(centre - 40, 0, 80, metrics.height()), Qt::AlignHCenter | Qt::AlignBottom,
                         QString::number(m_map->blocks[static_cast<std::size_t>(column)]));
    }
    painter.restore();
}

void TokenHeatmap::paintColumnMarginals(QPainter& painter) const
{
    const Tokens& tokens = tokensOf(*this);
    const QRect area = cellArea();
    const double base = area.top() - space::tiny;
    const double cell = m_grid.cellWidth();
    painter.save();
    painter.setClipRect(QRect(area.left(), 0, area.width(), area.top()));
    for (int column = 0; column < m_grid.columns(); ++column) {
        const double left = area.left() - scrollOffset().x() + column * cell;
        if (left + cell < area.left() || left > area.right())
            continue;
        const double width = std::max(1.0, cell >= 6 ? cell - 1 : cell);
        const Marginal& marginal = m_values.columnMarginal(column);
        if (marginal.measured == 0) {
            painter.fillRect(QRectF(left, base - shortestBar, width, shortestBar), missingBrush(tokens));
            continue;
        }
        const Bar bar = barOf(marginal, m_scale, tokens, marginalHeight);
        painter.fillRect(QRectF(left, base - bar.length, width, bar.length), bar.colour);
        if (cell >= 6 && bar.length - bar.mean > 2)
            painter.fillRect(QRectF(left, std::round(base - bar.mean), width, 1), meanInk(tokens));
    }
    painter.restore();
}

void TokenHeatmap::paintRowMarginals(QPainter& painter) const
{
    const QRect area = cellArea();
    const double left = area.left() + std::min<double>(area.width(), m_grid.contentSize().width()) + space::small;
    if (m_margins.right < marginalWidth || m_grid.cellHeight() < 6)
        return;
    const Tokens& tokens = tokensOf(*this);
    painter.save();
    painter.setClipRect(QRect(0, area.top(), viewport()->width(), area.height()));
    const int last = m_grid.rowAt(scrollOffset().y() + area.height());
    for (int row = m_grid.rowAt(scrollOffset().y()); row <= last; ++row) {
        const Marginal& marginal = m_values.rowMarginal(row);
        if (marginal.measured == 0)
            continue;
        const double top = area.top() - scrollOffset().y() + m_grid.rowTop(row);
        const double inset = m_grid.cellHeight() >= 12 ? 3 : 1;
        const Bar bar = barOf(marginal, m_scale, tokens, marginalWidth);
        const double height = m_grid.cellHeight() - 2 * inset - 1;
        painter.fillRect(QRectF(left, top + inset, bar.length, height), bar.colour);
        if (bar.length - bar.mean > 2)
            painter.fillRect(QRectF(std::round(left + bar.mean), top + inset, 1, height), meanInk(tokens));
    }
    painter.restore();
}

void TokenHeatmap::paintHeading(QPainter& painter, const HeatmapRow& row, const QRectF& rect) const
{
    if (rect.height() < 12) {
        return;
    }
    const Tokens& tokens = tokensOf(*this);
    const MapPrompt& prompt = m_map->prompts[static_cast<std::size_t>(row.prompt)];
    const QFont strong = textFont(TextSize::Secondary, TextWeight::Strong);
    const QString title = tr("Prompt %1").arg(row.prompt);
    const double baseline = rect.bottom() - 9;
    painter.setPen(tokens.text);
    painter.setFont(strong);
    painter.drawText(QPointF(rect.left(), baseline), title);
    const double after = rect.left() + QFontMetricsF(strong).horizontalAdvance(title) + space::small;
    const QFont normal = textFont(TextSize::Secondary);
    painter.setFont(normal);
    painter.setPen(tokens.secondary);
    QString text = prompt.rendered.isEmpty() ? QString() : visiblePiece(prompt.rendered).replace(u'␣', u' ');
    text = text.isEmpty() ? prompt.id : tr("%1 · “%2”").arg(prompt.id, text);
    painter.drawText(QPointF(after, baseline),
                     QFontMetricsF(normal).elidedText(text, Qt::ElideRight, rect.right() - after));
}

void TokenHeatmap::paintRowLabels(QPainter& painter) const
{
    const Tokens& tokens = tokensOf(*this);
    const QRect area = cellArea();
    const QFont fixed = fixedFont(TextSize::Secondary);
    const QFont fixedStrong = fixedFont(TextSize::Secondary, TextWeight::Strong);
    const QFont axis = textFont(TextSize::Axis);
    const QFontMetrics fixedMetrics(fixed);
    const int positionWidth = m_positionWidth;
    const double cell = m_grid.cellHeight();
    // Where rows are thinner than a line, only every n-th gets its label.
    const int lineHeight = fixedMetrics.height();
    const int every = cell + 1 >= lineHeight ? 1 : static_cast<int>(std::ceil((lineHeight + 4) / cell));
    const CellKey marked = m_held.isValid() ? m_held : m_current;
    const int markedRow = marked.isValid() ? m_grid.rowOf(marked.prompt, marked.token) : -1;
    painter.save();
    // Labels of thin rows are higher than their rows: let the first and last one stand out a little.
    const int overhang = every > 1 ? lineHeight / 2 : 0;
    painter.setClipRect(QRect(0, area.top() - overhang, area.right(), area.height() + 2 * overhang));
    const int last = m_grid.rowAt(scrollOffset().y() + area.height());
    for (int row = m_grid.rowAt(scrollOffset().y()); row <= last; ++row) {
        const HeatmapRow& key = m_grid.rows()[static_cast<std::size_t>(row)];
        const double top = area.top() - scrollOffset().y() + m_grid.rowTop(row);
        const double height = m_grid.rowTop(row + 1) - m_grid.rowTop(row);
        if (key.token < 0) {
            paintHeading(painter, key, QRectF(space::small, top, area.right() - space::small, height));
            continue;
        }
        const bool isMarked = key.prompt == marked.prompt && key.token == marked.token;
        if (!isMarked &&
            (key.token % every != 0 || (markedRow >= 0 && std::abs(row - markedRow) * cell < lineHeight && every > 1)))
            continue;
        // Lines are higher than thin rows: centre the text on the row.
        const double middle = top + height / 2;
        const QRectF line(0, middle - lineHeight, area.left() - space::medium, 2 * lineHeight);
        painter.setFont(axis);
        painter.setPen(isMarked ? tokens.accent : tokens.secondary);
        painter.drawText(line, Qt::AlignRight | Qt::AlignVCenter, QString::number(key.token));
        painter.setFont(isMarked ? fixedStrong : fixed);
        painter.setPen(isMarked ? tokens.accent : tokens.text);
        const QRectF piece = line.adjusted(0, 0, -positionWidth - space::small, 0);
        const QString text =
            fixedMetrics.elidedText(labelOf(key), Qt::ElideMiddle, static_cast<int>(piece.width()) - 2);
        // A leading space is shown, but quietly: most pieces have one.
        const bool leadingSpace = text.startsWith(u'␣');
        const QString word = leadingSpace ? text.mid(1) : text;
        painter.drawText(piece, Qt::AlignRight | Qt::AlignVCenter, word);
        if (leadingSpace) {
            painter.setPen(isMarked ? tokens.accent : tokens.faint);
            painter.drawText(piece.adjusted(0, 0, -fixedMetrics.horizontalAdvance(word), 0),
                             Qt::AlignRight | Qt::AlignVCenter, text.left(1));
        }
    }
    painter.restore();
}

void TokenHeatmap::paintCursor(QPainter& painter) const
{
    const Tokens& tokens = tokensOf(*this);
    const QRect area = cellArea();
    painter.save();
    painter.setClipRect(area.adjusted(-2, -2, 2, 2));
    painter.setBrush(Qt::NoBrush);
    const auto outline = [&](const CellKey& key, const QColor& colour, double width) {
        QRectF rect = rectOf(key);
        if (rect.isNull())
            return;
        // Thin rows keep a cursor one can see.
        if (rect.height() < 4)
            rect = QRectF(rect.left(), rect.center().y() - 3, rect.width(), 6);
        painter.setPen(QPen(colour, width, Qt::SolidLine, Qt::SquareCap, Qt::MiterJoin));
        painter.drawRect(rect.adjusted(-0.5, -0.5, -0.5, -0.5));
    };
    if (m_held.isValid()) {
        const QRectF rect = rectOf(m_held);
        QColor guide = tokens.accent;
        guide.setAlphaF(0.55F);
        painter.setPen(QPen(guide, 1));
        const double right = area.left() + std::min<double>(area.width(), m_grid.contentSize().width());
        const double bottom = area.top() + std::min<double>(area.height(), m_grid.contentSize().height());
        painter.drawLine(QPointF(area.left(), rect.top() - 0.5), QPointF(right, rect.top() - 0.5));
        painter.drawLine(QPointF(area.left(), rect.bottom() - 0.5), QPointF(right, rect.bottom() - 0.5));
        painter.drawLine(QPointF(rect.left() - 0.5, area.top()), QPointF(rect.left() - 0.5, bottom));
        painter.drawLine(QPointF(rect.right() - 0.5, area.top()), QPointF(rect.right() - 0.5, bottom));
    }
    if (m_hovered.isValid() && m_hovered != m_current)
        outline(m_hovered, tokens.secondary, 1);
    if (m_current.isValid()) {
        outline(m_current, tokens.text, 2);
        if (hasFocus() && !m_held.isValid()) {
            QRectF rect = rectOf(m_current);
            painter.setPen(QPen(tokens.accent, 1));
            painter.drawRect(rect.adjusted(-2.5, -2.5, 1.5, 1.5));
        }
    }
    painter.restore();
}

}
