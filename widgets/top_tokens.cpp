#include "widgets/top_tokens.h"

#include "widgets/number_text.h"
#include "widgets/theme.h"

#include <QFontMetricsF>
#include <QPainter>

#include <algorithm>
#include <cmath>
#include <utility>

namespace blockcert::widgets {

TopTokens::TopTokens(QWidget* parent)
    : QWidget(parent)
{
    setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Fixed);
    setToolTip(
        plainToolTip(tr("Logits of the five most likely next tokens. The bar is the likelihood relative to the first. "
                        "≠ marks a rank at which the two models name different tokens.")));
}

void TopTokens::setCandidates(TopFive original, TopFive surrogate)
{
    m_original = std::move(original);
    m_surrogate = std::move(surrogate);
    QStringList words;
    for (std::size_t i = 0; i < std::max(m_original.size(), m_surrogate.size()); ++i)
        words << tr("%1: original %2, surrogate %3")
                     .arg(i + 1)
                     .arg(i < m_original.size() ? visiblePiece(m_original[i].piece) : QStringLiteral("–"),
                          i < m_surrogate.size() ? visiblePiece(m_surrogate[i].piece) : QStringLiteral("–"));
    setAccessibleDescription(words.join(QStringLiteral("; ")));
    updateGeometry();
    update();
}

int TopTokens::rowHeight() const
{
    return std::max(22, QFontMetrics(fixedFont(TextSize::Secondary)).height() + 6);
}

QSize TopTokens::sizeHint() const
{
    return {296, rowHeight() * static_cast<int>(std::max(m_original.size(), m_surrogate.size()))};
}

void TopTokens::paintEvent(QPaintEvent*)
{
    QPainter painter(this);
    const Tokens& tokens = tokensOf(*this);
    const QFont pieceFont = fixedFont(TextSize::Secondary);
    const QFont logitFont = fixedFont(TextSize::Axis);
    const QFontMetricsF pieces(pieceFont);
    const QFontMetricsF logits(logitFont);
    const double gap = space::large;
    const double half = (width() - gap) / 2;
    const double logitWidth = logits.horizontalAdvance(QStringLiteral("-00.0"));
    const auto draw = [&](const TopFive& top, const TopFive& other, double left, bool marks) {
        for (std::size_t i = 0; i < top.size(); ++i) {
            const Candidate& candidate = top[i];
            const QRectF row(left, static_cast<double>(i) * rowHeight(), half, rowHeight());
            const bool differs = marks && (i >= other.size() || other[i].id != candidate.id);
            const double barSpace = std::max(18.0, half * 0.26);
            const double pieceWidth = half - logitWidth - barSpace - space::small;
            painter.setFont(pieceFont);
            painter.setPen(differs ? tokens.weaker.ink : tokens.text);
            QString text = visiblePiece(candidate.piece);
            if (differs)
                text = QStringLiteral("≠ ") + text;
            painter.drawText(QRectF(row.left(), row.top(), pieceWidth, row.height()), Qt::AlignLeft | Qt::AlignVCenter,
                             pieces.elidedText(text, Qt::ElideRight, pieceWidth));
            // Odds against the first candidate need only the two logits, not the whole distribution.
            const double odds = isMissing(candidate.logit) ? 0 : std::exp(candidate.logit - top.front().logit);
            const double length = std::max(odds > 0 ? 1.5 : 0.0, barSpace * std::min(1.0, odds));
            painter.fillRect(QRectF(row.left() + pieceWidth + 4, row.center().y() - 4, length, 8), tokens.cool[4]);
            painter.setFont(logitFont);
            painter.setPen(tokens.secondary);
            painter.drawText(row, Qt::AlignRight | Qt::AlignVCenter, tableNumber(candidate.logit));
        }
    };
    draw(m_original, m_surrogate, 0, false);
    draw(m_surrogate, m_original, half + gap, true);
}

}
