#include "widgets/tour_card.h"

#include "widgets/icons.h"
#include "widgets/theme.h"

#include <QHBoxLayout>
#include <QKeyEvent>
#include <QLabel>
#include <QPainter>
#include <QPushButton>
#include <QScrollArea>
#include <QVBoxLayout>

#include <utility>

namespace blockcert::widgets {

namespace {

constexpr int followMs = 120; // layouts settle, pages scroll: the ring looks where its target is

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
    : m_window(window)
    , m_count(makeLabel({}, TextSize::Secondary, TextWeight::Normal, TextTone::Secondary))
    , m_title(makeLabel({}, TextSize::Title, TextWeight::Strong))
    , m_text(makeLabel({}, TextSize::Body))
    , m_action(new QPushButton)
    , m_restart(new QPushButton(tr("Start over")))
    , m_back(new QPushButton(tr("Back")))
    , m_next(new QPushButton(tr("Next")))
    , m_ring(new TourRing(window))
{
    auto* panel = new Panel;
    panel->setSelected(true);
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
    auto* words = new QVBoxLayout;
    words->setSpacing(space::tiny);
    words->addWidget(m_title);
    words->addWidget(m_text);
    words->addStretch(1);
    auto* head = new QHBoxLayout;
    head->addStretch(1);
    head->addWidget(m_count);
    head->addWidget(close);
    auto* buttons = new QHBoxLayout;
    buttons->setSpacing(space::small);
    buttons->addStretch(1);
    buttons->addWidget(m_restart);
    buttons->addWidget(m_back);
    buttons->addWidget(m_next);
    auto* right = new QVBoxLayout;
    right->setSpacing(space::small);
    right->addLayout(head);
    right->addWidget(m_action, 0, Qt::AlignRight);
    right->addStretch(1);
    right->addLayout(buttons);
    auto* layout = new QHBoxLayout(panel);
    layout->setContentsMargins(space::large, space::small, space::medium, space::medium);
    layout->setSpacing(space::huge);
    layout->addLayout(words, 1);
    layout->addLayout(right);
    auto* around = new QVBoxLayout(this); // its margins go with it when it is hidden
    around->setContentsMargins(space::medium, 0, space::medium, space::small);
    around->addWidget(panel);
    QSizePolicy policy(QSizePolicy::Preferred, QSizePolicy::Fixed);
    policy.setHeightForWidth(true);
    setSizePolicy(policy);
    for (QPushButton* button : {m_action, m_restart, m_back, m_next, close})
        button->installEventFilter(this);
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
    m_isRevealed = false;
    show();
    m_ring->raise();
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
    default: QWidget::keyPressEvent(event);
    }
}

// A button would take the arrows for itself and move the focus out of the card.
bool TourCard::eventFilter(QObject* watched, QEvent* event)
{
    if (event->type() == QEvent::KeyPress) {
        auto* key = static_cast<QKeyEvent*>(event);
        if (key->key() == Qt::Key_Right || key->key() == Qt::Key_Left) {
            keyPressEvent(key);
            return true;
        }
    }
    return QWidget::eventFilter(watched, event);
}

void TourCard::leave()
{
    m_follow.stop();
    m_target = nullptr;
    hide();
    if (m_ring)
        m_ring->hide();
}

// Only once a step: whoever scrolls away afterwards wants to.
void TourCard::reveal()
{
    for (QWidget* above = m_target->parentWidget(); above; above = above->parentWidget())
        if (auto* area = qobject_cast<QScrollArea*>(above))
            area->ensureWidgetVisible(m_target, 0, 0);
}

// What floats over the window, such as the palette, lies over the ring as well: that is raised with its step alone.
void TourCard::place()
{
    if (!m_ring)
        return;
    const QRect target = m_target ? shownPart(*m_target, *m_window) : QRect();
    if (!target.isEmpty())
        m_ring->setGeometry(target.adjusted(-3, -3, 3, 3).intersected(m_window->rect()));
    m_ring->setVisible(!target.isEmpty());
    if (m_follow.isActive() && m_target && m_target->isVisible() && !std::exchange(m_isRevealed, true))
        reveal(); // the page has made room for the card by now
}

}
