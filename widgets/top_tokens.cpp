#include "widgets/top_tokens.h"

#include "widgets/number_text.h"
#include "widgets/theme.h"

#include <QFontMetricsF>
#include <QPainter>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <utility>

namespace blockcert::widgets {

TopTokens::TopTokens(QWidget* parent)
    : QWidget(parent)
{
    setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Fixed);
    setToolTip(plainToolTip(
        tr("The five most likely next tokens with their probabilities. “≤” is an upper bound: the run keeps "
           "five logits, and the token that follows in the prompt is not among them. ▲ and ▼ say by how "
           "many ranks a token moved with the surrogate in place.")));
}

std::vector<TopTokens::Row> TopTokens::rowsOf(const Prediction& prediction, const TopFive* original)
{
    const std::vector<Likelihood> likelihoods = likelihoodsOf(prediction);
    const auto shifts = original != nullptr ? rankShifts(*original, prediction.top) : std::vector<std::optional<int>>();
    std::vector<Row> rows;
    for (std::size_t i = 0; i < prediction.top.size(); ++i) {
        const Likelihood& likelihood = likelihoods[i];
        Row row;
        const Candidate& candidate = prediction.top[i];
        // Without the model's tokenizer a run has ids alone.
        row.piece = candidate.piece.isEmpty() ? tr("id %1").arg(candidate.id) : visiblePiece(candidate.piece);
        row.share = isMissing(likelihood.value) ? 0 : likelihood.value;
        row.likelihood = tableNumber(likelihood.value * 100) + QStringLiteral(" %");
        if (isMissing(likelihood.value))
            row.likelihood = tableNumber(missing);
        else if (likelihood.isUpperBound)
            row.likelihood.prepend(QStringLiteral("≤ "));
        if (i < shifts.size()) {
            const int moved = shifts[i].value_or(0);
            row.shift = !shifts[i]  ? tr("new")
                        : moved > 0 ? QStringLiteral("▲%1").arg(moved)
                        : moved < 0 ? QStringLiteral("▼%1").arg(-moved)
                                    : QString();
        }
        rows.push_back(std::move(row));
    }
    return rows;
}

void TopTokens::setPredictions(Prediction original, Prediction surrogate)
{
    m_original = rowsOf(original, nullptr);
    m_surrogate = rowsOf(surrogate, &original.top);
    const auto isBound = [](const std::vector<Row>& rows) {
        return std::any_of(rows.begin(), rows.end(), [](const Row& row) { return row.likelihood.startsWith(u'≤'); });
    };
    m_hasBounds = isBound(m_original) || isBound(m_surrogate);
    QStringList words;
    const auto side = [](const std::vector<Row>& rows, std::size_t i) {
        if (i >= rows.size())
            return QStringLiteral("–");
        return QStringLiteral("%1 %2 %3").arg(rows[i].piece, rows[i].likelihood, rows[i].shift).trimmed();
    };
    for (std::size_t i = 0; i < std::max(m_original.size(), m_surrogate.size()); ++i)
        words << tr("%1: original %2, surrogate %3").arg(i + 1).arg(side(m_original, i), side(m_surrogate, i));
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
    const int note = m_hasBounds ? QFontMetrics(textFont(TextSize::Axis)).height() + space::tiny : 0;
    return {296, rowHeight() * static_cast<int>(std::max(m_original.size(), m_surrogate.size())) + note};
}

void TopTokens::paintSide(QPainter& painter, const std::vector<Row>& rows, const QRectF& side, bool marks) const
{
    const Tokens& tokens = tokensOf(*this);
    const QFont pieceFont = fixedFont(TextSize::Secondary);
    const QFont numberFont = fixedFont(TextSize::Axis);
    const QFontMetricsF pieces(pieceFont);
    const QFontMetricsF numbers(numberFont);
    double numberWidth = 0;
    for (const Row& row : rows)
        numberWidth = std::max(numberWidth, numbers.horizontalAdvance(row.likelihood));
    const bool anyShift = std::any_of(rows.begin(), rows.end(), [](const Row& row) { return !row.shift.isEmpty(); });
    const double markWidth = marks && anyShift ? numbers.horizontalAdvance(QStringLiteral("new")) + space::tiny : 0;
    const double pieceWidth = side.width() - markWidth - numberWidth - space::tiny;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const Row& row = rows[i];
        const QRectF line(side.left(), static_cast<double>(i) * rowHeight(), side.width(), rowHeight());
        painter.setFont(numberFont);
        painter.setPen(tokens.weaker.ink);
        painter.drawText(line, Qt::AlignLeft | Qt::AlignVCenter, row.shift);
        painter.setFont(pieceFont);
        painter.setPen(row.shift.isEmpty() ? tokens.text : tokens.weaker.ink);
        const QRectF piece(line.left() + markWidth, line.top(), pieceWidth, line.height());
        painter.drawText(piece, Qt::AlignLeft | Qt::AlignVCenter,
                         pieces.elidedText(row.piece, Qt::ElideRight, pieceWidth));
        painter.setFont(numberFont);
        painter.setPen(tokens.secondary);
        painter.drawText(line, Qt::AlignRight | Qt::AlignVCenter, row.likelihood);
        // The share as a line under the row: it needs no room of its own.
        const QRectF track(line.left(), line.bottom() - 2, line.width(), 2);
        painter.fillRect(track, tokens.line);
        painter.fillRect(QRectF(track.topLeft(), QSizeF(track.width() * std::min(1.0, row.share), 2)), tokens.cool[4]);
    }
}

void TopTokens::paintEvent(QPaintEvent*)
{
    QPainter painter(this);
    const double gap = space::medium;
    const double half = (width() - gap) / 2;
    paintSide(painter, m_original, QRectF(0, 0, half, height()), false);
    paintSide(painter, m_surrogate, QRectF(half + gap, 0, half, height()), true);
    if (!m_hasBounds)
        return;
    painter.setFont(textFont(TextSize::Axis));
    painter.setPen(tokensOf(*this).secondary);
    painter.drawText(
        rect(), Qt::AlignLeft | Qt::AlignBottom,
        painter.fontMetrics().elidedText(tr("≤ upper bound; only five logits are kept"), Qt::ElideRight, width()));
}

}
