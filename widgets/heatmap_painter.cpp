#include "widgets/heatmap_painter.h"

#include "widgets/heatmap_raster.h"
#include "widgets/number_text.h"
#include "widgets/prompt_label.h"

#include <QCoreApplication>
#include <QFontMetrics>
#include <QPainter>

#include <algorithm>
#include <cmath>

namespace blockcert::widgets {

namespace {

struct Text {
    Q_DECLARE_TR_FUNCTIONS(HeatmapPainter)
};

constexpr int marginalHeight = 20;
constexpr int marginalWidth = 32;
constexpr int longestLabel = 168;
constexpr int longestPromptLabel = 240;
constexpr double shortestBar = 3;

// A marginal as a bar of the chosen measure, with a thin line for the other one.
struct Bar {
    QColor colour;
    double length = 0;
    double line = 0;
};

Bar barOf(const Marginal& marginal, const HeatmapFrame& frame, const Tokens& tokens, double full)
{
    const auto length = [&](double value) {
        return shortestBar + (full - shortestBar) * frame.scale.prominenceOf(value);
    };
    const bool mean = frame.aggregate == Aggregate::Mean || frame.scale.isCoverage();
    const double chosen = mean ? marginal.mean : marginal.extreme;
    const double other = frame.scale.isCoverage() ? marginal.mean : mean ? marginal.extreme : marginal.mean;
    return {frame.scale.colourOf(frame.scale.stepOf(chosen), tokens), length(chosen), length(other)};
}

QColor faded(QColor colour, float alpha)
{
    colour.setAlphaF(alpha);
    return colour;
}

void paintHatch(QPainter& painter, const QRectF& rect, const Tokens& tokens)
{
    painter.save();
    painter.setClipRect(rect, Qt::IntersectClip);
    painter.setPen(QPen(tokens.hatch, 1));
    for (double x = rect.left() - rect.height(); x < rect.right(); x += 6)
        painter.drawLine(QPointF(x, rect.bottom()), QPointF(x + rect.height(), rect.top()));
    painter.restore();
}

}

QString rowLabel(const TokenMap& map, const HeatmapRow& row)
{
    const MapPrompt& prompt = map.prompts[static_cast<std::size_t>(row.prompt)];
    if (row.token >= 0)
        return visiblePiece(prompt.tokens[static_cast<std::size_t>(row.token)].piece);
    QString text = visiblePiece(prompt.rendered.left(200)).replace(u'␣', u' ');
    return text.isEmpty() ? prompt.id : text;
}

HeatmapMargins marginsOf(const TokenMap& map, const HeatmapGeometry& grid, int width)
{
    const QFontMetrics axis(textFont(TextSize::Axis));
    const QFontMetrics fixed(fixedFont(TextSize::Secondary));
    qsizetype longest = 4;
    int largest = 100;
    QStringList prompts;
    for (const HeatmapRow& row : grid.rows()) {
        if (row.isHeading())
            continue;
        const MapPrompt& prompt = map.prompts[static_cast<std::size_t>(row.prompt)];
        longest = std::max(longest, row.token >= 0 ? prompt.tokens[static_cast<std::size_t>(row.token)].piece.size()
                                                   : std::max(prompt.rendered.size(), prompt.id.size()));
        largest = std::max(largest, row.token >= 0 ? row.token : row.prompt);
        if (row.token == HeatmapRow::wholePrompt)
            prompts << rowLabel(map, row);
    }
    const int most = !prompts.isEmpty() ? std::min(longestPromptLabel, width / 4) : longestLabel;
    HeatmapMargins margins;
    margins.sharedLabel = sharedBeginning(prompts);
    margins.positionWidth = axis.horizontalAdvance(QString(QString::number(largest).size(), u'0'));
    margins.left = std::min(most, static_cast<int>(longest) * fixed.horizontalAdvance(u'0') + 4) + space::small +
                   margins.positionWidth + space::medium;
    margins.top = axis.height() + space::tiny + marginalHeight + space::tiny;
    margins.rowMarginals = width > 520;
    margins.right = margins.rowMarginals ? space::small + marginalWidth + space::small : space::tiny;
    margins.bottom = space::tiny;
    return margins;
}

HeatmapPainter::HeatmapPainter(QPainter& painter, const HeatmapFrame& frame, const Tokens& tokens)
    : m_painter(painter)
    , m_frame(frame)
    , m_tokens(tokens)
{
}

int HeatmapPainter::blockAt(int column) const
{
    return m_frame.map.blocks[static_cast<std::size_t>(m_frame.shown.columns[static_cast<std::size_t>(column)])];
}

int HeatmapPainter::columnOf(int block) const
{
    const int position = m_frame.map.columnOf(block);
    const auto found = std::find(m_frame.shown.columns.begin(), m_frame.shown.columns.end(), position);
    return found == m_frame.shown.columns.end() ? -1 : static_cast<int>(found - m_frame.shown.columns.begin());
}

QRectF HeatmapPainter::rectOf(const CellKey& key) const
{
    const GridPosition position{key.isValid() ? m_frame.grid.rowOf(key.prompt, key.token) : -1, columnOf(key.block)};
    if (position.row < 0 || position.column < 0)
        return {};
    return m_frame.grid.cellRect(position).translated(m_frame.area.topLeft() - m_frame.offset);
}

int HeatmapPainter::firstRow() const
{
    return m_frame.grid.rowAt(m_frame.offset.y());
}

int HeatmapPainter::lastRow() const
{
    return m_frame.grid.rowAt(m_frame.offset.y() + m_frame.area.height());
}

void HeatmapPainter::paintRaster(QImage& raster, double devicePixelRatio) const
{
    rasteriseCells(raster, m_frame.values, m_frame.grid, QRectF(m_frame.offset, QSizeF(m_frame.area.size())),
                   devicePixelRatio, m_frame.scale, m_tokens);
    m_painter.drawImage(m_frame.area.topLeft(), raster);
}

void HeatmapPainter::paintShapes() const
{
    const double gap = m_frame.grid.cellWidth() >= 6 && m_frame.grid.cellHeight() >= 6 ? 1 : 0;
    m_painter.save();
    m_painter.setPen(Qt::NoPen);
    const int last = lastRow();
    for (int row = firstRow(); row <= last; ++row)
        for (int column = 0; column < m_frame.values.columns(); ++column) {
            const int step = m_frame.values.step(row, column);
            if (step == -2)
                continue;
            const QRectF rect = m_frame.grid.cellRect({row, column})
                                    .translated(m_frame.area.topLeft() - m_frame.offset)
                                    .adjusted(0, 0, -gap, -gap);
            if (step >= 0)
                m_painter.fillRect(rect, m_frame.scale.colourOf(step, m_tokens));
            else
                paintHatch(m_painter, rect, m_tokens);
        }
    m_painter.restore();
}

void HeatmapPainter::paintAxes() const
{
    paintColumnAxis();
    paintColumnMarginals();
    paintRowLabels();
    paintRowMarginals();
}

void HeatmapPainter::paintColumnAxis() const
{
    const QRect area = m_frame.area;
    const QFont normal = textFont(TextSize::Axis);
    const QFont strong = textFont(TextSize::Axis, TextWeight::Strong);
    const QFontMetrics metrics(strong);
    const double cell = m_frame.grid.cellWidth();
    const int columns = m_frame.grid.columns();
    const CellKey marked = m_frame.held.isValid() ? m_frame.held : m_frame.current;
    const int markedColumn = columnOf(marked.block);
    // All numbers of a small model, else every fifth or tenth; the last one and the marked one always.
    const double needed = metrics.horizontalAdvance(QString::number(m_frame.map.blocks.back())) + space::medium;
    int step = 1;
    for (const int candidate : {1, 5, 10, 20, 50, 100}) {
        step = candidate;
        if (candidate * cell >= needed && (candidate > 1 || columns <= 16))
            break;
    }
    // Sorted blocks stand in no order that could be continued in mind: number as many as there is room for.
    if (!std::is_sorted(m_frame.shown.columns.begin(), m_frame.shown.columns.end()))
        step = std::max(1, static_cast<int>(std::ceil(needed / cell)));
    m_painter.save();
    m_painter.setClipRect(QRect(area.left() - space::medium, 0, area.width() + 2 * space::medium, area.top()));
    const auto near = [&](int a, int b) { return std::abs(a - b) * cell < needed; };
    for (int column = 0; column < columns; ++column) {
        const bool isMarked = column == markedColumn;
        const bool isLast = column == columns - 1;
        const bool regular = column % step == 0 && !(near(column, columns - 1) && !isLast);
        if (!isMarked && ((!regular && !isLast) || (markedColumn >= 0 && near(column, markedColumn))))
            continue;
        const double centre = area.left() - m_frame.offset.x() + (column + 0.5) * cell;
        m_painter.setFont(isMarked ? strong : normal);
        m_painter.setPen(isMarked ? m_tokens.accent : m_tokens.secondary);
        m_painter.drawText(QRectF(centre - 40, 0, 80, metrics.height()), Qt::AlignHCenter | Qt::AlignBottom,
                           QString::number(blockAt(column)));
    }
    m_painter.restore();
}

void HeatmapPainter::paintColumnMarginals() const
{
    const QRect area = m_frame.area;
    const double base = area.top() - space::tiny;
    const double cell = m_frame.grid.cellWidth();
    m_painter.save();
    m_painter.setClipRect(QRect(area.left(), 0, area.width(), area.top()));
    for (int column = 0; column < m_frame.grid.columns(); ++column) {
        const double left = area.left() - m_frame.offset.x() + column * cell;
        if (left + cell < area.left() || left > area.right())
            continue;
        const double width = std::max(1.0, cell >= 6 ? cell - 1 : cell);
        const Marginal& marginal = m_frame.values.columnMarginal(column);
        if (marginal.measured == 0) {
            paintHatch(m_painter, QRectF(left, base - shortestBar, width, shortestBar), m_tokens);
            continue;
        }
        const Bar bar = barOf(marginal, m_frame, m_tokens, marginalHeight);
        m_painter.fillRect(QRectF(left, base - bar.length, width, bar.length), bar.colour);
        if (cell >= 6 && std::abs(bar.length - bar.line) > 2)
            m_painter.fillRect(QRectF(left, std::round(base - bar.line), width, 1), faded(m_tokens.text, 0.55F));
    }
    m_painter.restore();
}

void HeatmapPainter::paintRowMarginals() const
{
    const QRect area = m_frame.area;
    if (!m_frame.margins.rowMarginals || m_frame.grid.cellHeight() < 6)
        return;
    const double left = area.left() + std::min<double>(area.width(), m_frame.grid.contentSize().width()) + space::small;
    m_painter.save();
    m_painter.setClipRect(QRect(0, area.top(), m_frame.width, area.height()));
    const int last = lastRow();
    for (int row = firstRow(); row <= last; ++row) {
        const Marginal& marginal = m_frame.values.rowMarginal(row);
        if (marginal.measured == 0)
            continue;
        const double top = area.top() - m_frame.offset.y() + m_frame.grid.rowTop(row);
        const double inset = m_frame.grid.cellHeight() >= 12 ? 3 : 1;
        const Bar bar = barOf(marginal, m_frame, m_tokens, marginalWidth);
        const double height = m_frame.grid.cellHeight() - 2 * inset - 1;
        m_painter.fillRect(QRectF(left, top + inset, bar.length, height), bar.colour);
        if (std::abs(bar.length - bar.line) > 2)
            m_painter.fillRect(QRectF(std::round(left + bar.line), top + inset, 1, height),
                               faded(m_tokens.text, 0.55F));
    }
    m_painter.restore();
}

void HeatmapPainter::paintHeading(const HeatmapRow& row, const QRectF& rect) const
{
    if (rect.height() < 12)
        return;
    const MapPrompt& prompt = m_frame.map.prompts[static_cast<std::size_t>(row.prompt)];
    const QFont strong = textFont(TextSize::Secondary, TextWeight::Strong);
    const double baseline = rect.bottom() - 9;
    m_painter.setPen(m_tokens.text);
    m_painter.setFont(strong);
    if (row.token == HeatmapRow::tagHeading) {
        const QString group = groupOf(prompt);
        m_painter.drawText(QPointF(rect.left(), baseline),
                           group.isEmpty() ? Text::tr("No tag") : Text::tr("Tag “%1”").arg(visiblePiece(group)));
        return;
    }
    const QString title = Text::tr("Prompt %1").arg(row.prompt);
    m_painter.drawText(QPointF(rect.left(), baseline), title);
    const double after = rect.left() + QFontMetricsF(strong).horizontalAdvance(title) + space::small;
    const QFont normal = textFont(TextSize::Secondary);
    m_painter.setFont(normal);
    m_painter.setPen(m_tokens.secondary);
    const QString text = prompt.rendered.isEmpty()
                             ? prompt.id
                             : Text::tr("%1 · “%2”").arg(prompt.id, rowLabel(m_frame.map, {row.prompt, -1}));
    m_painter.drawText(QPointF(after, baseline),
                       QFontMetricsF(normal).elidedText(text, Qt::ElideRight, rect.right() - after));
}

void HeatmapPainter::paintLabel(const HeatmapRow& row, const QRectF& line, bool isMarked) const
{
    const bool isPrompt = row.token == HeatmapRow::wholePrompt;
    const TextWeight weight = isMarked ? TextWeight::Strong : TextWeight::Normal;
    const QFont font = isPrompt ? textFont(TextSize::Secondary, weight) : fixedFont(TextSize::Secondary, weight);
    const QFontMetrics metrics(font);
    m_painter.setFont(textFont(TextSize::Axis));
    m_painter.setPen(isMarked ? m_tokens.accent : m_tokens.secondary);
    m_painter.drawText(line, Qt::AlignRight | Qt::AlignVCenter, QString::number(isPrompt ? row.prompt : row.token));
    m_painter.setFont(font);
    m_painter.setPen(isMarked ? m_tokens.accent : m_tokens.text);
    const QRectF piece = line.adjusted(0, 0, -m_frame.margins.positionWidth - space::small, 0);
    const int room = static_cast<int>(piece.width()) - 2;
    const QString whole = rowLabel(m_frame.map, row);
    const QString text = isPrompt ? promptLabel(whole, m_frame.margins.sharedLabel, metrics, room)
                                  : metrics.elidedText(whole, Qt::ElideMiddle, room);
    // A leading space is shown, but quietly: most pieces have one.
    const bool leadingSpace = text.startsWith(u'␣');
    const QString word = leadingSpace ? text.mid(1) : text;
    m_painter.drawText(piece, Qt::AlignRight | Qt::AlignVCenter, word);
    if (leadingSpace) {
        m_painter.setPen(isMarked ? m_tokens.accent : m_tokens.faint);
        m_painter.drawText(piece.adjusted(0, 0, -metrics.horizontalAdvance(word), 0), Qt::AlignRight | Qt::AlignVCenter,
                           text.left(1));
    }
}

void HeatmapPainter::paintRowLabels() const
{
    const QRect area = m_frame.area;
    const double cell = m_frame.grid.cellHeight();
    // Where rows are thinner than a line, only every n-th gets its label.
    const int lineHeight = QFontMetrics(fixedFont(TextSize::Secondary)).height();
    const int every = cell + 1 >= lineHeight ? 1 : static_cast<int>(std::ceil((lineHeight + 4) / cell));
    const CellKey marked = m_frame.held.isValid() ? m_frame.held : m_frame.current;
    const int markedRow = marked.isValid() ? m_frame.grid.rowOf(marked.prompt, marked.token) : -1;
    m_painter.save();
    // Labels of thin rows are higher than their rows: let the first and last one stand out a little.
    const int overhang = every > 1 ? lineHeight / 2 : 0;
    m_painter.setClipRect(QRect(0, area.top() - overhang, area.right(), area.height() + 2 * overhang));
    const int last = lastRow();
    for (int row = firstRow(); row <= last; ++row) {
        const HeatmapRow& key = m_frame.grid.rows()[static_cast<std::size_t>(row)];
        const double top = area.top() - m_frame.offset.y() + m_frame.grid.rowTop(row);
        const double height = m_frame.grid.rowTop(row + 1) - m_frame.grid.rowTop(row);
        if (key.isHeading()) {
            m_painter.save();
            m_painter.setClipRect(area.adjusted(-area.left(), 0, 0, 0)); // below the marginals of the columns
            paintHeading(key, QRectF(space::small, top, area.right() - space::small, height));
            m_painter.restore();
            continue;
        }
        const bool isMarked = row == markedRow;
        if (!isMarked &&
            (row % every != 0 || (markedRow >= 0 && std::abs(row - markedRow) * cell < lineHeight && every > 1)))
            continue;
        // Lines are higher than thin rows: centre the text on the row.
        paintLabel(key, QRectF(0, top + height / 2 - lineHeight, area.left() - space::medium, 2 * lineHeight),
                   isMarked);
    }
    m_painter.restore();
    paintPromptInView();
}

// Whose tokens the first rows are, where their heading is out of view: in the corner that labels and marginals leave.
void HeatmapPainter::paintPromptInView() const
{
    const HeatmapRow& first = m_frame.grid.rows()[static_cast<std::size_t>(firstRow())];
    const bool hasHeadings = m_frame.grid.rows().front().isHeading();
    if (!hasHeadings || first.token < 0)
        return;
    const QFont strong = textFont(TextSize::Axis, TextWeight::Strong);
    const QFont normal = textFont(TextSize::Axis);
    const QFontMetrics metrics(normal);
    const QString title = Text::tr("Prompt %1").arg(first.prompt);
    const int room = m_frame.area.left() - space::small - space::medium;
    const QRect line(space::small, m_frame.area.top() - 2 * metrics.height() - space::tiny, room, metrics.height());
    m_painter.setFont(strong);
    m_painter.setPen(m_tokens.text);
    m_painter.drawText(line, Qt::AlignLeft | Qt::AlignVCenter, title);
    m_painter.setFont(normal);
    m_painter.setPen(m_tokens.secondary);
    const QString& id = m_frame.map.prompts[static_cast<std::size_t>(first.prompt)].id;
    m_painter.drawText(line.translated(0, metrics.height()), Qt::AlignLeft | Qt::AlignVCenter,
                       metrics.elidedText(id, Qt::ElideMiddle, room));
}

void HeatmapPainter::paintCross(const QRectF& cell) const
{
    const QRect area = m_frame.area;
    const QSizeF content = m_frame.grid.contentSize();
    const double right = area.left() + std::min<double>(area.width(), content.width());
    const double bottom = area.top() + std::min<double>(area.height(), content.height());
    m_painter.setPen(QPen(faded(m_tokens.accent, 0.55F), 1));
    for (const double y : {cell.top() - 0.5, cell.bottom() - 0.5})
        m_painter.drawLine(QPointF(area.left(), y), QPointF(right, y));
    for (const double x : {cell.left() - 0.5, cell.right() - 0.5})
        m_painter.drawLine(QPointF(x, area.top()), QPointF(x, bottom));
}

void HeatmapPainter::outline(const QRectF& cell, const QColor& colour, double width) const
{
    if (cell.isNull())
        return;
    // Thin rows keep a cursor one can see.
    const QRectF rect = cell.height() >= 4 ? cell : QRectF(cell.left(), cell.center().y() - 3, cell.width(), 6);
    m_painter.setPen(QPen(colour, width, Qt::SolidLine, Qt::SquareCap, Qt::MiterJoin));
    m_painter.drawRect(rect.adjusted(-0.5, -0.5, -0.5, -0.5));
}

void HeatmapPainter::paintMarks() const
{
    m_painter.save();
    m_painter.setClipRect(m_frame.area.adjusted(-2, -2, 2, 2));
    m_painter.setBrush(Qt::NoBrush);
    if (const QRectF held = rectOf(m_frame.held); !held.isNull())
        paintCross(held);
    if (m_frame.selection) {
        // An outline in two colours, seen on every step; the cells inside keep their colours.
        const QRectF rect = m_frame.grid.cellRect(m_frame.selection->from)
                                .united(m_frame.grid.cellRect(m_frame.selection->to))
                                .translated(m_frame.area.topLeft() - m_frame.offset);
        outline(rect, m_tokens.panel, 4);
        outline(rect, m_tokens.accent, 2);
    }
    const QRectF hovered = rectOf(m_frame.hovered);
    const QRectF current = rectOf(m_frame.current);
    if (hovered != current)
        outline(hovered, m_tokens.secondary, 1);
    outline(current, m_tokens.text, 2);
    if (!current.isNull() && m_frame.focused && !m_frame.held.isValid()) {
        m_painter.setPen(QPen(m_tokens.accent, 1));
        m_painter.drawRect(current.adjusted(-2.5, -2.5, 1.5, 1.5));
    }
    m_painter.restore();
}

}
