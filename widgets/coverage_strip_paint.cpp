// How coverage strips are painted.
#include "widgets/coverage_strip.h"
#include "widgets/number_text.h"
#include "widgets/theme.h"

#include <QPainter>

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
    const bool isCurrent = row == currentRow();
    const double top = rowTop(row);
    if (isCurrent)
        painter.fillRect(QRectF(0, top, viewport()->width(), CoverageLanes::rowHeight + m_namesHeight),
                         tokens.accentFill);
    paintCoverageRow(painter, *m_rows, shown, m_lanes, top, tokens, isCurrent);
    if (!isCurrent)
        return;
    if (const auto at = pointOf(m_current)) {
        const QRectF strip = stripRect(row);
        painter.save();
        painter.setRenderHint(QPainter::Antialiasing);
        painter.setPen(Qt::NoPen);
        painter.setBrush(tokens.accent);
        painter.drawPolygon(QPolygonF{QPointF(at->x() - 4, strip.top() - 5), QPointF(at->x() + 4, strip.top() - 5),
                                      QPointF(at->x(), strip.top())});
        painter.restore();
    }
    paintNames(painter, top);
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
            const TokenCoverage state = row.tokens[static_cast<std::size_t>(name.place)];
            const bool undecided = state == TokenCoverage::Undecided;
            const Tint won{tokens.accent, tokens.panel};
            const Tint& tint = undecided || state == TokenCoverage::OnlyInA ? tokens.weaker
                               : state == TokenCoverage::OnlyInB            ? won
                                                                            : tokens.failed;
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
