#include "widgets/choice_card.h"

#include "widgets/theme.h"

#include <QPainter>

#include <algorithm>

namespace blockcert::widgets {

namespace {

constexpr int iconSide = 18;
constexpr int textLeft = space::medium + iconSide + space::small;

}

ChoiceCard::ChoiceCard(Icon icon, const QString& title, const QString& note, QWidget* parent)
    : QAbstractButton(parent)
    , m_icon(icon)
    , m_note(note)
{
    setText(title);
    setCheckable(true);
    setFocusPolicy(Qt::StrongFocus);
    setAttribute(Qt::WA_Hover);
    setCursor(Qt::PointingHandCursor);
    setAccessibleName(title);
    setAccessibleDescription(note);
    QSizePolicy policy(QSizePolicy::Expanding, QSizePolicy::Minimum);
    policy.setHeightForWidth(true);
    setSizePolicy(policy);
}

int ChoiceCard::heightForWidth(int width) const
{
    const QFontMetrics title(textFont(TextSize::Body, TextWeight::Strong));
    const QFontMetrics note(textFont(TextSize::Secondary));
    const int room = std::max(80, width - textLeft - space::medium);
    return title.height() + space::tiny + note.boundingRect(0, 0, room, 10000, Qt::TextWordWrap, m_note).height() +
           2 * space::medium;
}

QSize ChoiceCard::sizeHint() const
{
    constexpr int width = 220;
    return {width, heightForWidth(width)};
}

QSize ChoiceCard::minimumSizeHint() const
{
    constexpr int width = 110; // four of them beside each other in a page of a small window
    return {width, heightForWidth(220)};
}

void ChoiceCard::paintEvent(QPaintEvent*)
{
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    const Tokens& tokens = tokensOf(*this);
    const bool hot = isEnabled() && (underMouse() || isDown());
    const QColor outline = isChecked() ? tokens.accent : tokens.line;
    painter.setPen(QPen(outline, isChecked() ? 2 : 1));
    painter.setBrush(isChecked() ? tokens.accentFill : hot ? tokens.hover : tokens.panel);
    const double inset = isChecked() ? 1 : 0.5;
    painter.drawRoundedRect(QRectF(rect()).adjusted(inset, inset, -inset, -inset), space::corner, space::corner);
    const QFont titleFont = textFont(TextSize::Body, TextWeight::Strong);
    const QFont noteFont = textFont(TextSize::Secondary);
    const QFontMetrics titleMetrics(titleFont);
    paintIcon(painter,
              QRectF(space::medium, space::medium + (titleMetrics.height() - iconSide) / 2.0, iconSide, iconSide),
              m_icon, isEnabled() ? tokens.accent : tokens.faint);
    const int room = width() - textLeft - space::medium;
    painter.setFont(titleFont);
    painter.setPen(isEnabled() ? tokens.text : tokens.faint);
    painter.drawText(QRect(textLeft, space::medium, room, titleMetrics.height()), Qt::AlignLeft | Qt::AlignVCenter,
                     titleMetrics.elidedText(text(), Qt::ElideRight, room));
    painter.setFont(noteFont);
    painter.setPen(isEnabled() ? tokens.secondary : tokens.faint);
    const int top = space::medium + titleMetrics.height() + space::tiny;
    painter.drawText(QRect(textLeft, top, room, height() - top - space::tiny), Qt::AlignLeft | Qt::TextWordWrap,
                     m_note);
    if (hasFocus())
        paintFocusRing(painter, QRectF(rect()).adjusted(3, 3, -3, -3), tokens, space::corner - 2);
}

}
