#include "widgets/empty_state.h"

#include "widgets/number_text.h"
#include "widgets/panel.h"
#include "widgets/theme.h"

#include <QEvent>
#include <QHBoxLayout>
#include <QKeyEvent>
#include <QLabel>
#include <QMouseEvent>
#include <QPainter>
#include <QVBoxLayout>

#include <algorithm>

namespace blockcert::widgets {

namespace {

constexpr int columnWidth = 520;

}

WayButton::WayButton(const WayIn& way, QWidget* parent)
    : QAbstractButton(parent)
    , m_way(way)
{
    setText(way.title);
    setEnabled(way.enabled);
    setFocusPolicy(Qt::StrongFocus);
    setAttribute(Qt::WA_Hover);
    setCursor(way.enabled ? Qt::PointingHandCursor : Qt::ArrowCursor);
    setAccessibleName(way.title);
    setAccessibleDescription(way.note);
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
}

QSize WayButton::sizeHint() const
{
    const QFontMetrics title(textFont(TextSize::Body, TextWeight::Strong));
    const QFontMetrics note(textFont(TextSize::Secondary));
    return {columnWidth, title.height() + note.height() + space::tiny + 2 * space::medium};
}

void WayButton::keyPressEvent(QKeyEvent* event)
{
    if (event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter)
        click();
    else
        QAbstractButton::keyPressEvent(event);
}

void WayButton::paintEvent(QPaintEvent*)
{
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    const Tokens& tokens = tokensOf(*this);
    const QRectF area = QRectF(rect()).adjusted(0.5, 0.5, -0.5, -0.5);
    const bool hot = isEnabled() && (underMouse() || isDown());
    const QColor fill = m_way.primary ? (hot ? tokens.accent.darker(108) : tokens.accent)
                        : hot         ? tokens.hover
                                      : tokens.panel;
    painter.setPen(hasFocus() ? QPen(m_way.primary ? tokens.text : tokens.accent, 2)
                              : QPen(m_way.primary ? tokens.accent : tokens.line));
    painter.setBrush(fill);
    painter.drawRoundedRect(hasFocus() ? area.adjusted(0.5, 0.5, -0.5, -0.5) : area, 8, 8);
    const QColor ink = !isEnabled() ? tokens.faint : m_way.primary ? tokens.onAccent : tokens.text;
    const QColor noteInk = !isEnabled() ? tokens.faint : m_way.primary ? tokens.onAccent : tokens.secondary;
    paintIcon(painter, QRectF(space::large, (height() - 22) / 2.0, 22, 22), m_way.icon,
              m_way.primary ? ink
              : isEnabled() ? tokens.accent
                            : tokens.faint);
    const QFont titleFont = textFont(TextSize::Body, TextWeight::Strong);
    const QFont noteFont = textFont(TextSize::Secondary);
    const QFontMetricsF titleMetrics(titleFont);
    const QFontMetricsF noteMetrics(noteFont);
    const double left = space::large + 22 + space::large;
    const double width = area.width() - left - space::medium;
    const double top = (height() - titleMetrics.height() - noteMetrics.height() - space::tiny) / 2;
    painter.setFont(titleFont);
    painter.setPen(ink);
    painter.drawText(QRectF(left, top, width, titleMetrics.height()), Qt::AlignLeft | Qt::AlignVCenter,
                     titleMetrics.elidedText(m_way.title, Qt::ElideRight, width));
    painter.setFont(noteFont);
    painter.setPen(noteInk);
    painter.drawText(QRectF(left, top + titleMetrics.height() + space::tiny, width, noteMetrics.height()),
                     Qt::AlignLeft | Qt::AlignVCenter, noteMetrics.elidedText(m_way.note, Qt::ElideRight, width));
}

EmptyState::EmptyState(QWidget* parent)
    : QWidget(parent)
{
    m_title = makeLabel({}, TextSize::Headline, TextWeight::Strong);
    m_title->setWordWrap(true);
    m_sentence = makeLabel({}, TextSize::Body, TextWeight::Normal, TextTone::Secondary);
    m_sentence->setWordWrap(true);
    m_ways = new QWidget;
    auto* ways = new QVBoxLayout(m_ways);
    ways->setContentsMargins(0, 0, 0, 0);
    ways->setSpacing(space::small);
    m_column = new QWidget;
    m_column->setFixedWidth(columnWidth);
    setMinimumWidth(columnWidth / 2); // where it stands beside something else
    auto* texts = new QVBoxLayout(m_column);
    texts->setContentsMargins(0, 0, 0, 0);
    texts->setSpacing(space::small);
    texts->addWidget(m_title);
    texts->addWidget(m_sentence);
    texts->addSpacing(space::medium);
    texts->addWidget(m_ways);
    auto* outer = new QVBoxLayout(this);
    outer->setContentsMargins(0, 0, 0, 0);
    outer->addStretch(2);
    outer->addWidget(m_column, 0, Qt::AlignHCenter);
    outer->addStretch(3);
}

void EmptyState::setText(const QString& title, const QString& sentence)
{
    m_title->setText(shownText(title));
    m_sentence->setText(shownText(sentence));
    m_sentence->setVisible(!sentence.isEmpty());
    fit();
}

void EmptyState::changeEvent(QEvent* event)
{
    QWidget::changeEvent(event);
    if (event->type() == QEvent::FontChange || event->type() == QEvent::StyleChange)
        fit();
}

void EmptyState::resizeEvent(QResizeEvent* event)
{
    QWidget::resizeEvent(event);
    m_column->setFixedWidth(std::min(columnWidth, width()));
    fit();
}

void EmptyState::fit()
{
    for (QLabel* label : {m_title, m_sentence})
        label->setMinimumHeight(std::max(0, label->heightForWidth(m_column->maximumWidth()))); // −1: no text
}

void EmptyState::setWays(const std::vector<WayIn>& ways)
{
    while (QLayoutItem* item = m_ways->layout()->takeAt(0)) {
        delete item->widget();
        delete item;
    }
    for (int i = 0; i < static_cast<int>(ways.size()); ++i) {
        auto* button = new WayButton(ways[static_cast<std::size_t>(i)]);
        connect(button, &QAbstractButton::clicked, this, [this, i] { emit wayChosen(i); });
        m_ways->layout()->addWidget(button);
    }
}

}
