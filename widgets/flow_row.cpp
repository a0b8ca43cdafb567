#include "widgets/flow_row.h"

#include "widgets/theme.h"

#include <algorithm>

namespace blockcert::widgets {

FlowRow::FlowRow(QWidget* parent)
    : QLayout(parent)
{
    setContentsMargins(0, 0, 0, 0);
    setSpacing(space::small);
}

FlowRow::~FlowRow()
{
    qDeleteAll(m_items);
}

void FlowRow::startEnd()
{
    m_end = static_cast<int>(m_items.size());
}

void FlowRow::addItem(QLayoutItem* item)
{
    m_items.append(item);
}

int FlowRow::count() const
{
    return static_cast<int>(m_items.size());
}

QLayoutItem* FlowRow::itemAt(int index) const
{
    return m_items.value(index);
}

QLayoutItem* FlowRow::takeAt(int index)
{
    if (index < 0 || index >= m_items.size())
        return nullptr;
    if (index < m_end)
        --m_end;
    return m_items.takeAt(index);
}

Qt::Orientations FlowRow::expandingDirections() const
{
    return Qt::Horizontal;
}

bool FlowRow::hasHeightForWidth() const
{
    return true;
}

int FlowRow::heightForWidth(int width) const
{
    return place(QRect(0, 0, width, 0), true);
}

QSize FlowRow::sizeHint() const
{
    QSize size;
    for (const QLayoutItem* item : m_items)
        if (!item->isEmpty())
            size = QSize(size.width() + (size.isEmpty() ? 0 : spacing()) + item->sizeHint().width(),
                         std::max(size.height(), item->sizeHint().height()));
    return size;
}

QSize FlowRow::minimumSize() const
{
    QSize size;
    for (const QLayoutItem* item : m_items)
        if (!item->isEmpty())
            size = size.expandedTo(item->minimumSize());
    return size;
}

void FlowRow::setGeometry(const QRect& rect)
{
    QLayout::setGeometry(rect);
    place(rect, false);
}

int FlowRow::place(const QRect& rect, bool isTrial) const
{
    struct Line {
        QList<int> items;
        int width = 0;
        int height = 0;
    };

    QList<Line> lines;
    const auto add = [&](int at, bool startsLine) {
        const QSize size = m_items[at]->sizeHint();
        if (lines.isEmpty() || startsLine || lines.last().width + spacing() + size.width() > rect.width())
            lines.append(Line{});
        Line& line = lines.last();
        line.width += (line.items.isEmpty() ? 0 : spacing()) + size.width();
        line.height = std::max(line.height, size.height());
        line.items.append(at);
    };
    const bool isOneLine = sizeHint().width() <= rect.width();
    bool hasEnd = false;
    for (int at = 0; at < m_items.size(); ++at) {
        if (m_items[at]->isEmpty())
            continue;
        const bool startsEnd = m_end >= 0 && at >= m_end && !hasEnd;
        hasEnd = hasEnd || startsEnd;
        add(at, startsEnd && !isOneLine); // the end is a line of its own before it is torn
    }
    int top = rect.top();
    for (const Line& line : lines) {
        int left = rect.left();
        bool isEnd = false;
        for (const int at : line.items) {
            QLayoutItem* item = m_items[at];
            const QSize size = item->sizeHint().boundedTo(QSize(rect.width(), QLAYOUTSIZE_MAX));
            if (m_end >= 0 && at >= m_end && !isEnd && isOneLine)
                left = std::max(left, rect.right() + 1 - (line.width - (left - rect.left())));
            isEnd = isEnd || (m_end >= 0 && at >= m_end);
            if (!isTrial)
                item->setGeometry(QRect(QPoint(left, top + (line.height - size.height()) / 2), size));
            left += size.width() + spacing();
        }
        top += line.height + spacing();
    }
    return std::max(0, top - spacing() - rect.top());
}

}
