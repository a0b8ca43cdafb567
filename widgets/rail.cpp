#include "widgets/rail.h"

#include "widgets/number_text.h"
#include "widgets/state_badge.h"
#include "widgets/theme.h"

#include <QHelpEvent>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QPainter>
#include <QToolTip>

#include <algorithm>
#include <cmath>
#include <utility>

namespace blockcert::widgets {

using namespace Qt::StringLiterals;

namespace {

constexpr int top = 12;
constexpr int gap = 10; // between two steps
constexpr int inset = 6;

// An icon with a word under it.
int stepHeight()
{
    return std::max(56, 43 + QFontMetrics(textFont(TextSize::Axis)).height());
}

// As wide as the longest word in the weight of the current step.
int widthOf(const std::vector<RailStep>& steps)
{
    const QFontMetrics metrics(textFont(TextSize::Axis, TextWeight::Strong));
    int widest = 0;
    for (const RailStep& step : steps)
        widest = std::max(widest, metrics.horizontalAdvance(step.name));
    return std::max(space::rail, widest + 2 * (inset + 3));
}

}

Rail::Rail(QWidget* parent)
    : QWidget(parent)
{
    setFixedWidth(widthOf(m_steps));
    setFocusPolicy(Qt::TabFocus);
    setMouseTracking(true);
    setSizePolicy(QSizePolicy::Fixed, QSizePolicy::Expanding);
    setAccessibleName(tr("Steps"));
}

void Rail::setSteps(std::vector<RailStep> steps)
{
    m_steps = std::move(steps);
    m_current = std::clamp(m_current, 0, std::max(0, static_cast<int>(m_steps.size()) - 1));
    m_focused = m_current;
    setFixedWidth(widthOf(m_steps));
    describe();
}

void Rail::setContent(int step, bool hasContent, std::optional<CheckState> state)
{
    if (step < 0 || step >= static_cast<int>(m_steps.size()))
        return;
    m_steps[static_cast<std::size_t>(step)].hasContent = hasContent;
    m_steps[static_cast<std::size_t>(step)].state = state;
    describe();
}

void Rail::setBusy(int step, bool busy)
{
    if (step < 0 || step >= static_cast<int>(m_steps.size()))
        return;
    m_steps[static_cast<std::size_t>(step)].isBusy = busy;
    describe();
}

void Rail::setStepEnabled(int step, bool enabled)
{
    if (step < 0 || step >= static_cast<int>(m_steps.size()))
        return;
    m_steps[static_cast<std::size_t>(step)].enabled = enabled;
    update();
}

void Rail::setCurrent(int step)
{
    if (step < 0 || step >= static_cast<int>(m_steps.size()))
        return;
    m_current = step;
    m_focused = step;
    describe();
}

void Rail::describe()
{
    if (m_current < static_cast<int>(m_steps.size())) {
        const RailStep& step = m_steps[static_cast<std::size_t>(m_focused)];
        const QString content = step.isBusy       ? tr(", at work")
                                : step.state      ? u", "_s + stateWord(*step.state)
                                : step.hasContent ? tr(", has something to show")
                                                  : QString();
        setAccessibleDescription(tr("%1, step %2 of %3%4%5")
                                     .arg(step.name)
                                     .arg(m_focused + 1)
                                     .arg(m_steps.size())
                                     .arg(m_focused == m_current ? tr(", current") : QString(), content));
    }
    update();
}

QRect Rail::stepRect(int step) const
{
    return {inset, top + step * (stepHeight() + gap), width() - 2 * inset - 1, stepHeight()};
}

QSize Rail::sizeHint() const
{
    return {width(), top + (stepHeight() + gap) * static_cast<int>(m_steps.size())};
}

int Rail::stepAt(const QPoint& point) const
{
    for (int step = 0; step < static_cast<int>(m_steps.size()); ++step)
        if (stepRect(step).contains(point))
            return step;
    return -1;
}

void Rail::choose(int step)
{
    if (step < 0 || step >= static_cast<int>(m_steps.size()) || !m_steps[static_cast<std::size_t>(step)].enabled)
        return;
    setCurrent(step);
    emit chosen(step);
}

void Rail::paintEvent(QPaintEvent*)
{
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    const Tokens& tokens = tokensOf(*this);
    painter.fillRect(rect(), tokens.panel);
    painter.fillRect(QRect(width() - 1, 0, 1, height()), tokens.line);
    for (int i = 0; i < static_cast<int>(m_steps.size()); ++i) {
        const RailStep& step = m_steps[static_cast<std::size_t>(i)];
        const QRectF area(stepRect(i));
        const bool isCurrent = i == m_current;
        if (isCurrent || (i == m_hovered && step.enabled)) {
            painter.setPen(Qt::NoPen);
            painter.setBrush(isCurrent ? tokens.accentFill : tokens.hover);
            painter.drawRoundedRect(area, space::corner, space::corner);
        }
        const QColor ink = isCurrent ? tokens.accent : step.enabled ? tokens.secondary : tokens.faint;
        paintIcon(painter, QRectF(std::round(area.center().x() - 11), area.top() + 7, 22, 22), step.icon, ink);
        painter.setFont(textFont(TextSize::Axis, isCurrent ? TextWeight::Strong : TextWeight::Normal));
        painter.setPen(ink);
        painter.drawText(area.adjusted(-4, 0, 4, -6), Qt::AlignHCenter | Qt::AlignBottom, step.name);
        if (step.isBusy) {
            painter.setPen(QPen(tokens.accent, 2));
            painter.setBrush(Qt::NoBrush);
            painter.drawEllipse(QRectF(area.right() - 10, area.top() + 4, 8, 8).adjusted(1, 1, -1, -1));
        } else if (step.hasContent) {
            // A plain dot says that there is something; failures and weaker claims get their own shape.
            const QRectF dot(area.right() - 10, area.top() + 4, 8, 8);
            if (!step.state || *step.state == CheckState::Verified) {
                painter.setPen(Qt::NoPen);
                painter.setBrush(tokens.verified.ink);
                painter.drawEllipse(dot.adjusted(1, 1, -1, -1));
            } else {
                paintStateGlyph(painter, dot.adjusted(-2, -2, 2, 2), *step.state, tokens);
            }
        }
        if (hasFocus() && i == m_focused)
            paintFocusRing(painter, area, tokens, space::corner);
    }
}

void Rail::mouseMoveEvent(QMouseEvent* event)
{
    const int step = stepAt(event->position().toPoint());
    if (step == m_hovered)
        return;
    m_hovered = step;
    update();
}

void Rail::leaveEvent(QEvent*)
{
    m_hovered = -1;
    update();
}

void Rail::mousePressEvent(QMouseEvent* event)
{
    if (event->button() == Qt::LeftButton)
        choose(stepAt(event->position().toPoint()));
}

void Rail::keyPressEvent(QKeyEvent* event)
{
    const int last = static_cast<int>(m_steps.size()) - 1;
    switch (event->key()) {
    case Qt::Key_Up: m_focused = std::max(0, m_focused - 1); break;
    case Qt::Key_Down: m_focused = std::min(last, m_focused + 1); break;
    case Qt::Key_Home: m_focused = 0; break;
    case Qt::Key_End: m_focused = std::max(0, last); break;
    case Qt::Key_Return:
    case Qt::Key_Enter:
    case Qt::Key_Space: choose(m_focused); return;
    default: event->ignore(); return;
    }
    describe();
}

void Rail::focusInEvent(QFocusEvent* event)
{
    QWidget::focusInEvent(event);
    m_focused = m_current;
    describe();
}

void Rail::focusOutEvent(QFocusEvent* event)
{
    QWidget::focusOutEvent(event);
    update();
}

bool Rail::event(QEvent* event)
{
    if (event->type() == QEvent::ToolTip) {
        const auto* help = static_cast<QHelpEvent*>(event);
        const int step = stepAt(help->pos());
        if (step >= 0)
            QToolTip::showText(help->globalPos(), plainToolTip(m_steps[static_cast<std::size_t>(step)].toolTip), this,
                               stepRect(step));
        else
            QToolTip::hideText();
        return true;
    }
    if (event->type() == QEvent::FontChange)
        setFixedWidth(widthOf(m_steps));
    return QWidget::event(event);
}

}
