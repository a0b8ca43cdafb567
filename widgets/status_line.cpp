#include "widgets/status_line.h"

#include "widgets/icons.h"
#include "widgets/number_text.h"
#include "widgets/panel.h"
#include "widgets/theme.h"

#include <QEvent>
#include <QHBoxLayout>
#include <QLabel>
#include <QPainter>
#include <QToolButton>

#include <algorithm>

namespace blockcert::widgets {

namespace {

constexpr int dotRoom = 20;

int heightOfLine()
{
    return std::max(space::statusBar, QFontMetrics(textFont(TextSize::Secondary)).height() + 12);
}

QToolButton* quietButton(const QString& text)
{
    auto* button = new QToolButton;
    button->setText(text);
    button->setProperty("role", QStringLiteral("quiet"));
    setTextFont(*button, TextSize::Secondary);
    button->setFocusPolicy(Qt::TabFocus);
    return button;
}

}

StatusLine::StatusLine(QWidget* parent)
    : QWidget(parent)
{
    setFixedHeight(heightOfLine());
    m_engine = makeLabel({}, TextSize::Secondary, TextWeight::Normal, TextTone::Secondary);
    m_engine->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
    m_jobs = quietButton({});
    m_log = quietButton(tr("Log"));
    m_problems = quietButton({});
    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(space::medium + dotRoom, 1, space::small, 0);
    row->setSpacing(space::tiny);
    row->addWidget(m_engine, 1);
    row->addWidget(m_jobs);
    row->addWidget(m_log);
    row->addWidget(m_problems);
    connect(m_jobs, &QToolButton::clicked, this, &StatusLine::jobsRequested);
    connect(m_log, &QToolButton::clicked, this, &StatusLine::logRequested);
    connect(m_problems, &QToolButton::clicked, this, &StatusLine::problemsRequested);
    m_messageTimer.setSingleShot(true);
    m_messageTimer.setInterval(8000);
    connect(&m_messageTimer, &QTimer::timeout, this, [this] { say({}); });
    setEngine(EngineLight::Starting, tr("Engine starting"));
    setJobs(0, 0);
    setProblems(0);
}

void StatusLine::setEngine(EngineLight light, const QString& text)
{
    m_light = light;
    m_engineText = shownText(text);
    elide();
    update();
}

void StatusLine::say(const QString& message)
{
    m_message = shownText(message);
    if (!message.isEmpty())
        m_messageTimer.start();
    elide();
}

// An engine may leave a long last word: the bar must not make the window wider than the screen.
void StatusLine::elide()
{
    layout()->activate();
    const int room = m_engine->width();
    const QString& text = m_message.isEmpty() ? m_engineText : m_message;
    m_engine->setText(
        QFontMetrics(m_engine->font()).elidedText(text, m_message.isEmpty() ? Qt::ElideRight : Qt::ElideMiddle, room));
    m_engine->setToolTip(m_engine->text() == text ? QString() : plainToolTip(text));
    m_engine->setAccessibleName(text);
}

void StatusLine::resizeEvent(QResizeEvent* event)
{
    QWidget::resizeEvent(event);
    elide();
}

// The buttons beside it have grown or shrunk.
bool StatusLine::event(QEvent* event)
{
    const bool isHandled = QWidget::event(event);
    if (event->type() == QEvent::FontChange)
        setFixedHeight(heightOfLine());
    if (event->type() == QEvent::LayoutRequest)
        elide();
    return isHandled;
}

void StatusLine::setJobs(int running, int waiting, double fraction)
{
    m_fraction = running > 0 ? std::clamp(fraction, 0.0, 1.0) : 0;
    if (running == 0 && waiting == 0)
        m_jobs->setText(tr("No jobs running"));
    else if (waiting == 0)
        m_jobs->setText(running == 1 ? tr("1 job running") : tr("%1 jobs running").arg(running));
    else
        m_jobs->setText(tr("%1 running, %2 waiting").arg(running).arg(waiting));
    update();
}

void StatusLine::setProblems(int count)
{
    m_problems->setText(tr("Problems %1").arg(count));
    m_problems->setIcon(count > 0 ? themedIcon(Icon::Alert, IconTint::Weaker) : QIcon());
    m_problems->setToolButtonStyle(count > 0 ? Qt::ToolButtonTextBesideIcon : Qt::ToolButtonTextOnly);
    m_problems->setIconSize({14, 14});
}

QSize StatusLine::sizeHint() const
{
    return {640, height()};
}

void StatusLine::paintEvent(QPaintEvent*)
{
    QPainter painter(this);
    const Tokens& tokens = tokensOf(*this);
    painter.fillRect(rect(), tokens.panel);
    painter.fillRect(QRect(0, 0, width(), 1), tokens.line);
    if (m_fraction > 0)
        painter.fillRect(QRectF(0, 0, width() * m_fraction, 2), tokens.accent);
    painter.setRenderHint(QPainter::Antialiasing);
    const QRectF dot(space::medium + 2, height() / 2.0 - 4, 8, 8);
    // Four lights, four shapes: ring, disc, disc with a bar of work, square.
    switch (m_light) {
    case EngineLight::Starting:
        painter.setPen(QPen(tokens.secondary, 1.5));
        painter.drawEllipse(dot.adjusted(0.5, 0.5, -0.5, -0.5));
        break;
    case EngineLight::Ready:
        painter.setPen(Qt::NoPen);
        painter.setBrush(tokens.verified.ink);
        painter.drawEllipse(dot);
        break;
    case EngineLight::Busy:
        painter.setPen(QPen(tokens.accent, 1.5));
        painter.drawEllipse(dot.adjusted(0.5, 0.5, -0.5, -0.5));
        painter.setPen(Qt::NoPen);
        painter.setBrush(tokens.accent);
        painter.drawPie(dot, 90 * 16, -180 * 16);
        break;
    case EngineLight::Stopped:
        painter.setPen(Qt::NoPen);
        painter.setBrush(tokens.failed.ink);
        painter.drawRect(dot.adjusted(0.5, 0.5, -0.5, -0.5));
        break;
    }
}

}
