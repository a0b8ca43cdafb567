#include "widgets/notice.h"

#include "widgets/icons.h"
#include "widgets/number_text.h"
#include "widgets/panel.h"
#include "widgets/theme.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QPainter>
#include <QPushButton>

namespace blockcert::widgets {

Notice::Notice(QWidget* parent)
    : QWidget(parent)
{
    m_sentence = makeLabel({}, TextSize::Secondary);
    m_sentence->setWordWrap(true);
    m_sentence->setTextInteractionFlags(Qt::TextSelectableByMouse);
    m_action = new QPushButton;
    setButtonRole(*m_action, ButtonRole::Plain);
    m_close = new QPushButton;
    setButtonRole(*m_close, ButtonRole::Icon);
    m_close->setIcon(themedIcon(Icon::Close));
    m_close->setIconSize({12, 12});
    m_close->setAccessibleName(tr("Close"));
    m_close->setToolTip(tr("Close"));
    m_close->hide();
    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(space::medium + 16 + space::small, space::small, space::small, space::small);
    row->setSpacing(space::small);
    row->addWidget(m_sentence, 1);
    row->addWidget(m_action, 0, Qt::AlignVCenter);
    row->addWidget(m_close, 0, Qt::AlignVCenter);
    QSizePolicy policy(QSizePolicy::Preferred, QSizePolicy::Minimum);
    policy.setHeightForWidth(true);
    setSizePolicy(policy);
    connect(m_action, &QPushButton::clicked, this, &Notice::actionRequested);
    connect(m_close, &QPushButton::clicked, this, [this] {
        hide();
        emit closed();
    });
}

void Notice::setNotice(Tone tone, const QString& sentence, const QString& action)
{
    m_tone = tone;
    m_sentence->setText(shownText(sentence));
    m_action->setText(action);
    m_action->setVisible(!action.isEmpty());
    setAccessibleName(tone == Tone::Error ? tr("Error") : tone == Tone::Warning ? tr("Warning") : tr("Note"));
    setAccessibleDescription(m_sentence->text());
    update();
}

void Notice::setActionEnabled(bool enabled)
{
    m_action->setEnabled(enabled);
}

void Notice::setClosable(bool closable)
{
    m_close->setVisible(closable);
}

void Notice::paintEvent(QPaintEvent*)
{
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    const Tokens& tokens = tokensOf(*this);
    const Tint tint = m_tone == Tone::Error     ? tokens.failed
                      : m_tone == Tone::Warning ? tokens.weaker
                                                : Tint{tokens.accent, tokens.accentFill};
    painter.setPen(Qt::NoPen);
    painter.setBrush(tint.fill);
    painter.drawRoundedRect(QRectF(rect()), space::corner, space::corner);
    const Icon icon = m_tone == Tone::Error ? Icon::Cross : m_tone == Tone::Warning ? Icon::Alert : Icon::Info;
    const double top = m_sentence->geometry().height() > 30 ? m_sentence->geometry().top() : (height() - 16) / 2.0;
    paintIcon(painter, QRectF(space::medium, top, 16, 16), icon, tint.ink);
}

}
