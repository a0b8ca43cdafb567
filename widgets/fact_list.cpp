#include "widgets/fact_list.h"

#include "widgets/number_text.h"
#include "widgets/theme.h"

#include <QApplication>
#include <QClipboard>
#include <QContextMenuEvent>
#include <QFontMetrics>
#include <QHelpEvent>
#include <QMenu>
#include <QPainter>
#include <QToolTip>

#include <algorithm>
#include <utility>

namespace blockcert::widgets {

FactList::FactList(QWidget* parent)
    : QWidget(parent)
{
    setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Fixed);
}

void FactList::setFacts(std::vector<Fact> facts)
{
    const bool resized = facts.size() != m_facts.size();
    m_facts = std::move(facts);
    QStringList lines;
    for (const Fact& fact : m_facts)
        lines << tr("%1: %2").arg(fact.label, fact.value);
    setAccessibleDescription(lines.join(QStringLiteral("; ")));
    if (resized)
        updateGeometry();
    update();
}

int FactList::rowHeight() const
{
    return std::max(space::tableRow, QFontMetrics(fixedFont(TextSize::Secondary)).height() + 10);
}

QSize FactList::sizeHint() const
{
    const QFontMetrics labels(textFont(TextSize::Secondary));
    const QFontMetrics values(fixedFont(TextSize::Secondary));
    int width = 0;
    for (const Fact& fact : m_facts)
        width = std::max(width,
                         labels.horizontalAdvance(fact.label) + space::medium + values.horizontalAdvance(fact.value));
    return {width, static_cast<int>(m_facts.size()) * rowHeight()};
}

QSize FactList::minimumSizeHint() const
{
    return {120, sizeHint().height()};
}

void FactList::paintEvent(QPaintEvent*)
{
    QPainter painter(this);
    const Tokens& tokens = tokensOf(*this);
    const QFont labelFont = textFont(TextSize::Secondary);
    const QFont valueFont = fixedFont(TextSize::Secondary);
    const QFontMetrics labels(labelFont);
    const QFontMetrics values(valueFont);
    const int height = rowHeight();
    for (std::size_t i = 0; i < m_facts.size(); ++i) {
        const Fact& fact = m_facts[i];
        const QRect row(0, static_cast<int>(i) * height, width(), height);
        const int label = std::min(labels.horizontalAdvance(fact.label), row.width() * 3 / 5);
        const QRect valueRect = row.adjusted(label + space::small, 0, 0, 0);
        painter.setFont(labelFont);
        painter.setPen(tokens.secondary);
        painter.drawText(row, Qt::AlignLeft | Qt::AlignVCenter,
                         labels.elidedText(fact.label, Qt::ElideRight, label + 1));
        painter.setFont(fact.missing ? labelFont : valueFont);
        painter.setPen(fact.missing ? tokens.secondary : tokens.text);
        const QFontMetrics& metrics = fact.missing ? labels : values;
        painter.drawText(valueRect, Qt::AlignRight | Qt::AlignVCenter,
                         metrics.elidedText(fact.value, Qt::ElideRight, valueRect.width()));
        if (i + 1 < m_facts.size())
            painter.fillRect(QRect(0, row.bottom(), width(), 1), tokens.line);
    }
}

void FactList::changeEvent(QEvent* event)
{
    if (event->type() == QEvent::FontChange || event->type() == QEvent::StyleChange)
        updateGeometry();
    QWidget::changeEvent(event);
}

bool FactList::event(QEvent* event)
{
    if (event->type() == QEvent::ToolTip) {
        const auto* help = static_cast<QHelpEvent*>(event);
        const int row = help->pos().y() / rowHeight();
        if (row >= 0 && row < static_cast<int>(m_facts.size())) {
            const Fact& fact = m_facts[static_cast<std::size_t>(row)];
            const QString text = fact.toolTip.isEmpty() ? fact.value : tr("%1\n%2").arg(fact.value, fact.toolTip);
            QToolTip::showText(help->globalPos(), plainToolTip(text), this);
        }
        return true;
    }
    return QWidget::event(event);
}

void FactList::copyRow(int row) const
{
    if (row >= 0 && row < static_cast<int>(m_facts.size()))
        QApplication::clipboard()->setText(m_facts[static_cast<std::size_t>(row)].value);
}

void FactList::contextMenuEvent(QContextMenuEvent* event)
{
    const int row = event->pos().y() / rowHeight();
    if (row < 0 || row >= static_cast<int>(m_facts.size()))
        return;
    QMenu menu(this);
    const QAction* copy = menu.addAction(tr("Copy value"));
    const QAction* copyAll = menu.addAction(tr("Copy all"));
    const QAction* chosen = menu.exec(event->globalPos());
    if (chosen == copy)
        copyRow(row);
    else if (chosen == copyAll)
        copyEverything();
}

void FactList::copyEverything() const
{
    QStringList lines;
    for (const Fact& fact : m_facts)
        lines << fact.label + u'\t' + fact.value;
    QApplication::clipboard()->setText(lines.join(u'\n'));
}

}
