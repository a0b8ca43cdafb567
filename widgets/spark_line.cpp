#include "widgets/spark_line.h"

#include "widgets/number_text.h"
#include "widgets/theme.h"

#include <QFontMetricsF>
#include <QHelpEvent>
#include <QMouseEvent>
#include <QPainter>
#include <QToolTip>

#include <algorithm>
#include <cmath>
#include <utility>

namespace blockcert::widgets {

SparkLine::SparkLine(QWidget* parent)
    : QWidget(parent)
{
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
    setMouseTracking(true);
}

void SparkLine::setSeries(std::vector<int> labels, std::vector<double> values, double threshold)
{
    m_labels = std::move(labels);
    m_values = std::move(values);
    m_values.resize(m_labels.size(), missing);
    m_threshold = threshold;
    // The range covers the threshold too, so that its line is always there.
    m_low = missing;
    m_high = missing;
    const auto include = [this](double value) {
        const double magnitude = std::abs(value);
        if (isMissing(magnitude) || magnitude == 0)
            return;
        m_low = isMissing(m_low) ? magnitude : std::min(m_low, magnitude);
        m_high = isMissing(m_high) ? magnitude : std::max(m_high, magnitude);
    };
    std::for_each(m_values.begin(), m_values.end(), include);
    include(m_threshold);
    if (!isMissing(m_low) && m_high / m_low < 10) {
        m_low /= 3;
        m_high *= 3;
    }
    QStringList words;
    for (std::size_t i = 0; i < m_labels.size(); ++i)
        words << tr("block %1: %2").arg(m_labels[i]).arg(tableNumber(m_values[i]));
    setAccessibleDescription(words.join(QStringLiteral("; ")));
    update();
}

void SparkLine::setCurrent(int label)
{
    m_current = label;
    update();
}

void SparkLine::setCompact(bool compact)
{
    m_compact = compact;
    updateGeometry();
    update();
}

QSize SparkLine::sizeHint() const
{
    return m_compact ? QSize(96, 20) : QSize(288, 120);
}

QRectF SparkLine::plotRect() const
{
    const QRectF area(rect());
    if (m_compact)
        return area.adjusted(2, 3, -2, -3);
    const double axis = QFontMetricsF(textFont(TextSize::Axis)).height();
    return area.adjusted(5, axis + 2, -5, -axis - space::tiny);
}

QPointF SparkLine::pointOf(std::size_t at) const
{
    const QRectF plot = plotRect();
    const double span = m_labels.size() < 2 ? 0 : m_labels.back() - m_labels.front();
    const double x =
        span == 0 ? plot.center().x() : plot.left() + plot.width() * (m_labels[at] - m_labels.front()) / span;
    return {x, heightOf(m_values[at])};
}

double SparkLine::heightOf(double value) const
{
    const QRectF plot = plotRect();
    const double magnitude = std::clamp(std::abs(value), m_low, m_high);
    return plot.bottom() - plot.height() * std::log(magnitude / m_low) / std::log(m_high / m_low);
}

bool SparkLine::roomierAtLeft() const
{
    // The label stands above the line at the end where the values come less close to it.
    const std::size_t quarter = std::max<std::size_t>(1, m_values.size() / 4);
    double left = 0;
    double right = 0;
    for (std::size_t i = 0; i < std::min(quarter, m_values.size()); ++i) {
        const double front = std::abs(m_values[i]);
        const double back = std::abs(m_values[m_values.size() - 1 - i]);
        left = isMissing(front) ? left : std::max(left, front);
        right = isMissing(back) ? right : std::max(right, back);
    }
    return left < right;
}

int SparkLine::nearest(double x) const
{
    if (m_labels.empty())
        return -1;
    std::size_t best = 0;
    for (std::size_t at = 1; at < m_labels.size(); ++at)
        if (std::abs(pointOf(at).x() - x) < std::abs(pointOf(best).x() - x))
            best = at;
    return static_cast<int>(best);
}

void SparkLine::paintEvent(QPaintEvent*)
{
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    const Tokens& tokens = tokensOf(*this);
    const QRectF plot = plotRect();
    const QFont axis = textFont(TextSize::Axis);
    const QFontMetricsF metrics(axis);
    painter.setFont(axis);
    if (!m_compact && !m_labels.empty()) {
        painter.fillRect(QRectF(plot.left(), std::round(plot.bottom()) + 2, plot.width(), 1), tokens.line);
        painter.setPen(tokens.secondary);
        const QRectF labels(plot.left(), plot.bottom() + space::tiny, plot.width(), metrics.height());
        painter.drawText(labels, Qt::AlignLeft | Qt::AlignVCenter, QString::number(m_labels.front()));
        painter.drawText(labels, Qt::AlignRight | Qt::AlignVCenter, QString::number(m_labels.back()));
        painter.drawText(labels, Qt::AlignCenter, tr("block"));
    }
    if (isMissing(m_low))
        return;
    if (!m_compact) { // says it of the values, so it stands where these do, at the side the threshold's label leaves
        const bool isLeft = !isMissing(m_threshold) && !roomierAtLeft();
        painter.setPen(tokens.secondary);
        painter.drawText(QRectF(plot.left(), 0, plot.width(), metrics.height()),
                         (isLeft ? Qt::AlignLeft : Qt::AlignRight) | Qt::AlignTop, tr("log scale"));
    }
    if (!isMissing(m_threshold)) {
        const double y = std::round(heightOf(m_threshold)) + 0.5;
        painter.setPen(QPen(tokens.failed.ink, 1, Qt::DashLine));
        painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y));
        if (!m_compact) {
            painter.setPen(tokens.failed.ink);
            const QRectF above(plot.left(), y - metrics.height() - 2, plot.width(), metrics.height());
            painter.drawText(above, (roomierAtLeft() ? Qt::AlignLeft : Qt::AlignRight) | Qt::AlignBottom,
                             tr("τ = %1").arg(exactNumber(m_threshold)));
        }
    }
    // A line joins neighbours; between blocks that were not measured it is only dotted.
    painter.setBrush(Qt::NoBrush);
    for (std::size_t i = 1; i < m_values.size(); ++i) {
        if (isMissing(m_values[i]) || isMissing(m_values[i - 1]))
            continue;
        const bool areNeighbours = m_labels[i] == m_labels[i - 1] + 1;
        painter.setPen(areNeighbours ? QPen(tokens.accent, 1.5, Qt::SolidLine, Qt::RoundCap)
                                     : QPen(tokens.secondary, 1, Qt::DotLine));
        painter.drawLine(pointOf(i - 1), pointOf(i));
    }
    // Dots are measurements; where they would touch, only lines, the extremes stay readable.
    const bool dots = !m_compact && m_values.size() > 0 && plot.width() / static_cast<double>(m_values.size()) >= 5;
    for (std::size_t i = 0; i < m_values.size(); ++i) {
        if (isMissing(m_values[i]))
            continue;
        const bool isCurrent = m_labels[i] == m_current;
        const bool lonely =
            (i == 0 || isMissing(m_values[i - 1])) && (i + 1 == m_values.size() || isMissing(m_values[i + 1]));
        if (isCurrent) {
            painter.setPen(QPen(tokens.accent, 2));
            painter.setBrush(tokens.panel);
            painter.drawEllipse(pointOf(i), 4, 4);
        } else if (dots || lonely) {
            painter.setPen(Qt::NoPen);
            painter.setBrush(tokens.accent);
            painter.drawEllipse(pointOf(i), 2, 2);
        }
    }
}

void SparkLine::mousePressEvent(QMouseEvent* event)
{
    const int at = nearest(event->position().x());
    if (!m_compact && at >= 0 && event->button() == Qt::LeftButton)
        emit labelChosen(m_labels[static_cast<std::size_t>(at)]);
}

bool SparkLine::event(QEvent* event)
{
    if (event->type() == QEvent::ToolTip) {
        const auto* help = static_cast<QHelpEvent*>(event);
        const int at = nearest(help->pos().x());
        if (at >= 0)
            QToolTip::showText(help->globalPos(),
                               tr("Block %1: %2")
                                   .arg(m_labels[static_cast<std::size_t>(at)])
                                   .arg(exactNumber(m_values[static_cast<std::size_t>(at)])),
                               this);
        return true;
    }
    return QWidget::event(event);
}

}
