#include "widgets/tour_card.h"

#include "widgets/icons.h"
#include "widgets/theme.h"

#include <QHBoxLayout>
#include <QKeyEvent>
#include <QLabel>
#include <QPainter>
#include <QPushButton>
#include <QVBoxLayout>

#include <algorithm>
#include <array>

namespace blockcert::widgets {

namespace {

constexpr int cardWidth = 360;
constexpr int gap = space::medium;
constexpr int followMs = 120; // layouts settle, pages scroll: the card looks where its target is

}

namespace {

// The part of a widget that its parents show, in the window's coordinates; empty if there is none.
QRect shownPart(const QWidget& widget, const QWidget& window)
{
    if (!widget.isVisible())
        return {};
    QRect part(widget.mapTo(&window, QPoint()), widget.size());
    for (const QWidget* parent = widget.parentWidget(); parent && parent != &window; parent = parent->parentWidget())
        part &= QRect(parent->mapTo(&window, QPoint()), parent->size());
    return part & window.rect();
}

}

TourRing::TourRing(QWidget* parent)
    : QWidget(parent)
{
    setAttribute(Qt::WA_TransparentForMouseEvents);
    setFocusPolicy(Qt::NoFocus);
}

void TourRing::paintEvent(QPaintEvent*)
{
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(QPen(tokensOf(*this).accent, 3));
    painter.drawRoundedRect(QRectF(rect()).adjusted(1.5, 1.5, -1.5, -1.5), space::corner, space::corner);
}

TourCard::TourCard(QWidget* window)
    : Panel(window)
    , m_count(makeLabel({}, TextSize::Secondary, TextWeight::Normal, TextTone::Secondary))
    , m_title(makeLabel({}, TextSize::Title, TextWeight::Strong))
    , m_text(makeLabel({}, TextSize::Body))
    , m_action(new QPushButton)
    , m_restart(new QPushButton(tr("Start over")))
    , m_back(new QPushButton(tr("Back")))
    , m_next(new QPushButton(tr("Next")))
    , m_ring(new TourRing(window))
{
    setSelected(true);
    setAccessibleName(tr("Guided tour"));
    m_title->setWordWrap(true);
    m_text->setWordWrap(true);
    setButtonRole(*m_next, ButtonRole::Primary);
    setButtonRole(*m_restart, ButtonRole::Link);
    auto* close = new QPushButton;
    setButtonRole(*close, ButtonRole::Icon);
    close->setIcon(themedIcon(Icon::Close));
    close->setToolTip(tr("Leave the tour (Esc)"));
    close->setAccessibleName(tr("Leave the tour"));
    auto* head = new QHBoxLayout;
    head->addWidget(m_count, 1);
    head->addWidget(close);
    auto* buttons = new QHBoxLayout;
    buttons->setSpacing(space::small);
    buttons->addWidget(m_restart);
    buttons->addStretch(1);
    buttons->addWidget(m_back);
    buttons->addWidget(m_next);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(space::large, space::medium, space::large, space::medium);
    layout->setSpacing(space::small);
    layout->addLayout(head);
    layout->addWidget(m_title);
    layout->addWidget(m_text);
    layout->addWidget(m_action, 0, Qt::AlignLeft);
    layout->addLayout(buttons);
    connect(close, &QPushButton::clicked, this, &TourCard::leaveWanted);
    connect(m_next, &QPushButton::clicked, this, &TourCard::nextWanted);
    connect(m_back, &QPushButton::clicked, this, &TourCard::backWanted);
    connect(m_restart, &QPushButton::clicked, this, &TourCard::restartWanted);
    connect(m_action, &QPushButton::clicked, this, &TourCard::actionWanted);
    m_follow.setInterval(followMs);
    connect(&m_follow, &QTimer::timeout, this, &TourCard::place);
    hide();
    m_ring->hide();
}

void TourCard::showStep(const TourText& text, int step, int count, QWidget* target)
{
    m_count->setText(tr("Step %1 of %2").arg(step + 1).arg(count));
    m_title->setText(text.title);
    m_text->setText(text.text);
    m_action->setText(text.action);
    m_action->setVisible(!text.action.isEmpty());
    m_back->setEnabled(step > 0);
    m_restart->setVisible(step > 0);
    m_next->setText(step + 1 == count ? tr("Finish") : tr("Next"));
    setAccessibleDescription(text.title + u' ' + text.text);
    m_target = target;
    show();
    place();
    m_next->setFocus();
    m_follow.start();
}

void TourCard::keyPressEvent(QKeyEvent* event)
{
    auto* button = qobject_cast<QPushButton*>(focusWidget());
    switch (event->key()) {
    case Qt::Key_Return:
    case Qt::Key_Enter:
        if (button)
            button->click();
        return;
    case Qt::Key_Right: m_next->click(); return;
    case Qt::Key_Left: m_back->click(); return;
    default: Panel::keyPressEvent(event);
    }
}

void TourCard::leave()
{
    m_follow.stop();
    m_target = nullptr;
    hide();
    if (m_ring)
        m_ring->hide();
}

void TourCard::place()
{
    QWidget* window = parentWidget();
    if (!window || !m_ring)
        return;
    setFixedWidth(std::min(cardWidth, window->width() - 2 * gap));
    const QSize size(width(), layout()->hasHeightForWidth() ? layout()->heightForWidth(width()) : sizeHint().height());
    const QRect inside = window->rect().adjusted(gap, gap, -gap, -gap - space::statusBar);
    QRect wanted(inside.right() - size.width(), inside.bottom() - size.height(), size.width(), size.height());
    const QRect target = m_target ? shownPart(*m_target, *window) : QRect();
    const bool seen = !target.isEmpty();
    if (seen) {
        m_ring->setGeometry(target.adjusted(-3, -3, 3, 3).intersected(window->rect()));
        // Beside the target, below or above it, wherever there is room; else over its far corner.
        const auto within = [&](int x, int y) {
            return QPoint(std::clamp(x, inside.left(), std::max(inside.left(), inside.right() - size.width())),
                          std::clamp(y, inside.top(), std::max(inside.top(), inside.bottom() - size.height())));
        };
        // A wide target is read from the left: the card keeps to its other end.
        const int below = target.width() > window->width() / 2 ? target.right() - size.width() : target.left();
        const std::array places{within(target.right() + gap, target.top()), within(below, target.bottom() + gap),
                                within(target.left() - gap - size.width(), target.top()),
                                within(below, target.top() - gap - size.height())};
        const auto* const found = std::find_if(places.begin(), places.end(),
                                               [&](const QPoint& at) { return !QRect(at, size).intersects(target); });
        wanted.moveTopLeft(found != places.end()
                               ? *found
                               : within(target.right() - size.width() - gap, target.bottom() - size.height() - gap));
    }
    m_ring->setVisible(seen);
    if (geometry() != wanted)
        setGeometry(wanted);
    m_ring->raise();
    raise();
}

}
