// How the map answers pointer, wheel and keyboard.
#include "widgets/error_legend.h"
#include "widgets/number_text.h"
#include "widgets/token_heatmap.h"
#include "widgets/token_hover_card.h"

#include <QApplication>
#include <QClipboard>
#include <QCursor>
#include <QHelpEvent>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QScrollBar>
#include <QToolTip>
#include <QWheelEvent>

#include <cmath>

namespace blockcert::widgets {

bool TokenHeatmap::viewportEvent(QEvent* event)
{
    if (event->type() == QEvent::Leave)
        setHovered({}, {});
    if (event->type() == QEvent::ToolTip && m_map && m_grid.columns() > 0) {
        // The marginals explain themselves: largest, mean and coverage of the column under the pointer.
        const auto* help = static_cast<QHelpEvent*>(event);
        const QRect area = cellArea();
        const double x = toContent(help->pos()).x();
        if (help->pos().y() < area.top() && x >= 0 && x < m_grid.contentSize().width()) {
            const int column = m_grid.columnAt(x);
            const Marginal& marginal = m_values.columnMarginal(column);
            const int block = m_map->blocks[static_cast<std::size_t>(column)];
            QString text = tr("Block %1: not measured").arg(block);
            if (marginal.measured > 0) {
                text = (m_scale.hasThreshold() ? tr("Block %1: largest %2, mean %3 over %4 tokens")
                                               : tr("Block %1: smallest %2, mean %3 over %4 tokens"))
                           .arg(block)
                           .arg(exactNumber(marginal.extreme), exactNumber(marginal.mean))
                           .arg(countText(marginal.measured));
                if (m_scale.hasThreshold())
                    text += tr("; %1 within %2").arg(countText(marginal.covered), thresholdSymbol(m_metric));
            }
            QToolTip::showText(help->globalPos(), text, this);
            return true;
        }
        QToolTip::hideText();
    }
    return QAbstractScrollArea::viewportEvent(event);
}

void TokenHeatmap::resizeEvent(QResizeEvent* event)
{
    QAbstractScrollArea::resizeEvent(event);
    measureMargins();
    relayout();
}

void TokenHeatmap::scrollContentsBy(int, int)
{
    hideCard();
    viewport()->update();
}

void TokenHeatmap::wheelEvent(QWheelEvent* event)
{
    if ((event->modifiers() & Qt::ControlModifier) != 0) {
        const double notches = event->angleDelta().y() / 120.0;
        zoomAt(event->position(), std::pow(1.2, notches), (event->modifiers() & Qt::ShiftModifier) != 0);
        event->accept();
        return;
    }
    if ((event->modifiers() & Qt::ShiftModifier) != 0 && horizontalScrollBar()->maximum() > 0) {
        horizontalScrollBar()->setValue(horizontalScrollBar()->value() - event->angleDelta().y());
        event->accept();
        return;
    }
    QAbstractScrollArea::wheelEvent(event);
}

void TokenHeatmap::setHovered(const CellKey& key, const QPoint& globalPosition)
{
    if (key == m_hovered)
        return;
    m_hovered = key;
    viewport()->update();
    // The inspector already shows the held cell; every other one can be compared with it.
    if (!key.isValid() || key == m_held) {
        hideCard();
    } else if (m_card->isVisible()) {
        m_card->showCell(*m_map, key, m_metric, globalPosition);
    } else {
        m_cardTimer.start();
    }
    emit hovered(key);
}

void TokenHeatmap::showCard()
{
    const QPoint pointer = QCursor::pos();
    if (m_map && m_hovered.isValid() && m_hovered != m_held &&
        cellAt(viewport()->mapFromGlobal(QPointF(pointer))) == m_hovered)
        m_card->showCell(*m_map, m_hovered, m_metric, pointer);
}

void TokenHeatmap::hideCard()
{
    m_cardTimer.stop();
    m_card->hide();
}

void TokenHeatmap::mouseMoveEvent(QMouseEvent* event)
{
    if (m_panning) {
        const QPointF delta = event->position() - m_panFrom;
        m_panFrom = event->position();
        horizontalScrollBar()->setValue(horizontalScrollBar()->value() - qRound(delta.x()));
        verticalScrollBar()->setValue(verticalScrollBar()->value() - qRound(delta.y()));
        return;
    }
    setHovered(cellAt(event->position()).value_or(CellKey{}), event->globalPosition().toPoint());
}

void TokenHeatmap::mousePressEvent(QMouseEvent* event)
{
    if (event->button() == Qt::MiddleButton) {
        m_panning = true;
        m_panFrom = event->position();
        viewport()->setCursor(Qt::ClosedHandCursor);
        return;
    }
    if (event->button() != Qt::LeftButton)
        return;
    if (const auto key = cellAt(event->position()))
        hold(*key);
    else
        release();
}

void TokenHeatmap::mouseReleaseEvent(QMouseEvent* event)
{
    if (event->button() == Qt::MiddleButton && m_panning) {
        m_panning = false;
        viewport()->unsetCursor();
    }
}

void TokenHeatmap::mouseDoubleClickEvent(QMouseEvent* event)
{
    if (const auto key = cellAt(event->position()))
        emit activated(*key);
}

void TokenHeatmap::keyPressEvent(QKeyEvent* event)
{
    const bool control = (event->modifiers() & Qt::ControlModifier) != 0;
    const int everything = static_cast<int>(m_grid.rows().size()) + m_grid.columns();
    if (event->matches(QKeySequence::Copy)) {
        if (m_current.isValid())
            QApplication::clipboard()->setText(cellJson(m_current));
        return;
    }
    switch (event->key()) {
    case Qt::Key_Up: moveCursor(control ? -everything : -1, 0); return;
    case Qt::Key_Down: moveCursor(control ? everything : 1, 0); return;
    case Qt::Key_Left: moveCursor(0, control ? -everything : -1); return;
    case Qt::Key_Right: moveCursor(0, control ? everything : 1); return;
    case Qt::Key_PageUp: moveCursor(-rowsPerPage(), 0); return;
    case Qt::Key_PageDown: moveCursor(rowsPerPage(), 0); return;
    case Qt::Key_Home: moveCursor(control ? -everything : 0, -everything); return;
    case Qt::Key_End: moveCursor(control ? everything : 0, everything); return;
    case Qt::Key_N: visitUncovered(true); return;
    case Qt::Key_P: visitUncovered(false); return;
    case Qt::Key_Space: isHeld() ? release() : hold(m_current); return;
    case Qt::Key_Return:
    case Qt::Key_Enter:
        if (m_current.isValid())
            emit activated(m_current);
        return;
    case Qt::Key_Escape:
        if (isHeld()) {
            release();
            return;
        }
        break;
    case Qt::Key_Plus: zoomAt(QRectF(cellArea()).center(), 1.2, false); return;
    case Qt::Key_Minus: zoomAt(QRectF(cellArea()).center(), 1 / 1.2, false); return;
    case Qt::Key_0: resetZoom(); return;
    case Qt::Key_F: zoomToFit(); return;
    default: break;
    }
    event->ignore(); // the window's shortcuts
}

void TokenHeatmap::focusInEvent(QFocusEvent* event)
{
    QAbstractScrollArea::focusInEvent(event);
    // Arriving with Tab puts the cursor somewhere visible.
    if (!m_current.isValid() && event->reason() != Qt::MouseFocusReason)
        moveCursor(0, 0);
    viewport()->update();
}

void TokenHeatmap::focusOutEvent(QFocusEvent* event)
{
    QAbstractScrollArea::focusOutEvent(event);
    hideCard();
    viewport()->update();
}

void TokenHeatmap::changeEvent(QEvent* event)
{
    QAbstractScrollArea::changeEvent(event);
    if (event->type() == QEvent::PaletteChange || event->type() == QEvent::FontChange ||
        event->type() == QEvent::StyleChange) {
        measureMargins();
        relayout();
    }
}

}
