#include "app/workbench/pages/block_picker.h"

#include "widgets/theme.h"

#include <QKeyEvent>
#include <QMouseEvent>
#include <QPainter>
#include <QSizePolicy>

#include <algorithm>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;

namespace {

constexpr int cell = 30;
constexpr int smallestCell = 24; // so that a lane of usual length needs one row
constexpr int gap = 4;

}

BlockPicker::BlockPicker(QWidget* parent)
    : QWidget(parent)
{
    setFocusPolicy(Qt::StrongFocus);
    setMouseTracking(true);
    QSizePolicy policy(QSizePolicy::Expanding, QSizePolicy::Minimum);
    policy.setHeightForWidth(true);
    setSizePolicy(policy);
    setAccessibleName(tr("Blocks to measure"));
}

void BlockPicker::setLayers(int layers)
{
    m_chosen.assign(static_cast<std::size_t>(std::max(layers, 0)), true);
    m_cursor = 0;
    describe();
    updateGeometry();
    update();
}

void BlockPicker::setChosen(const std::vector<int>& blocks)
{
    std::fill(m_chosen.begin(), m_chosen.end(), false);
    for (const int block : blocks) {
        if (block >= 0 && block < layers())
            m_chosen[static_cast<std::size_t>(block)] = true;
    }
    describe();
    update();
}

std::vector<int> BlockPicker::chosen() const
{
    std::vector<int> blocks;
    for (int block = 0; block < layers(); ++block) {
        if (m_chosen[static_cast<std::size_t>(block)])
            blocks.push_back(block);
    }
    return blocks;
}

void BlockPicker::describe()
{
    setAccessibleDescription(tr("%1 of %2 blocks chosen; block %3 is current")
                                 .arg(std::count(m_chosen.begin(), m_chosen.end(), true))
                                 .arg(m_chosen.size())
                                 .arg(m_cursor));
}

int BlockPicker::cellSize(int width) const
{
    const int fitting = layers() > 0 ? (width + gap) / layers() - gap : cell;
    return fitting >= smallestCell ? std::min(fitting, cell) : cell;
}

int BlockPicker::columns(int width) const
{
    return std::max(1, (width + gap) / (cellSize(width) + gap));
}

int BlockPicker::heightForWidth(int width) const
{
    const int rows = (layers() + columns(width) - 1) / columns(width);
    return std::max(1, rows) * (cellSize(width) + gap) - gap;
}

QSize BlockPicker::sizeHint() const
{
    return {10 * (cell + gap), heightForWidth(std::max(width(), 10 * (cell + gap)))};
}

QSize BlockPicker::minimumSizeHint() const
{
    return {4 * (cell + gap), cell};
}

QRect BlockPicker::cellRect(int block) const
{
    const int across = columns(width());
    const int size = cellSize(width());
    return {(block % across) * (size + gap), (block / across) * (size + gap), size, size};
}

int BlockPicker::blockAt(const QPoint& point) const
{
    for (int block = 0; block < layers(); ++block) {
        if (cellRect(block).contains(point))
            return block;
    }
    return -1;
}

void BlockPicker::set(int block, bool chosen)
{
    if (m_chosen[static_cast<std::size_t>(block)] == chosen)
        return;
    m_chosen[static_cast<std::size_t>(block)] = chosen;
    describe();
    update();
    emit chosenChanged();
}

void BlockPicker::paintEvent(QPaintEvent*)
{
    const widgets::Tokens& tokens = widgets::tokensOf(*this);
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setFont(widgets::fixedFont(widgets::TextSize::Secondary));
    for (int block = 0; block < layers(); ++block) {
        const QRectF rect = QRectF(cellRect(block)).adjusted(0.5, 0.5, -0.5, -0.5);
        const bool isChosen = m_chosen[static_cast<std::size_t>(block)];
        painter.setPen(isChosen ? tokens.accent : tokens.line);
        painter.setBrush(isChosen ? tokens.accentFill : block == m_hovered ? tokens.hover : tokens.panel);
        painter.drawRoundedRect(rect, 4, 4);
        painter.setPen(isChosen ? tokens.accent : tokens.secondary);
        painter.drawText(rect, Qt::AlignCenter, QString::number(block));
        if (hasFocus() && block == m_cursor)
            widgets::paintFocusRing(painter, rect, tokens);
    }
}

void BlockPicker::mousePressEvent(QMouseEvent* event)
{
    const int block = blockAt(event->position().toPoint());
    if (block < 0 || event->button() != Qt::LeftButton)
        return;
    if (event->modifiers() & Qt::ShiftModifier) {
        const bool chosen = m_chosen[static_cast<std::size_t>(m_cursor)];
        for (int between = std::min(block, m_cursor); between <= std::max(block, m_cursor); ++between)
            set(between, chosen);
    } else {
        m_paintsChosen = !m_chosen[static_cast<std::size_t>(block)];
        set(block, m_paintsChosen);
    }
    m_cursor = block;
    update();
}

void BlockPicker::mouseMoveEvent(QMouseEvent* event)
{
    const int block = blockAt(event->position().toPoint());
    if (block != m_hovered) {
        m_hovered = block;
        setToolTip(block < 0 ? QString() : tr("Block %1").arg(block));
        update();
    }
    if (block >= 0 && (event->buttons() & Qt::LeftButton) && !(event->modifiers() & Qt::ShiftModifier)) {
        m_cursor = block;
        set(block, m_paintsChosen);
    }
}

void BlockPicker::leaveEvent(QEvent*)
{
    m_hovered = -1;
    update();
}

void BlockPicker::keyPressEvent(QKeyEvent* event)
{
    if (layers() == 0) {
        QWidget::keyPressEvent(event);
        return;
    }
    const int across = columns(width());
    int next = m_cursor;
    switch (event->key()) {
    case Qt::Key_Left: next -= 1; break;
    case Qt::Key_Right: next += 1; break;
    case Qt::Key_Up: next -= across; break;
    case Qt::Key_Down: next += across; break;
    case Qt::Key_Home: next = 0; break;
    case Qt::Key_End: next = layers() - 1; break;
    case Qt::Key_Space:
    case Qt::Key_Select: set(m_cursor, !m_chosen[static_cast<std::size_t>(m_cursor)]); return;
    default: QWidget::keyPressEvent(event); return;
    }
    next = std::clamp(next, 0, layers() - 1);
    if (event->modifiers() & Qt::ShiftModifier) {
        const bool chosen = m_chosen[static_cast<std::size_t>(m_cursor)];
        for (int between = std::min(next, m_cursor); between <= std::max(next, m_cursor); ++between)
            set(between, chosen);
    }
    m_cursor = next;
    describe();
    update();
}

void BlockPicker::focusInEvent(QFocusEvent*)
{
    update();
}

void BlockPicker::focusOutEvent(QFocusEvent*)
{
    update();
}

}
