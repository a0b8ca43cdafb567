#include "widgets/block_multiples.h"

#include "widgets/error_scale.h"
#include "widgets/number_text.h"
#include "widgets/theme.h"

#include <QHelpEvent>
#include <QMouseEvent>
#include <QPainter>
#include <QToolTip>

#include <algorithm>
#include <cmath>
#include <utility>

namespace blockcert::widgets {

namespace {

constexpr double narrowest = 46;
constexpr double gap = 4;

}

BlockMultiples::BlockMultiples(QWidget* parent)
    : QWidget(parent)
{
    setAccessibleName(tr("The prompt at every block"));
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Expanding);
    setMinimumHeight(70);
}

QSize BlockMultiples::sizeHint() const
{
    return {400, 78};
}

void BlockMultiples::setPlace(std::shared_ptr<const TokenMap> map, const CellKey& key, Metric metric)
{
    m_map = std::move(map);
    m_key = key;
    m_metric = metric;
    double low = thresholdOf(m_map ? m_map->thresholds : Thresholds(), metric);
    double high = low;
    QString text;
    for (std::size_t column = 0; m_map && column < m_map->blocks.size(); ++column) {
        const auto tokens = static_cast<int>(m_map->prompts[static_cast<std::size_t>(key.prompt)].tokens.size());
        for (int token = 0; token < tokens; ++token) {
            const double value = valueAt(static_cast<int>(column), token);
            if (value > 0) {
                low = std::min(low, value);
                high = std::max(high, value);
            }
        }
        text += tr("block %1: %2. ")
                    .arg(m_map->blocks[column])
                    .arg(tableNumber(valueAt(static_cast<int>(column), key.token)));
    }
    m_low = std::log10(low > 0 ? low : 1e-12);
    m_high = std::max(std::log10(high > 0 ? high : 1.0), m_low + 1);
    setAccessibleDescription(text);
    update();
}

double BlockMultiples::valueAt(int column, int token) const
{
    const MapCell* cell = m_map->cell(static_cast<std::size_t>(column), static_cast<std::size_t>(m_key.prompt));
    return cell ? std::abs(valueOf(*cell, m_metric, static_cast<std::size_t>(token), m_map->thresholds)) : missing;
}

BlockMultiples::Window BlockMultiples::window() const
{
    if (!m_map || m_map->blocks.empty())
        return {};
    const auto all = static_cast<int>(m_map->blocks.size());
    const int fits = std::max(1, static_cast<int>((width() + gap) / (narrowest + gap)));
    const int count = std::min(all, fits);
    const int centre = std::max(0, m_map->columnOf(m_key.block));
    const int first = std::clamp(centre - count / 2, 0, all - count);
    return {first, count, std::min(140.0, (width() + gap) / static_cast<double>(count) - gap)};
}

int BlockMultiples::columnAt(const QPointF& point) const
{
    const Window shown = window();
    const int at = shown.count == 0 ? -1 : static_cast<int>(point.x() / (shown.width + gap));
    return at >= 0 && at < shown.count ? shown.first + at : -1;
}

void BlockMultiples::paintEvent(QPaintEvent*)
{
    const Window shown = window();
    if (shown.count == 0)
        return;
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    const Tokens& tokens = tokensOf(*this);
    const QFont font = textFont(TextSize::Axis);
    const QFontMetrics metrics(font);
    const double bottom = height() - metrics.height() - 2;
    const double tau = thresholdOf(m_map->thresholds, m_metric);
    const auto yOf = [&](double value) {
        const double share = (std::log10(value) - m_low) / (m_high - m_low);
        return bottom - 2 - std::clamp(share, 0.0, 1.0) * (bottom - 5);
    };
    const auto count = static_cast<int>(m_map->prompts[static_cast<std::size_t>(m_key.prompt)].tokens.size());
    for (int i = 0; i < shown.count; ++i) {
        const int column = shown.first + i;
        const int block = m_map->blocks[static_cast<std::size_t>(column)];
        const bool isChosen = block == m_key.block;
        const QRectF frame(i * (shown.width + gap) + 0.5, 0.5, shown.width - 1, bottom - 1);
        painter.setPen(QPen(isChosen ? tokens.accent : tokens.line, isChosen ? 1.5 : 1));
        painter.setBrush(tokens.panel);
        painter.drawRoundedRect(frame, 3, 3);
        const double step = (frame.width() - 4) / std::max(1, count);
        painter.setPen(Qt::NoPen);
        bool isMeasured = false;
        for (int token = 0; token < count; ++token) {
            const double value = valueAt(column, token);
            if (isMissing(value))
                continue;
            isMeasured = true;
            if (!(value > 0))
                continue;
            const QRectF bar(frame.left() + 2 + token * step, yOf(value), std::max(1.0, step - (step > 3 ? 1 : 0)),
                             bottom - 2 - yOf(value));
            painter.setBrush(value > tau ? tokens.warm[2] : tokens.cool[3]);
            painter.drawRect(bar);
            if (token == m_key.token) { // a mark above it, so that colour alone says nothing
                painter.setBrush(tokens.text);
                painter.drawEllipse(QPointF(bar.center().x(), std::max(4.0, bar.top() - 3)), 2, 2);
            }
        }
        if (tau > 0 && m_low <= std::log10(tau) && std::log10(tau) <= m_high) {
            painter.setPen(QPen(tokens.failed.ink, 1, Qt::DashLine));
            painter.drawLine(QPointF(frame.left() + 1, yOf(tau)), QPointF(frame.right() - 1, yOf(tau)));
        }
        painter.setFont(font);
        painter.setPen(isChosen ? tokens.text : tokens.secondary);
        painter.drawText(QRectF(frame.left(), bottom, frame.width(), metrics.height()), Qt::AlignCenter,
                         isMeasured ? QString::number(block) : tr("%1, not measured").arg(block));
    }
}

void BlockMultiples::mousePressEvent(QMouseEvent* event)
{
    if (const int column = columnAt(event->position()); column >= 0)
        emit blockChosen(m_map->blocks[static_cast<std::size_t>(column)]);
}

bool BlockMultiples::event(QEvent* event)
{
    if (event->type() == QEvent::ToolTip) {
        const auto* help = static_cast<QHelpEvent*>(event);
        if (const int column = columnAt(help->pos()); column >= 0)
            QToolTip::showText(help->globalPos(),
                               plainToolTip(tr("Block %1: this token %2")
                                                .arg(m_map->blocks[static_cast<std::size_t>(column)])
                                                .arg(exactNumber(valueAt(column, m_key.token)))),
                               this);
        return true;
    }
    return QWidget::event(event);
}

}
