#include "app/workbench/shell/page_frame.h"

#include <QEvent>
#include <QScrollBar>

namespace blockcert::workbench {

PageFrame::PageFrame(QWidget* page)
{
    setFrameShape(QFrame::NoFrame);
    setFocusPolicy(Qt::NoFocus);
    setFocusProxy(page);
    setProperty("surface", QStringLiteral("window")); // beside the scroll bars
    viewport()->setAutoFillBackground(false);
    setWidget(page);
    page->setAutoFillBackground(false); // QScrollArea::setWidget turns it on
}

QSize PageFrame::minimumSizeHint() const
{
    return {360, 160};
}

bool PageFrame::event(QEvent* event)
{
    const bool done = QScrollArea::event(event);
    if (event->type() == QEvent::LayoutRequest)
        fit();
    return done;
}

bool PageFrame::eventFilter(QObject* watched, QEvent* event)
{
    const bool done = QScrollArea::eventFilter(watched, event);
    if (watched == widget() && event->type() == QEvent::LayoutRequest)
        fit();
    return done;
}

void PageFrame::resizeEvent(QResizeEvent* event)
{
    fit();
    QScrollArea::resizeEvent(event);
}

// Not QScrollArea's own way (widgetResizable): that takes the height that the page would like for its width, and so
// scrolls where tables could do with less.
void PageFrame::fit()
{
    const QSize least = widget()->minimumSizeHint();
    QSize room = maximumViewportSize();
    const int bar = verticalScrollBar()->sizeHint().width();
    const bool isTooLow = least.height() > room.height();
    const bool isTooNarrow = least.width() > room.width() - (isTooLow ? bar : 0);
    if (isTooNarrow)
        room.rheight() -= horizontalScrollBar()->sizeHint().height();
    if (least.height() > room.height())
        room.rwidth() -= bar;
    widget()->resize(room.expandedTo(least));
}

}
