#include "widgets/error_legend.h"

#include "widgets/number_text.h"

#include <QCoreApplication>
#include <QCursor>
#include <QEvent>
#include <QFontMetrics>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QPainter>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace blockcert::widgets {

namespace {

struct Text {
    Q_DECLARE_TR_FUNCTIONS(Metric)
};

constexpr int barHeight = 14;
constexpr int narrowBar = 190;
constexpr int barWidth = 360;
constexpr int clipWidth = 8;
constexpr int swatch = 22;

}

QString metricName(Metric metric)
{
    switch (metric) {
    case Metric::Error: return Text::tr("Error");
    case Metric::AttentionPart: return Text::tr("Attn part");
    case Metric::MlpPart: return Text::tr("MLP part");
    case Metric::Relative: return Text::tr("Relative");
    case Metric::Coverage: return Text::tr("Coverage");
    case Metric::LossDifference: return Text::tr("Loss Δ");
    case Metric::Kl: return Text::tr("KL");
    case Metric::Margin: return Text::tr("Margin");
    }
    return {};
}

QString metricTitle(Metric metric)
{
    switch (metric) {
    case Metric::Error: return Text::tr("Error by token and block");
    case Metric::AttentionPart: return Text::tr("Attention part of the error by token and block");
    case Metric::MlpPart: return Text::tr("MLP part of the error by token and block");
    case Metric::Relative: return Text::tr("Relative error by token and block");
    case Metric::Coverage: return Text::tr("Covered tokens by block");
    case Metric::LossDifference: return Text::tr("Loss difference by token and block");
    case Metric::Kl: return Text::tr("KL divergence of the next token by token and block");
    case Metric::Margin: return Text::tr("Attention margin by token and block");
    }
    return {};
}

QString metricPhrase(Metric metric)
{
    switch (metric) {
    case Metric::Error: return Text::tr("error ‖ŷ − y‖₂");
    case Metric::AttentionPart: return Text::tr("attention part of the error");
    case Metric::MlpPart: return Text::tr("MLP part of the error");
    case Metric::Relative: return Text::tr("relative error ‖ŷ − y‖₂ / ‖y‖₂");
    case Metric::Coverage: return Text::tr("share of covered tokens");
    case Metric::LossDifference: return Text::tr("loss difference |Δℓ|");
    case Metric::Kl: return Text::tr("KL(original ‖ surrogate) of the next token, nats");
    case Metric::Margin: return Text::tr("smallest attention margin over heads");
    }
    return {};
}

QString differencePhrase(Metric metric)
{
    return metric == Metric::LossDifference ? Text::tr("loss of the surrogate, nats") : metricPhrase(metric);
}

QString thresholdSymbol(Metric metric)
{
    switch (metric) {
    case Metric::Error:
    case Metric::AttentionPart:
    case Metric::MlpPart: return QStringLiteral("τ_act");
    case Metric::Relative: return QStringLiteral("τ_rel");
    case Metric::Coverage: return QStringLiteral("α_act");
    case Metric::LossDifference: return QStringLiteral("τ_loss");
    case Metric::Kl:
    case Metric::Margin: return {};
    }
    return {};
}

ErrorLegend::ErrorLegend(QWidget* parent)
    : QWidget(parent)
{
    setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Fixed);
    setMouseTracking(true);
    setFocusPolicy(Qt::TabFocus);
    setToolTip(tr("Drag an end to change the range; double click to fit it to the data"));
    setScale(ErrorScale::anchored(1e-5, 1e-2, 1), Metric::Error);
}

void ErrorLegend::setScale(const ErrorScale& scale, Metric metric)
{
    m_scale = scale;
    m_metric = metric;
    m_grip = Grip::None;
    setAccessibleName(tr("Colour scale"));
    const QString kind = scale.kind() == ScaleKind::Linear ? tr("linear") : tr("logarithmic");
    const QString ends = tr("From %1 to %2, %3").arg(exactNumber(scale.low()), exactNumber(scale.high()), kind);
    const QString threshold =
        scale.isDiverging()     ? tr("; blue where B is smaller than A, orange where it is larger")
        : !scale.hasThreshold() ? QString()
        : scale.isCoverage()
            ? tr("; warm colours below %1 = %2").arg(thresholdSymbol(metric), exactNumber(scale.threshold()))
            : tr("; cool colours up to %1 = %2, warm colours above")
                  .arg(thresholdSymbol(metric), exactNumber(scale.threshold()));
    const QString clips = scale.clipsLow() || scale.clipsHigh() ? tr("; some values lie beyond the ends") : QString();
    setAccessibleDescription(ends + threshold + clips + tr("; hatched: not measured."));
    update();
}

