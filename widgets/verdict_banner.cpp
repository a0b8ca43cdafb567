#include "widgets/verdict_banner.h"

#include "widgets/icons.h"
#include "widgets/number_text.h"
#include "widgets/panel.h"
#include "widgets/state_badge.h"
#include "widgets/theme.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QPainter>
#include <QPushButton>
#include <QVBoxLayout>

#include <algorithm>
#include <utility>

namespace blockcert::widgets {

namespace {

// Level 0 alone never verifies anything, but may find everything in its form.
bool isSound(const VerdictView& verdict)
{
    return verdict.level == 0 && !verdict.checks.empty() &&
           std::all_of(verdict.checks.begin(), verdict.checks.end(),
                       [](const CheckRow& check) { return !check.required || check.state == CheckState::Verified; });
}

QString titleOf(const VerdictView& verdict)
{
    switch (verdict.state) {
    case CheckState::Verified:
        return markOf(verdict.state, verdict.level) == Mark::Unchanged
                   ? VerdictBanner::tr("Unchanged and well formed; numbers not recomputed")
                   : VerdictBanner::tr("Verified at level %1").arg(verdict.level);
    case CheckState::Failed: return VerdictBanner::tr("Failed at level %1").arg(verdict.level);
    case CheckState::NotChecked:
        return isSound(verdict) ? VerdictBanner::tr("Well formed; nothing verified") : VerdictBanner::tr("Not checked");
    case CheckState::WeakerThanPolicy: return VerdictBanner::tr("Weaker than policy");
    }
    return {};
}

constexpr int glyph = 20;

}

VerdictBanner::VerdictBanner(QWidget* parent)
    : QWidget(parent)
{
    m_title = makeLabel({}, TextSize::Headline, TextWeight::Strong);
    m_sentence = makeLabel({}, TextSize::Body);
    m_scope = makeLabel({}, TextSize::Secondary, TextWeight::Normal, TextTone::Secondary);
    for (QLabel* label : {m_sentence, m_scope}) {
        label->setWordWrap(true);
        label->setTextInteractionFlags(Qt::TextSelectableByMouse);
    }
    m_action = new QPushButton;
    setButtonRole(*m_action, ButtonRole::Primary);
    m_action->hide();
    auto* titleRow = new QHBoxLayout;
    titleRow->addSpacing(glyph + space::small);
    titleRow->addWidget(m_title, 1);
    titleRow->addWidget(m_action, 0, Qt::AlignTop);
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(space::huge, space::large, space::large, space::large);
    column->setSpacing(space::small);
    column->addLayout(titleRow);
    column->addWidget(m_sentence);
    column->addWidget(m_scope);
    column->addStretch(1);
    QSizePolicy policy(QSizePolicy::Preferred, QSizePolicy::Minimum);
    policy.setHeightForWidth(true);
    setSizePolicy(policy);
    connect(m_action, &QPushButton::clicked, this, [this] {
        if (m_running)
            emit cancelRequested();
        else
            emit actionRequested();
    });
    setVerdict(nullptr);
}

void VerdictBanner::setVerdict(std::shared_ptr<const VerdictView> verdict)
{
    m_running = false;
    m_mark = verdict ? markOf(verdict->state, verdict->level) : Mark::NotChecked;
    m_title->setText(verdict ? titleOf(*verdict) : tr("Not checked"));
    m_sentence->setText(verdict ? verdict->sentence : tr("Nothing has been checked yet."));
    QString scope = verdict ? verdict->scope : QString();
    if (verdict && !isMissing(verdict->seconds))
        scope += (scope.isEmpty() ? QString() : QStringLiteral(" · ")) +
                 tr("checked in %1").arg(durationText(verdict->seconds));
    m_scope->setText(scope);
    m_scope->setVisible(!scope.isEmpty());
    setButtonRole(*m_action, ButtonRole::Primary);
    setAction(m_actionText);
    setAccessibleName(m_title->text());
    setAccessibleDescription(m_sentence->text());
    update();
}

void VerdictBanner::setRunning(const QString& what, double fraction)
{
    m_running = true;
    m_fraction = std::clamp(fraction, 0.0, 1.0);
    m_mark = Mark::NotChecked;
    m_title->setText(tr("Checking"));
    m_sentence->setText(what);
    m_scope->hide();
    m_action->setText(tr("Cancel"));
    m_action->setVisible(true);
    setAccessibleName(tr("Checking, %1").arg(percentText(m_fraction)));
    update();
}

void VerdictBanner::setAction(const QString& text)
{
    m_actionText = text;
    if (m_running)
        return;
    m_action->setText(text);
    m_action->setVisible(!text.isEmpty());
}

void VerdictBanner::paintEvent(QPaintEvent*)
{
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    const Tokens& tokens = tokensOf(*this);
    const Tint tint = tintOf(m_mark, tokens);
    const QRectF area(rect());
    painter.setBrush(tint.fill);
    if (isOutlined(m_mark)) {
        painter.setPen(QPen(tint.ink, 1));
        painter.drawRoundedRect(area.adjusted(0.5, 0.5, -0.5, -0.5), 8, 8);
    } else {
        painter.setPen(Qt::NoPen);
        painter.drawRoundedRect(area, 8, 8);
    }
    const double middle = m_title->geometry().center().y() + 0.5;
    paintMark(painter, QRectF(space::huge, middle - glyph / 2.0, glyph, glyph), m_mark, tokens);
    if (m_running) {
        const QRectF track(space::huge, height() - 6.0, width() - 2.0 * space::huge, 3);
        painter.setPen(Qt::NoPen);
        painter.setBrush(tokens.line);
        painter.drawRoundedRect(track, 1.5, 1.5);
        painter.setBrush(tokens.accent);
        painter.drawRoundedRect(QRectF(track.topLeft(), QSizeF(track.width() * m_fraction, track.height())), 1.5, 1.5);
    }
}

}
