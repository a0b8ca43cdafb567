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
#include <QRegularExpression>
#include <QToolTip>

#include <algorithm>
#include <utility>

namespace blockcert::widgets {

namespace {

// A number, or a count with its interval ("1 of 2 [0.09, 0.91]"): half of it would be another number.
bool isWhole(const QString& value)
{
    static const QRegularExpression counted(
        QStringLiteral("^[\\d\\x{202f}]+ \\S+ [\\d\\x{202f}]+( \\[[\\d.]+, [\\d.]+\\])?$"));
    return isNumberText(value) || counted.match(value).hasMatch();
}

QFont valueFont(const Fact& fact)
{
    return fact.missing ? textFont(TextSize::Secondary) : fixedFont(TextSize::Secondary);
}

}

FactList::FactList(QWidget* parent)
    : QWidget(parent)
{
    setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Fixed);
}

void FactList::setFacts(std::vector<Fact> facts)
{
    const QSize before = minimumSizeHint();
    m_facts = std::move(facts);
    QStringList lines;
    for (const Fact& fact : m_facts)
        lines << shownText(tr("%1: %2").arg(fact.label, fact.value));
    setAccessibleDescription(lines.join(QStringLiteral("; ")));
    if (minimumSizeHint() != before)
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
    int width = 120;
    for (const Fact& fact : m_facts) {
        if (isWhole(fact.value))
            width = std::max(width, QFontMetrics(valueFont(fact)).horizontalAdvance(fact.value));
    }
    return {width, sizeHint().height()};
}

// A number takes what it needs; words leave the label three fifths.
int FactList::labelWidth(int row) const
{
    const Fact& fact = m_facts[static_cast<std::size_t>(row)];
    const int wanted = QFontMetrics(textFont(TextSize::Secondary)).horizontalAdvance(fact.label) + 1;
    const int value = QFontMetrics(valueFont(fact)).horizontalAdvance(fact.value) + 1;
    const int left = width() - space::small - value;
    return std::clamp(wanted, 0, std::max(left, isWhole(fact.value) ? 0 : width() * 3 / 5));
}

QString FactList::shownLabel(int row) const
{
    return QFontMetrics(textFont(TextSize::Secondary))
        .elidedText(shownName(m_facts[static_cast<std::size_t>(row)].label), Qt::ElideRight, labelWidth(row));
}

QString FactList::shownValue(int row) const
{
    const Fact& fact = m_facts[static_cast<std::size_t>(row)];
    if (isWhole(fact.value))
        return fact.value;
    return QFontMetrics(valueFont(fact))
        .elidedText(shownName(fact.value), Qt::ElideRight, width() - labelWidth(row) - space::small);
}

void FactList::paintEvent(QPaintEvent*)
{
    QPainter painter(this);
    const Tokens& tokens = tokensOf(*this);
    const int height = rowHeight();
    for (int i = 0; i < static_cast<int>(m_facts.size()); ++i) {
        const Fact& fact = m_facts[static_cast<std::size_t>(i)];
        const QRect row(0, i * height, width(), height);
        painter.setFont(textFont(TextSize::Secondary));
        painter.setPen(tokens.secondary);
        painter.drawText(row, Qt::AlignLeft | Qt::AlignVCenter, shownLabel(i));
        painter.setFont(valueFont(fact));
        painter.setPen(fact.missing ? tokens.secondary : tokens.text);
        painter.drawText(row, Qt::AlignRight | Qt::AlignVCenter, shownValue(i));
        if (i + 1 < static_cast<int>(m_facts.size()))
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
            QString text =
                shownLabel(row) == shownName(fact.label) ? fact.value : tr("%1: %2").arg(fact.label, fact.value);
            if (!fact.toolTip.isEmpty())
                text = tr("%1\n%2").arg(text, fact.toolTip);
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