QSize ErrorLegend::sizeHint() const
{
    const QFontMetrics metrics(textFont(TextSize::Axis));
    return {640, 2 * metrics.height() + barHeight + 3 * space::tiny};
}

QSize ErrorLegend::minimumSizeHint() const
{
    return {240, sizeHint().height()};
}

namespace {

QStringList legendWords(const ErrorScale& scale, Metric metric)
{
    QStringList words{Text::tr("not measured")};
    if (scale.isDiverging())
        words << Text::tr("blue: smaller in B") << Text::tr("orange: larger in B");
    else if (scale.isCoverage())
        words << Text::tr("warm: below α_act");
    else if (metric == Metric::AttentionPart || metric == Metric::MlpPart)
        words << Text::tr("τ applies to the whole error");
    else if (scale.hasThreshold())
        words << Text::tr("up to τ: covered") << Text::tr("above: not covered");
    if (scale.kind() == ScaleKind::Linear && !scale.isCoverage())
        words << Text::tr("linear");
    return words;
}

// Of the hatch and the words behind the scale.
double widthOf(const QStringList& words, const QFontMetricsF& metrics)
{
    double width = space::large + swatch + 6;
    for (const QString& word : words)
        width += metrics.horizontalAdvance(word) + space::large;
    return width;
}

}

QRectF legendBar(const QRectF& rect, const ErrorScale& scale)
{
    const QFontMetricsF metrics(textFont(TextSize::Axis));
    const double endWidth = std::max(metrics.horizontalAdvance(tickNumber(scale.low())),
                                     metrics.horizontalAdvance(tickNumber(scale.high()))) +
                            space::small;
    const double room = rect.width() - 2 * endWidth - 2 * clipWidth;
    // In a narrow window it gives way to the words: they say what its halves mean.
    const double words = widthOf(legendWords(scale, Metric::Error), metrics);
    const double width = std::clamp(std::max(room - words, std::min<double>(room, narrowBar)), 120.0, double(barWidth));
    return {rect.left() + endWidth + clipWidth, rect.top() + metrics.height() + space::tiny, width, barHeight};
}

namespace {

void paintBar(QPainter& painter, const QRectF& bar, const ErrorScale& scale, const Tokens& tokens)
{
    painter.setPen(Qt::NoPen);
    for (int step = 0; step < ErrorScale::steps; ++step) {
        const double left = std::round(bar.left() + bar.width() * step / ErrorScale::steps);
        const double right = std::round(bar.left() + bar.width() * (step + 1) / ErrorScale::steps);
        painter.fillRect(QRectF(left, bar.top(), right - left, bar.height()), scale.colourOf(step, tokens));
    }
    painter.setPen(QPen(tokens.line, 1));
    painter.setBrush(Qt::NoBrush);
    painter.drawRect(bar.adjusted(-0.5, -0.5, 0.5, 0.5));
}

// Arrow heads where values lie beyond the ends of the scale.
void paintClips(QPainter& painter, const QRectF& bar, const ErrorScale& scale, const Tokens& tokens)
{
    painter.save();
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(QPen(tokens.secondary, 1));
    const double middle = bar.center().y();
    if (scale.clipsLow()) {
        painter.setBrush(scale.colourOf(0, tokens));
        painter.drawPolygon(QPolygonF{QPointF(bar.left() - 1.5, bar.top()),
                                      QPointF(bar.left() - clipWidth + 0.5, middle),
                                      QPointF(bar.left() - 1.5, bar.bottom())});
    }
    if (scale.clipsHigh()) {
        painter.setBrush(scale.colourOf(ErrorScale::steps - 1, tokens));
        painter.drawPolygon(QPolygonF{QPointF(bar.right() + 1.5, bar.top()),
                                      QPointF(bar.right() + clipWidth - 0.5, middle),
                                      QPointF(bar.right() + 1.5, bar.bottom())});
    }
    painter.restore();
}

// Ticks under the bar, those that do not crowd each other or the ends.
void paintTicks(QPainter& painter, const QRectF& bar, const ErrorScale& scale, double endWidth)
{
    const QFontMetricsF metrics(painter.font());
    double free = bar.left() + 8;
    std::vector<double> ticks = scale.ticks();
    if (scale.isCoverage())
        std::reverse(ticks.begin(), ticks.end()); // from left to right
    for (const double tick : ticks) {
        const double x = std::round(bar.left() + bar.width() * scale.positionOf(tick));
        if (x < bar.left() + 4 || x > bar.right() - 4)
            continue;
        painter.drawLine(QPointF(x, bar.bottom() + 1), QPointF(x, bar.bottom() + 3));
        const QString text = tickNumber(tick);
        const double half = metrics.horizontalAdvance(text) / 2;
        if (x - half < free || x + half > bar.right() + endWidth)
            continue;
        painter.drawText(QRectF(x - half - 1, bar.bottom() + space::tiny, 2 * half + 2, metrics.height()),
                         Qt::AlignCenter, text);
        free = x + half + space::small;
    }
}

// The hatch and what the two halves mean, as far as there is room.
void paintWords(QPainter& painter, const QRectF& bar, double left, double right, const QStringList& words,
                const Tokens& tokens)
{
    const QFontMetricsF metrics(painter.font());
    if (left + swatch + metrics.horizontalAdvance(words[0]) >= right)
        return;
    const QRectF box(left, bar.top(), swatch, bar.height());
    painter.save();
    painter.setClipRect(box, Qt::IntersectClip);
    painter.setPen(QPen(tokens.hatch, 1));
    for (double x = box.left() - box.height(); x < box.right(); x += 6)
        painter.drawLine(QPointF(x, box.bottom()), QPointF(x + box.height(), box.top()));
    painter.restore();
    painter.setPen(QPen(tokens.line, 1));
    painter.setBrush(Qt::NoBrush);
    painter.drawRect(box.adjusted(-0.5, -0.5, 0.5, 0.5));
    painter.setPen(tokens.secondary);
    left += swatch + 6;
    for (const QString& word : words) {
        const double advance = metrics.horizontalAdvance(word);
        if (left + advance > right)
            break;
        painter.drawText(QRectF(left, bar.top(), advance + 2, bar.height()), Qt::AlignVCenter, word);
        left += advance + space::large;
    }
}

}

