#include "widgets/progress_delegate.h"

#include "widgets/icons.h"
#include "widgets/number_text.h"
#include "widgets/progress_list.h"
#include "widgets/state_badge.h"
#include "widgets/theme.h"

#include <QApplication>
#include <QPainter>

#include <algorithm>
#include <cmath>

namespace blockcert::widgets {

namespace {

constexpr int glyph = 16;
constexpr int sparkWidth = 88;

void paintStep(QPainter& painter, const QRectF& rect, const ProgressRow& row, double fraction, const Tokens& tokens)
{
    switch (row.state) {
    case StepState::Done:
        // Done is not yet good: the states' colours are kept for what a certificate says.
        if (row.outcome)
            paintStateGlyph(painter, rect, *row.outcome, tokens);
        else
            paintIcon(painter, rect, Icon::Tick, tokens.secondary);
        return;
    case StepState::Failed: paintStateGlyph(painter, rect, CheckState::Failed, tokens); return;
    case StepState::Cancelled: paintStateGlyph(painter, rect, CheckState::NotChecked, tokens); return;
    case StepState::Waiting: {
        painter.setPen(QPen(tokens.faint, 1.4));
        painter.setBrush(Qt::NoBrush);
        painter.drawEllipse(rect.adjusted(2, 2, -2, -2));
        return;
    }
    case StepState::Running: {
        // A pie that fills: it moves with the work, nothing spins by itself.
        painter.setPen(QPen(tokens.accent, 1.4));
        painter.setBrush(Qt::NoBrush);
        painter.drawEllipse(rect.adjusted(2, 2, -2, -2));
        painter.setPen(Qt::NoPen);
        painter.setBrush(tokens.accent);
        painter.drawPie(rect.adjusted(4, 4, -4, -4), 90 * 16, -static_cast<int>(fraction * 360 * 16));
        return;
    }
    }
}

// ε of the finished prompts: one mark each on a log axis against τ.
void paintErrors(QPainter& painter, const QRectF& rect, const ProgressRow& row, const Tokens& tokens)
{
    if (row.errors.empty() || isMissing(row.threshold) || row.threshold <= 0)
        return;
    double low = row.threshold / 100;
    double high = row.threshold * 3;
    for (const double error : row.errors)
        if (error > 0) {
            low = std::min(low, error);
            high = std::max(high, error);
        }
    const auto height = [&](double value) {
        return rect.bottom() - rect.height() * std::log(std::clamp(value, low, high) / low) / std::log(high / low);
    };
    const double tau = std::round(height(row.threshold)) + 0.5;
    painter.setPen(QPen(tokens.failed.ink, 1, Qt::DotLine));
    painter.drawLine(QPointF(rect.left(), tau), QPointF(rect.right(), tau));
    const double slot = std::min(6.0, rect.width() / static_cast<double>(row.errors.size()));
    for (std::size_t i = 0; i < row.errors.size(); ++i) {
        const double error = row.errors[i];
        if (isMissing(error))
            continue;
        const double top = height(error);
        const QColor ink = error > row.threshold ? tokens.warm[2] : tokens.cool[4];
        painter.fillRect(QRectF(rect.left() + static_cast<double>(i) * slot, top, std::max(1.0, slot - 1),
                                std::max(1.0, rect.bottom() - top)),
                         ink);
    }
}

// Fixed columns from the right, so that rows line up: note, coverage, ε, errors. Returns where the bar may end.
int paintNumbers(QPainter& painter, const QRect& area, int left, const ProgressRow& row, const Tokens& tokens)
{
    const QFont secondary = textFont(TextSize::Secondary);
    const QFontMetrics words(secondary);
    const QFont fixed = fixedFont(TextSize::Secondary);
    int right = area.right();
    const int noteWidth = std::clamp(area.width() / 5, 90, 240);
    painter.setFont(secondary);
    painter.setPen(row.state == StepState::Failed ? tokens.failed.ink : tokens.secondary);
    painter.drawText(QRect(right - noteWidth, area.top(), noteWidth, area.height()), Qt::AlignVCenter | Qt::AlignLeft,
                     words.elidedText(row.note.isEmpty() ? stepWord(row.state) : row.note, Qt::ElideRight, noteWidth));
    right -= noteWidth + space::large;
    if (row.block < 0)
        return right;
    const int digits = QFontMetrics(fixed).horizontalAdvance(QStringLiteral("0.00e-00"));
    const auto number = [&](const QString& label, const QString& text, const QColor& ink) {
        painter.setFont(fixed);
        painter.setPen(ink);
        painter.drawText(QRect(right - digits, area.top(), digits, area.height()), Qt::AlignVCenter | Qt::AlignRight,
                         text);
        const int used = QFontMetrics(fixed).horizontalAdvance(text) + space::small;
        painter.setFont(secondary);
        painter.setPen(tokens.secondary);
        const int room = words.horizontalAdvance(label) + 4;
        painter.drawText(QRect(right - used - room, area.top(), room, area.height()), Qt::AlignVCenter | Qt::AlignRight,
                         label);
        right -= digits + room + space::medium;
    };
    if (!isMissing(row.epsilon)) {
        number(ProgressList::tr("coverage"), coverageText(row.coverage), tokens.text);
        number(QStringLiteral("ε"), tableNumber(row.epsilon),
               row.epsilon > row.threshold ? tokens.failed.ink : tokens.text);
    } else {
        right -= 2 * (digits + 4 + space::medium) + words.horizontalAdvance(ProgressList::tr("coverage")) +
                 words.horizontalAdvance(u'ε');
    }
    if (right - left > 2 * sparkWidth) {
        paintErrors(painter, QRectF(right - sparkWidth, area.top() + 5, sparkWidth, area.height() - 11), row, tokens);
        right -= sparkWidth + space::large;
    }
    return right;
}

}

QString stepWord(StepState state)
{
    switch (state) {
    case StepState::Waiting: return ProgressList::tr("waiting");
    case StepState::Running: return ProgressList::tr("running");
    case StepState::Done: return ProgressList::tr("done");
    case StepState::Failed: return ProgressList::tr("failed");
    case StepState::Cancelled: return ProgressList::tr("cancelled");
    }
    return {};
}

QSize ProgressDelegate::sizeHint(const QStyleOptionViewItem&, const QModelIndex&) const
{
    return {320, std::max(28, QFontMetrics(fixedFont(TextSize::Secondary)).height() + 12)};
}

void ProgressDelegate::paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const
{
    const auto* model = qobject_cast<const ProgressModel*>(index.model());
    const ProgressRow* row = model != nullptr ? model->row(index.row()) : nullptr;
    if (row == nullptr)
        return;
    const Tokens& tokens = tokensOf(QApplication::palette());
    const QRect area = option.rect.adjusted(space::small, 0, -space::small, 0);
    const double fraction = row->total > 0 ? std::clamp(row->done / row->total, 0.0, 1.0) : 0;
    painter->save();
    painter->setRenderHint(QPainter::Antialiasing);
    if ((option.state & QStyle::State_Selected) != 0)
        painter->fillRect(option.rect, tokens.accentFill);
    else if ((option.state & QStyle::State_MouseOver) != 0)
        painter->fillRect(option.rect, tokens.hover);
    painter->fillRect(QRect(option.rect.left(), option.rect.bottom(), option.rect.width(), 1), tokens.line);
    const double middle = area.center().y() + 0.5;
    paintStep(*painter, QRectF(area.left(), middle - glyph / 2.0, glyph, glyph), *row, fraction, tokens);

    const QFont title =
        textFont(TextSize::Secondary, row->state == StepState::Running ? TextWeight::Strong : TextWeight::Normal);
    const int titleWidth = std::max(96, 8 + QFontMetrics(textFont(TextSize::Secondary, TextWeight::Strong))
                                                .horizontalAdvance(ProgressList::tr("Measure the losses")));
    int left = area.left() + glyph + space::small;
    painter->setFont(title);
    painter->setPen(row->state == StepState::Waiting ? tokens.secondary : tokens.text);
    painter->drawText(QRect(left, area.top(), titleWidth, area.height()), Qt::AlignVCenter | Qt::AlignLeft,
                      QFontMetrics(title).elidedText(row->title, Qt::ElideRight, titleWidth));
    left += titleWidth + space::small;

    const int right = paintNumbers(*painter, area, left, *row, tokens);
    const QRectF track(left, middle - 2.5, std::max(24, right - left), 5);
    painter->setPen(Qt::NoPen);
    painter->setBrush(tokens.line);
    painter->drawRoundedRect(track, 2.5, 2.5);
    if (fraction > 0) {
        painter->setBrush(row->state == StepState::Failed      ? tokens.failed.ink
                          : row->state == StepState::Cancelled ? tokens.faint
                          : row->state == StepState::Done      ? tokens.cool[3]
                                                               : tokens.accent);
        painter->drawRoundedRect(
            QRectF(track.topLeft(), QSizeF(std::max(5.0, track.width() * fraction), track.height())), 2.5, 2.5);
    }
    painter->restore();
}

}
