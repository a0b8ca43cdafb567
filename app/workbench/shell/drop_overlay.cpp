#include "app/workbench/shell/drop_overlay.h"

#include "widgets/icons.h"
#include "widgets/number_text.h"
#include "widgets/theme.h"

#include <QPainter>

namespace blockcert::workbench {

namespace space = widgets::space;

DropOverlay::DropOverlay(QWidget* parent)
    : QWidget(parent)
{
    setAttribute(Qt::WA_TransparentForMouseEvents);
    setFocusPolicy(Qt::NoFocus);
    hide();
}

void DropOverlay::offer(const QString& title, const QString& note)
{
    m_title = widgets::shownName(title);
    m_note = widgets::shownName(note);
    setAccessibleName(m_title);
    setAccessibleDescription(m_note);
    setGeometry(parentWidget()->rect());
    raise();
    show();
    update();
}

void DropOverlay::paintEvent(QPaintEvent*)
{
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    const widgets::Tokens& tokens = widgets::tokensOf(*this);
    QColor veil = tokens.window;
    veil.setAlphaF(0.92F);
    painter.fillRect(rect(), veil);
    const QRectF frame = QRectF(rect()).adjusted(space::huge, space::huge, -space::huge, -space::huge);
    painter.setBrush(Qt::NoBrush);
    painter.setPen(QPen(tokens.accent, 2, Qt::DashLine));
    painter.drawRoundedRect(frame, 12, 12);
    const double middle = height() / 2.0;
    widgets::paintIcon(painter, QRectF(width() / 2.0 - 20, middle - 78, 40, 40), widgets::Icon::Download,
                       tokens.accent);
    painter.setPen(tokens.text);
    painter.setFont(widgets::textFont(widgets::TextSize::Headline, widgets::TextWeight::Strong));
    painter.drawText(QRectF(0, middle - 24, width(), 32), Qt::AlignCenter, m_title);
    painter.setPen(tokens.secondary);
    painter.setFont(widgets::textFont(widgets::TextSize::Body));
    painter.drawText(QRectF(0, middle + 12, width(), 24), Qt::AlignCenter, m_note);
}

}