void paintLegend(QPainter& painter, const QRectF& rect, const ErrorScale& scale, Metric metric, const Tokens& tokens)
{
    painter.save();
    const QFont axis = textFont(TextSize::Axis);
    const QFontMetricsF metrics(axis);
    const QRectF bar = legendBar(rect, scale);
    const double endWidth = bar.left() - rect.left() - clipWidth;
    paintBar(painter, bar, scale, tokens);
    paintClips(painter, bar, scale, tokens);
    painter.setFont(axis);
    painter.setPen(tokens.secondary);
    painter.drawText(QRectF(rect.left(), bar.top(), endWidth - 2, bar.height()), Qt::AlignRight | Qt::AlignVCenter,
                     tickNumber(scale.low()));
    painter.drawText(QRectF(bar.right() + clipWidth + 2, bar.top(), endWidth, bar.height()),
                     Qt::AlignLeft | Qt::AlignVCenter, tickNumber(scale.high()));
    paintTicks(painter, bar, scale, endWidth);
    if (scale.hasThreshold()) {
        const double x = std::round(bar.center().x());
        painter.fillRect(QRectF(x - 1, bar.top() - 3, 2, bar.height() + 6), tokens.text);
        painter.setFont(textFont(TextSize::Axis, TextWeight::Strong));
        painter.setPen(tokens.text);
        painter.drawText(QRectF(x - 120, rect.top(), 240, metrics.height()), Qt::AlignHCenter | Qt::AlignBottom,
                         Text::tr("%1 = %2").arg(thresholdSymbol(metric), exactNumber(scale.threshold())));
    }
    painter.setFont(axis);
    paintWords(painter, bar, bar.right() + clipWidth + endWidth + space::large, rect.right(),
               legendWords(scale, metric), tokens);
    painter.restore();
}

void ErrorLegend::paintEvent(QPaintEvent*)
{
    QPainter painter(this);
    const Tokens& tokens = tokensOf(*this);
    paintLegend(painter, rect(), m_scale, m_metric, tokens);
    if (m_scale.isCoverage())
        return; // a share has its range
    const QRectF bar = legendBar(rect(), m_scale);
    const auto grip = [&](double x, bool active) {
        painter.fillRect(QRectF(std::round(x) - 1.5, bar.top() - 2, 3, bar.height() + 4),
                         active ? tokens.accent : tokens.secondary);
    };
    if (underMouse() || hasFocus()) {
        grip(bar.left(), m_grip == Grip::Low);
        grip(bar.right(), m_grip == Grip::High);
    }
    if (m_grip != Grip::None && !isMissing(m_dragged)) {
        // Where the end would come to lie, with its value.
        const QPointF pointer = mapFromGlobal(QPointF(QCursor::pos()));
        grip(std::clamp(pointer.x(), 2.0, width() - 2.0), true);
        painter.setFont(textFont(TextSize::Axis, TextWeight::Strong));
        painter.setPen(tokens.accent);
        painter.drawText(QRectF(std::clamp(pointer.x() - 60, 0.0, std::max(0.0, width() - 120.0)), 0, 120, bar.top()),
                         Qt::AlignHCenter | Qt::AlignTop, tableNumber(m_dragged));
    }
    if (hasFocus())
        paintFocusRing(painter, QRectF(rect()).adjusted(0, 0, -1, -1), tokens);
}

