// How coverage strips are painted.
#include "widgets/coverage_strip.h"
#include "widgets/number_text.h"
#include "widgets/theme.h"

#include <QPainter>

#include <algorithm>
#include <cmath>

namespace blockcert::widgets {

void CoverageStrip::paintEvent(QPaintEvent*)
{
    QPainter painter(viewport());
    const Tokens& tokens = tokensOf(*this);
    painter.fillRect(viewport()->rect(), tokens.window);
    if (!m_rows || !m_map)
        return;
    for (int row = 0; row < static_cast<int>(m_rows->rows.size()); ++row)
        if (rowTop(row + 1) >= 0 && rowTop(row) <= viewport()->height())
            paintRow(painter, row);
    if (hasFocus())
        paintFocusRing(painter, QRectF(viewport()->rect()).adjusted(0, 0, -1, -1), tokens);
}

void CoverageStrip::paintRow(QPainter& painter, int row) const
{
    const Tokens& tokens = tokensOf(*this);
    const CoverageRow& shown = m_rows->rows[static_cast<std::size_t>(row)];
    const CoverageCounts& counts = shown.counts;
    const bool isCurrent = row == currentRow();
    const double top = rowTop(row);
    if (isCurrent)
        painter.fillRect(QRectF(0, top, viewport()->width(), rowHeight + m_namesHeight), tokens.accentFill);
    painter.setFont(textFont(TextSize::Secondary, isCurrent ? TextWeight::Strong : TextWeight::Normal));
    painter.setPen(isCurrent ? tokens.accent : tokens.text);
    painter.drawText(QRectF(space::tiny, top, m_lanes.label, rowHeight), Qt::AlignVCenter,
                     tr("Block %1").arg(shown.block));
    const QRectF strip = stripRect(row);
    const bool reaches = counts.measured() > 0 &&
                         static_cast<double>(counts.covered) >= m_rows->alpha * static_cast<double>(counts.measured());
    painter.setFont(fixedFont(TextSize::Secondary, reaches ? TextWeight::Normal : TextWeight::Strong));
    painter.setPen(counts.measured() == 0 ? tokens.secondary : reaches ? tokens.text : tokens.failed.ink);
    painter.drawText(QRectF(m_lanes.label, top, m_lanes.number - space::medium, rowHeight),
                     Qt::AlignRight | Qt::AlignVCenter, coverageText(counts.covered, counts.measured()));
    paintMarks(painter, shown, strip);
    painter.setFont(textFont(TextSize::Axis));
    painter.setPen(tokens.secondary);
    const QString note = counts.measured() == 0   ? tr("not measured")
                         : counts.uncovered > 0   ? tr("%1 not covered").arg(countText(counts.uncovered))
                         : counts.undecided > 0   ? tr("%1 undecided").arg(countText(counts.undecided))
                         : counts.notMeasured > 0 ? tr("%1 not measured").arg(countText(counts.notMeasured))
                                                  : tr("all covered");
    painter.drawText(QRectF(strip.right() + space::medium, top, m_lanes.note, rowHeight), Qt::AlignVCenter, note);
    if (isCurrent)
        paintNames(painter, top);
}

void CoverageStrip::paintMarks(QPainter& painter, const CoverageRow& row, const QRectF& strip) const
{
    const Tokens& tokens = tokensOf(*this);
    const int count = static_cast<int>(row.tokens.size());
    painter.save();
    painter.setClipRect(strip.adjusted(-1, -1, 1, 1));
    painter.fillRect(QRectF(strip.left(), strip.bottom() - 1, placeLeft(count), 1), tokens.line);
    for (int place = 0; place < count;) {
        // Tokens that begin in the same pixel share it.
        const double left = std::floor(strip.left() + placeLeft(place));
        TokenCoverage state = row.tokens[static_cast<std::size_t>(place)];
        int end = place + 1;
        while (end < count && std::floor(strip.left() + placeLeft(end)) == left)
            state = worse(state, row.tokens[static_cast<std::size_t>(end++)]);
        const double right = std::floor(strip.left() + placeLeft(end));
        const bool lastOfPrompt = end < count && m_gapsBefore[static_cast<std::size_t>(end)] !=
                                                     m_gapsBefore[static_cast<std::size_t>(end - 1)];
        const double width =
            std::max(1.0, (lastOfPrompt && m_lanes.slot >= 2 ? std::floor(m_lanes.slot) : right - left) -
                              (m_lanes.slot >= 4 ? 1 : 0));
        paintMark(painter, state, QRectF(left, strip.top(), width, strip.height()));
        place = end;
    }
    if (const int place = m_rows->placeOf(m_current.prompt, m_current.token);
        place >= 0 && row.block == m_current.block) {
        const double middle = strip.left() + (placeLeft(place) + placeLeft(place + 1)) / 2;
        painter.setClipping(false);
        painter.setRenderHint(QPainter::Antialiasing);
        painter.setPen(Qt::NoPen);
        painter.setBrush(tokens.accent);
        painter.drawPolygon(QPolygonF{QPointF(middle - 4, strip.top() - 5), QPointF(middle + 4, strip.top() - 5),
                                      QPointF(middle, strip.top())});
    }
    painter.restore();
}

void CoverageStrip::paintMark(QPainter& painter, TokenCoverage state, const QRectF& slot) const
{
    const Tokens& tokens = tokensOf(*this);
    const auto upTo = [&](double share) {
        const double height = std::round(slot.height() * share);
        return QRectF(slot.left(), slot.bottom() - height, slot.width(), height);
    };
    switch (state) {
    case TokenCoverage::Covered: painter.fillRect(upTo(0.4), tokens.cool[3]); return;
    case TokenCoverage::Uncovered: painter.fillRect(slot, tokens.warm[2]); return;
    case TokenCoverage::Undecided:
        painter.setPen(QPen(tokens.weaker.ink, 1));
        painter.setBrush(Qt::NoBrush);
        painter.drawRect(upTo(0.8).adjusted(0.5, 0.5, -0.5, -0.5));
        return;
    case TokenCoverage::NotMeasured: {
        painter.save();
        const QRectF box = upTo(0.4);
        painter.setClipRect(box, Qt::IntersectClip);
        painter.setPen(QPen(tokens.secondary, 1));
        // One hatch through all slots, so that narrow ones are hatched, too.
        for (double x = std::floor((box.left() - box.height()) / 5) * 5; x < box.right(); x += 5)
            painter.drawLine(QPointF(x, box.bottom()), QPointF(x + box.height(), box.top()));
        painter.restore();
        return;
    }
    }
}

void CoverageStrip::paintNames(QPainter& painter, double top) const
{
    const Tokens& tokens = tokensOf(*this);
    const int current = m_rows->placeOf(m_current.prompt, m_current.token);
    painter.save();
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setFont(fixedFont(TextSize::Secondary));
    const CoverageRow& row = m_rows->rows[static_cast<std::size_t>(currentRow())];
    for (const Name& name : m_names) {
        const QRectF chip = name.rect.translated(0, top);
        if (name.place >= 0) {
            const bool undecided = row.tokens[static_cast<std::size_t>(name.place)] == TokenCoverage::Undecided;
            const Tint& tint = undecided ? tokens.weaker : tokens.failed;
            painter.setPen(QPen(name.place == current ? tokens.accent : tint.ink, name.place == current ? 2 : 1,
                                undecided ? Qt::DashLine : Qt::SolidLine));
            painter.setBrush(tint.fill);
            painter.drawRoundedRect(chip.adjusted(0.5, 0.5, -0.5, -0.5), 4, 4);
            painter.setPen(tint.ink);
        } else {
            painter.setPen(tokens.secondary);
        }
        painter.drawText(chip, Qt::AlignCenter, name.text);
    }
    painter.restore();
}

}
