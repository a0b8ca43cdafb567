#include "widgets/error_legend.h"

#include "widgets/number_text.h"

#include <QCoreApplication>
#include <QEvent>
#include <QFontMetrics>
#include <QPainter>

#include <algorithm>
#include <cmath>

namespace blockcert::widgets {

namespace {

struct Text {
    Q_DECLARE_TR_FUNCTIONS(Metric)
};

constexpr int barHeight = 14;
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
    case Metric::LossDifference: return Text::tr("Loss Δ");
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
    case Metric::LossDifference: return Text::tr("Loss difference by token and block");
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
    case Metric::LossDifference: return Text::tr("loss difference |Δℓ|");
    case Metric::Margin: return Text::tr("smallest attention margin over heads");
    }
    return {};
}

QString thresholdSymbol(Metric metric)
{
    switch (metric) {
    case Metric::Error:
    case Metric::AttentionPart:
    case Metric::MlpPart: return QStringLiteral("τ_act");
    case Metric::Relative: return QStringLiteral("τ_rel");
    case Metric::LossDifference: return QStringLiteral("τ_loss");
    case Metric::Margin: return {};
    }
    return {};
}

ErrorLegend::ErrorLegend(QWidget* parent)
    : QWidget(parent)
{
    setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Fixed);
    setScale(ErrorScale::anchored(1e-5, 1e-2, 1), Metric::Error);
}

void ErrorLegend::setScale(const ErrorScale& scale, Metric metric)
{
    m_scale = scale;
    m_metric = metric;
    setAccessibleName(tr("Colour scale"));
    setAccessibleDescription(
        m_scale.hasThreshold()
            ? tr("From %1 to %2, logarithmic; cool colours up to %3 = %4, warm colours above; hatched: not measured.")
                  .arg(exactNumber(m_scale.low()), exactNumber(m_scale.high()), thresholdSymbol(metric),
                       exactNumber(m_scale.threshold()))
            : tr("From %1 to %2, logarithmic; hatched: not measured.")
                  .arg(exactNumber(m_scale.low()), exactNumber(m_scale.high())));
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

void ErrorLegend::paintEvent(QPaintEvent*)
{
    QPainter painter(this);
    const Tokens& tokens = tokensOf(*this);
    const QFont axis = textFont(TextSize::Axis);
    const QFont strong = textFont(TextSize::Axis, TextWeight::Strong);
    const QFontMetricsF metrics(axis);
    const QString low = tickNumber(m_scale.low());
    const QString high = tickNumber(m_scale.high());
    const double endWidth = std::max(metrics.horizontalAdvance(low), metrics.horizontalAdvance(high)) + space::small;
    const double top = metrics.height() + space::tiny;
    const double width = std::clamp<double>(this->width() - 2 * endWidth - 2 * clipWidth, 120, barWidth);
    const QRectF bar(endWidth + clipWidth, top, width, barHeight);

    painter.setPen(Qt::NoPen);
    for (int step = 0; step < ErrorScale::steps; ++step) {
        const double left = std::round(bar.left() + bar.width() * step / ErrorScale::steps);
        const double right = std::round(bar.left() + bar.width() * (step + 1) / ErrorScale::steps);
        painter.fillRect(QRectF(left, bar.top(), right - left, bar.height()), m_scale.colourOf(step, tokens));
    }
    painter.setPen(QPen(tokens.line, 1));
    painter.setBrush(Qt::NoBrush);
    painter.drawRect(bar.adjusted(-0.5, -0.5, 0.5, 0.5));

    // Arrow heads where values lie beyond the ends of the scale.
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(Qt::NoPen);
    const double middle = bar.center().y();
    if (m_scale.clipsLow()) {
        painter.setBrush(m_scale.colourOf(0, tokens));
        painter.setPen(QPen(tokens.secondary, 1));
        painter.drawPolygon(QPolygonF{QPointF(bar.left() - 1.5, bar.top()),
                                      QPointF(bar.left() - clipWidth + 0.5, middle),
                                      QPointF(bar.left() - 1.5, bar.bottom())});
    }
    if (m_scale.clipsHigh()) {
        painter.setBrush(m_scale.colourOf(ErrorScale::steps - 1, tokens));
        painter.setPen(QPen(tokens.secondary, 1));
        painter.drawPolygon(QPolygonF{QPointF(bar.right() + 1.5, bar.top()),
                                      QPointF(bar.right() + clipWidth - 0.5, middle),
                                      QPointF(bar.right() + 1.5, bar.bottom())});
    }
    painter.setRenderHint(QPainter::Antialiasing, false);

    painter.setFont(axis);
    painter.setPen(tokens.secondary);
    painter.drawText(QRectF(0, bar.top(), endWidth - 2, bar.height()), Qt::AlignRight | Qt::AlignVCenter, low);
    painter.drawText(QRectF(bar.right() + clipWidth + 2, bar.top(), endWidth, bar.height()),
                     Qt::AlignLeft | Qt::AlignVCenter, high);
    // Decades under the bar, those that do not crowd each other or the ends.
    double free = bar.left() + 8;
    for (const double tick : m_scale.ticks()) {
        const double x = std::round(bar.left() + bar.width() * m_scale.positionOf(tick));
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
    if (m_scale.hasThreshold()) {
        const double x = std::round(bar.center().x());
        painter.fillRect(QRectF(x - 1, bar.top() - 3, 2, bar.height() + 6), tokens.text);
        painter.setFont(strong);
        painter.setPen(tokens.text);
        painter.drawText(QRectF(x - 120, 0, 240, metrics.height()), Qt::AlignHCenter | Qt::AlignBottom,
                         tr("%1 = %2").arg(thresholdSymbol(m_metric), exactNumber(m_scale.threshold())));
    }

    // The hatch and what the two halves mean, as far as there is room.
    double left = bar.right() + clipWidth + endWidth + space::large;
    const QStringList words = !m_scale.hasThreshold() ? QStringList{tr("not measured")}
                              : m_metric == Metric::AttentionPart || m_metric == Metric::MlpPart
                                  ? QStringList{tr("not measured"), tr("τ applies to the whole error")}
                                  : QStringList{tr("not measured"), tr("up to τ: covered"), tr("above: not covered")};
    painter.setFont(axis);
    if (left + swatch + metrics.horizontalAdvance(words[0]) < this->width()) {
        painter.setBrushOrigin(QPointF(left, bar.top()));
        painter.fillRect(QRectF(left, bar.top(), swatch, bar.height()), missingBrush(tokens));
        painter.setPen(QPen(tokens.line, 1));
        painter.setBrush(Qt::NoBrush);
        painter.drawRect(QRectF(left - 0.5, bar.top() - 0.5, swatch + 1, bar.height() + 1));
        painter.setPen(tokens.secondary);
        left += swatch + 6;
        for (const QString& word : words) {
            const double advance = metrics.horizontalAdvance(word);
            if (left + advance > this->width())
                break;
            painter.drawText(QRectF(left, bar.top(), advance + 2, bar.height()), Qt::AlignVCenter, word);
            left += advance + space::large;
        }
    }
}

void ErrorLegend::changeEvent(QEvent* event)
{
    if (event->type() == QEvent::FontChange || event->type() == QEvent::StyleChange)
        updateGeometry();
    QWidget::changeEvent(event);
}

}