ErrorLegend::Grip ErrorLegend::gripAt(const QPointF& point) const
{
    const QRectF bar = legendBar(rect(), m_scale);
    if (m_scale.isCoverage() || point.y() < bar.top() - 6 || point.y() > bar.bottom() + 6)
        return Grip::None;
    if (std::abs(point.x() - bar.left()) <= 7)
        return Grip::Low;
    return std::abs(point.x() - bar.right()) <= 7 ? Grip::High : Grip::None;
}

double ErrorLegend::valueUnder(double x, Grip grip) const
{
    const QRectF bar = legendBar(rect(), m_scale);
    const double position = (x - bar.left()) / bar.width();
    double value = m_scale.valueAt(position);
    // Beyond the ends the scale goes on as it is near them.
    const double inside = 0.1;
    const bool linear = m_scale.kind() == ScaleKind::Linear;
    const auto beyond = [&](double end, double near, double distance) {
        const double parts = distance / inside;
        return linear ? end + (end - near) * parts : end * std::pow(end / near, parts);
    };
    if (position < 0)
        value = beyond(m_scale.low(), m_scale.valueAt(inside), -position);
    else if (position > 1)
        value = beyond(m_scale.high(), m_scale.valueAt(1 - inside), position - 1);
    if (m_scale.isDiverging()) // no end crosses zero
        return grip == Grip::Low ? std::min(value, m_scale.valueAt(0.45)) : std::max(value, m_scale.valueAt(0.55));
    value = std::max(value, linear ? 0.0 : 1e-280);
    if (grip == Grip::Low)
        return std::min(value, m_scale.hasThreshold() ? m_scale.threshold() * 0.9 : m_scale.valueAt(0.95));
    return std::max(value, m_scale.hasThreshold() ? m_scale.threshold() * 1.1 : m_scale.valueAt(0.05));
}

void ErrorLegend::mousePressEvent(QMouseEvent* event)
{
    if (event->button() == Qt::LeftButton)
        m_grip = gripAt(event->position());
    m_dragged = missing;
    update();
}

void ErrorLegend::mouseMoveEvent(QMouseEvent* event)
{
    if (m_grip == Grip::None) {
        setCursor(gripAt(event->position()) == Grip::None ? Qt::ArrowCursor : Qt::SizeHorCursor);
        update();
        return;
    }
    m_dragged = valueUnder(event->position().x(), m_grip);
    update();
}

void ErrorLegend::mouseReleaseEvent(QMouseEvent* event)
{
    const Grip grip = std::exchange(m_grip, Grip::None);
    update();
    if (grip == Grip::None || isMissing(m_dragged) || event->button() != Qt::LeftButton)
        return;
    const double value = std::exchange(m_dragged, missing);
    emit rangeChosen(grip == Grip::Low ? value : m_scale.low(), grip == Grip::High ? value : m_scale.high());
}

void ErrorLegend::mouseDoubleClickEvent(QMouseEvent*)
{
    m_grip = Grip::None;
    emit rangeReset();
}

// The range can be changed without a pointer: Left and Right move the lower end, with Shift the upper one.
void ErrorLegend::keyPressEvent(QKeyEvent* event)
{
    const bool upper = (event->modifiers() & Qt::ShiftModifier) != 0;
    const double step = event->key() == Qt::Key_Left ? -0.1 : event->key() == Qt::Key_Right ? 0.1 : 0;
    if (event->key() == Qt::Key_Home) {
        emit rangeReset();
    } else if (step != 0 && !m_scale.isCoverage()) {
        moveEnd(upper ? Grip::High : Grip::Low, step);
    } else {
        QWidget::keyPressEvent(event);
    }
}

void ErrorLegend::moveEnd(Grip grip, double steps)
{
    const QRectF bar = legendBar(rect(), m_scale);
    const double end = grip == Grip::Low ? bar.left() : bar.right();
    const double value = valueUnder(end + steps * bar.width(), grip);
    emit rangeChosen(grip == Grip::Low ? value : m_scale.low(), grip == Grip::High ? value : m_scale.high());
}

void ErrorLegend::changeEvent(QEvent* event)
{
    if (event->type() == QEvent::FontChange || event->type() == QEvent::StyleChange)
        updateGeometry();
    QWidget::changeEvent(event);
}

}
