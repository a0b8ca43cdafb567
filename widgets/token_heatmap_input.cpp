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

#include <algorithm>
#include <cmath>
#include <utility>

namespace blockcert::widgets {

bool TokenHeatmap::viewportEvent(QEvent* event)
{
    if (event->type() == QEvent::Leave)
        setHovered({}, {});
    if (event->type() == QEvent::ToolTip && m_map && m_grid.columns() > 0) {
        // The marginals explain themselves: largest, mean and coverage of what is under the pointer.
        const auto* help = static_cast<QHelpEvent*>(event);
        const QRect area = cellArea();
        const double x = toContent(help->pos()).x();
        if (help->pos().y() < area.top() && x >= 0 && x < m_grid.contentSize().width()) {
            const int column = m_grid.columnAt(x);
            const Marginal& marginal = m_values.columnMarginal(column);
            QToolTip::showText(help->globalPos(), marginalText(tr("Block %1").arg(blockAt(column)), marginal), this);
            return true;
        }
        const double right = area.left() + std::min<double>(area.width(), m_grid.contentSize().width());
        const bool isBeside = m_margins.rowMarginals && help->pos().x() > right &&
                              help->pos().x() <= right + m_margins.right && !minimapRect().contains(help->pos());
        const double y = toContent(help->pos()).y();
        if (isBeside && help->pos().y() >= area.top() && y < m_grid.contentSize().height()) {
            const HeatmapRow& row = m_grid.rows()[static_cast<std::size_t>(m_grid.rowAt(y))];
            if (!row.isHeading())
                QToolTip::showText(
                    help->globalPos(),
                    marginalText(row.token >= 0 ? tr("Token %1").arg(row.token) : tr("Prompt %1").arg(row.prompt),
                                 m_values.rowMarginal(m_grid.rowAt(y))),
                    this);
            return true;
        }
        QToolTip::hideText();
    }
    return QAbstractScrollArea::viewportEvent(event);
}

QString TokenHeatmap::marginalText(const QString& where, const Marginal& marginal) const
{
    if (marginal.measured == 0)
        return tr("%1: not measured").arg(where);
    if (m_scale.isCoverage())
        return tr("%1: %2 of %3 tokens covered, %4")
            .arg(where, countText(marginal.covered), countText(marginal.measured),
                 coverageText(marginal.covered, marginal.measured));
    QString text =
        (m_scale.striking() == Striking::Large ? tr("%1: largest %2, mean %3 over %4 measurements")
                                               : tr("%1: smallest %2, mean %3 over %4 measurements"))
            .arg(where, exactNumber(marginal.extreme), exactNumber(marginal.mean), countText(marginal.measured));
    if (m_scale.hasThreshold())
        text += tr("; %1 within %2").arg(countText(marginal.covered), thresholdSymbol(m_metric));
    return text;
}

void TokenHeatmap::resizeEvent(QResizeEvent* event)
{
    QAbstractScrollArea::resizeEvent(event);
    fitView();
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
    dragTo(event->position());
    if (m_drag == Drag::None)
        setHovered(cellAt(event->position()).value_or(CellKey{}), event->globalPosition().toPoint());
}

void TokenHeatmap::dragTo(const QPointF& point)
{
    switch (m_drag) {
    case Drag::None: return;
    case Drag::Minimap: showMinimapAt(point); return;
    case Drag::Pan: {
        const QPointF delta = point - m_dragFrom;
        m_dragFrom = point;
        horizontalScrollBar()->setValue(horizontalScrollBar()->value() - qRound(delta.x()));
        verticalScrollBar()->setValue(verticalScrollBar()->value() - qRound(delta.y()));
        return;
    }
    case Drag::Press:
        if ((point - m_dragFrom).manhattanLength() < QApplication::startDragDistance())
            return;
        m_drag = Drag::Select;
        setHovered({}, {});
        [[fallthrough]];
    case Drag::Select: {
        const GridPosition end = nearestCell(point);
        selectTo(end);
        ensureVisible(end); // a drag beyond the edge scrolls on
        return;
    }
    }
}

void TokenHeatmap::mousePressEvent(QMouseEvent* event)
{
    m_dragFrom = event->position();
    if (event->button() == Qt::MiddleButton) {
        m_drag = Drag::Pan;
        viewport()->setCursor(Qt::ClosedHandCursor);
        return;
    }
    if (event->button() != Qt::LeftButton)
        return;
    if (minimapRect().contains(event->position().toPoint())) {
        m_drag = Drag::Minimap;
        showMinimapAt(event->position());
        return;
    }
    const auto key = cellAt(event->position());
    if (!key) {
        select(std::nullopt);
        release();
        return;
    }
    hideCard();
    const GridPosition position = nearestCell(event->position());
    const auto current = positionOf(m_current);
    if ((event->modifiers() & Qt::ShiftModifier) != 0 && current) {
        if (!m_selection)
            m_anchor = *current;
        selectTo(position);
        return;
    }
    m_anchor = position;
    m_drag = Drag::Press;
}

void TokenHeatmap::mouseReleaseEvent(QMouseEvent* event)
{
    const Drag drag = std::exchange(m_drag, Drag::None);
    if (drag == Drag::Pan)
        viewport()->unsetCursor();
    // A press that did not become a drag is a click.
    if (drag != Drag::Press || event->button() != Qt::LeftButton)
        return;
    select(std::nullopt);
    if (const auto key = cellAt(event->position()))
        hold(*key);
}

void TokenHeatmap::mouseDoubleClickEvent(QMouseEvent* event)
{
    if (const auto key = cellAt(event->position()))
        emit activated(*key);
}

void TokenHeatmap::keyPressEvent(QKeyEvent* event)
{
    const bool control = (event->modifiers() & Qt::ControlModifier) != 0;
    const bool extend = (event->modifiers() & Qt::ShiftModifier) != 0;
    const int everything = static_cast<int>(m_grid.rows().size()) + m_grid.columns();
    if (event->matches(QKeySequence::Copy)) {
        if (m_selection)
            QApplication::clipboard()->setText(selectionText());
        else if (m_current.isValid())
            QApplication::clipboard()->setText(cellJson(m_current));
        return;
    }
    switch (event->key()) {
    case Qt::Key_Up: moveCursor(control ? -everything : -1, 0, extend); return;
    case Qt::Key_Down: moveCursor(control ? everything : 1, 0, extend); return;
    case Qt::Key_Left: moveCursor(0, control ? -everything : -1, extend); return;
    case Qt::Key_Right: moveCursor(0, control ? everything : 1, extend); return;
    case Qt::Key_PageUp: moveCursor(-rowsPerPage(), 0, extend); return;
    case Qt::Key_PageDown: moveCursor(rowsPerPage(), 0, extend); return;
    case Qt::Key_Home: moveCursor(control ? -everything : 0, -everything, extend); return;
    case Qt::Key_End: moveCursor(control ? everything : 0, everything, extend); return;
    case Qt::Key_N: visitUncovered(true); return;
    case Qt::Key_P: visitUncovered(false); return;
    case Qt::Key_Space: isHeld() ? release() : hold(m_current); return;
    case Qt::Key_Return:
    case Qt::Key_Enter:
        if (m_current.isValid())
            emit activated(m_current);
        return;
    case Qt::Key_Escape:
        m_drag = m_drag == Drag::Select ? Drag::None : m_drag;
        if (m_selection) {
            select(std::nullopt);
            return;
        }
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
        moveCursor(0, 0, false);
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
        event->type() == QEvent::StyleChange)
        fitView();
}

}
