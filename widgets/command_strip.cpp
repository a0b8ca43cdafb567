#include "widgets/command_strip.h"

#include "widgets/icons.h"
#include "widgets/panel.h"
#include "widgets/theme.h"

#include <QApplication>
#include <QClipboard>
#include <QHBoxLayout>
#include <QLabel>
#include <QPainter>
#include <QPushButton>
#include <QTimer>

namespace blockcert::widgets {

CommandStrip::CommandStrip(QWidget* parent)
    : QWidget(parent)
{
    m_text = makeLabel({}, TextSize::Secondary);
    setFixedFont(*m_text, TextSize::Secondary);
    m_text->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
    m_text->setWordWrap(true);
    m_copy = new QPushButton(tr("Copy"));
    setButtonRole(*m_copy, ButtonRole::Link);
    m_copy->setIcon(themedIcon(Icon::Copy, IconTint::Accent));
    m_copy->setIconSize({14, 14});
    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(space::medium, 5, space::tiny, 5);
    row->setSpacing(space::small);
    row->addWidget(m_text, 1);
    row->addWidget(m_copy, 0, Qt::AlignVCenter);
    QSizePolicy policy(QSizePolicy::Preferred, QSizePolicy::Minimum);
    policy.setHeightForWidth(true);
    setSizePolicy(policy);
    connect(m_copy, &QPushButton::clicked, this, [this] {
        QApplication::clipboard()->setText(m_text->text());
        m_copy->setText(tr("Copied"));
        QTimer::singleShot(1500, m_copy, [this] { m_copy->setText(tr("Copy")); });
        emit copied();
    });
}

void CommandStrip::setCommand(const QString& command)
{
    m_text->setText(command);
    m_copy->setEnabled(!command.isEmpty());
    m_copy->setAccessibleName(tr("Copy the command"));
}

QString CommandStrip::command() const
{
    return m_text->text();
}

void CommandStrip::paintEvent(QPaintEvent*)
{
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    const Tokens& tokens = tokensOf(*this);
    painter.setPen(tokens.line);
    painter.setBrush(tokens.panel);
    painter.drawRoundedRect(QRectF(rect()).adjusted(0.5, 0.5, -0.5, -0.5), space::corner, space::corner);
}

}
