#include "widgets/panel.h"

#include "widgets/number_text.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QPainter>
#include <QStyle>
#include <QVBoxLayout>

namespace blockcert::widgets {

namespace {

// A title that gives way to what stands beside it: shortened at its end.
class TitleLabel : public QLabel {
public:
    using QLabel::QLabel;

    [[nodiscard]] QSize minimumSizeHint() const override { return {80, QLabel::minimumSizeHint().height()}; }

protected:
    void paintEvent(QPaintEvent*) override
    {
        QPainter painter(this);
        painter.setPen(palette().color(foregroundRole()));
        painter.drawText(rect(), Qt::AlignLeft | Qt::AlignVCenter,
                         fontMetrics().elidedText(text(), Qt::ElideRight, width()));
    }
};

}

Panel::Panel(QWidget* parent)
    : QFrame(parent)
{
    setProperty("panel", QStringLiteral("plain"));
}

void Panel::setSelected(bool selected)
{
    setProperty("panel", selected ? QStringLiteral("selected") : QStringLiteral("plain"));
    style()->unpolish(this);
    style()->polish(this);
}

QLabel* makeLabel(const QString& text, TextSize size, TextWeight weight, TextTone tone, QWidget* parent)
{
    auto* label = new QLabel(text, parent);
    label->setTextFormat(Qt::PlainText);
    setTextFont(*label, size, weight);
    if (tone == TextTone::Secondary)
        label->setProperty("tone", QStringLiteral("secondary"));
    else if (tone == TextTone::Accent)
        label->setProperty("tone", QStringLiteral("accent"));
    return label;
}

PageTitle::PageTitle(QWidget* parent)
    : QWidget(parent)
{
    m_title = new TitleLabel;
    m_title->setTextFormat(Qt::PlainText);
    setTextFont(*m_title, TextSize::Title, TextWeight::Strong);
    m_scope = makeLabel({}, TextSize::Secondary, TextWeight::Normal, TextTone::Secondary);
    m_scope->setWordWrap(true);
    auto* texts = new QVBoxLayout;
    texts->setSpacing(space::tiny);
    texts->addWidget(m_title);
    texts->addWidget(m_scope);
    m_row = new QHBoxLayout(this);
    m_row->setContentsMargins(0, 0, 0, 0);
    m_row->setSpacing(space::small);
    m_row->addLayout(texts, 1);
}

void PageTitle::setText(const QString& title, const QString& scope)
{
    m_title->setText(shownName(title));
    m_scope->setText(shownName(scope));
    m_scope->setVisible(!scope.isEmpty());
}

void PageTitle::addWidget(QWidget* widget)
{
    m_row->addWidget(widget, 0, Qt::AlignTop);
}

}
