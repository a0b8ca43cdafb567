#include "widgets/coverage_painter.h"

#include "widgets/number_text.h"

#include <QCoreApplication>
#include <QFontMetricsF>
#include <QPainter>

#include <algorithm>
#include <cmath>

namespace blockcert::widgets {

namespace {

struct Text {
    Q_DECLARE_TR_FUNCTIONS(CoverageStrip)
};

constexpr double promptGap = 3;
constexpr double widestSlot = 14;

void paintMark(QPainter& painter, TokenCoverage state, const QRectF& slot, const Tokens& tokens)
{
    const auto upTo = [&](double share) {
        const double height = std::round(slot.height() * share);
        return QRectF(slot.left(), slot.bottom() - height, slot.width(), height);
    };
    switch (state) {
    case TokenCoverage::Covered: painter.fillRect(upTo(0.4), tokens.cool[3]); return;
    case TokenCoverage::Uncovered: painter.fillRect(slot, tokens.warm[2]); return;
    case TokenCoverage::Undecided:
        painter.setPen(QPen(tokens.weaker.ink, 1));
        painter.setBrush(Qt::NoBrush);
        painter.drawRect(upTo(0.8).adjusted(0.5, 0.5, -0.5, -0.5));
        return;
    case TokenCoverage::NotMeasured: {
        painter.save();
        const QRectF box = upTo(0.4);
        painter.setClipRect(box, Qt::IntersectClip);
        painter.setPen(QPen(tokens.secondary, 1));
        // One hatch through all slots, so that narrow ones are hatched, too.
        for (double x = std::floor((box.left() - box.height()) / 5) * 5; x < box.right(); x += 5)
            painter.drawLine(QPointF(x, box.bottom()), QPointF(x + box.height(), box.top()));
        painter.restore();
        return;
    }
    }
}

void paintMarks(QPainter& painter, const CoverageRow& row, const CoverageLanes& lanes, const QRectF& strip,
                const Tokens& tokens)
{
    const int count = static_cast<int>(row.tokens.size());
    painter.save();
    painter.setClipRect(strip.adjusted(-1, -1, 1, 1), Qt::IntersectClip);
    painter.fillRect(QRectF(strip.left(), strip.bottom() - 1, lanes.placeLeft(count), 1), tokens.line);
    for (int place = 0; place < count;) {
        const double left = std::floor(strip.left() + lanes.placeLeft(place));
        TokenCoverage state = row.tokens[static_cast<std::size_t>(place)];
        int end = place + 1;
        while (end < count && std::floor(strip.left() + lanes.placeLeft(end)) == left)
            state = worse(state, row.tokens[static_cast<std::size_t>(end++)]);
        const double right = std::floor(strip.left() + lanes.placeLeft(end));
        const bool lastOfPrompt = end < count && lanes.gapsBefore[static_cast<std::size_t>(end)] !=
                                                     lanes.gapsBefore[static_cast<std::size_t>(end - 1)];
        const double slot = lastOfPrompt && lanes.slot >= 2 ? std::floor(lanes.slot) : right - left;
        const double width = std::max(1.0, slot - (lanes.slot >= 4 ? 1 : 0));
        paintMark(painter, state, QRectF(left, strip.top(), width, strip.height()), tokens);
        place = end;
    }
    painter.restore();
}

QString noteOf(const CoverageCounts& counts)
{
    return counts.measured() == 0   ? Text::tr("not measured")
           : counts.uncovered > 0   ? Text::tr("%1 not covered").arg(countText(counts.uncovered))
           : counts.undecided > 0   ? Text::tr("%1 undecided").arg(countText(counts.undecided))
           : counts.notMeasured > 0 ? Text::tr("%1 not measured").arg(countText(counts.notMeasured))
                                    : Text::tr("all covered");
}

}

CoverageLanes CoverageLanes::measure(const CoverageRows* rows, double viewWidth)
{
    const QFontMetricsF text(textFont(TextSize::Secondary));
    const QFontMetricsF fixed(fixedFont(TextSize::Secondary));
    const QFontMetricsF axis(textFont(TextSize::Axis));
    CoverageLanes lanes;
    lanes.label = text.horizontalAdvance(Text::tr("Block %1").arg(999)) + space::medium;
    lanes.number = fixed.horizontalAdvance(QStringLiteral("<0.001")) + space::medium;
    lanes.note = axis.horizontalAdvance(Text::tr("%1 not covered").arg(countText(9999))) + space::medium;
    lanes.width = std::max(60.0, viewWidth - lanes.label - lanes.number - lanes.note);
    int gaps = 0;
    for (std::size_t place = 0; rows != nullptr && place < rows->places.size(); ++place) {
        gaps += place > 0 && rows->places[place].prompt != rows->places[place - 1].prompt ? 1 : 0;
        lanes.gapsBefore.push_back(gaps);
    }
    const double count = std::max<double>(1, static_cast<double>(lanes.gapsBefore.size()));
    lanes.gap = (lanes.width - gaps * promptGap) / count >= 2 ? promptGap : 0;
    lanes.slot = std::min(widestSlot, (lanes.width - gaps * lanes.gap) / count);
    return lanes;
}

double CoverageLanes::placeLeft(int place) const
{
    const bool inside = place < static_cast<int>(gapsBefore.size());
    const int gaps = inside ? gapsBefore[static_cast<std::size_t>(place)] : gapsBefore.empty() ? 0 : gapsBefore.back();
    return place * slot + gaps * gap;
}

int CoverageLanes::placeAt(double x) const
{
    const int count = static_cast<int>(gapsBefore.size());
    if (x < 0 || count == 0 || x >= placeLeft(count))
        return -1;
    int low = 0;
    int high = count - 1;
    while (low < high) {
        const int middle = (low + high + 1) / 2;
        if (placeLeft(middle) <= x)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

QRectF CoverageLanes::strip(double rowTop) const
{
    return {label + number, rowTop + (rowHeight - stripHeight) / 2, width, stripHeight};
}

void paintCoverageRow(QPainter& painter, const CoverageRow& row, const CoverageLanes& lanes, double alpha, double top,
                      const Tokens& tokens, bool isCurrent)
{
    const CoverageCounts& counts = row.counts;
    const double height = CoverageLanes::rowHeight;
    painter.setFont(textFont(TextSize::Secondary, isCurrent ? TextWeight::Strong : TextWeight::Normal));
    painter.setPen(isCurrent ? tokens.accent : tokens.text);
    painter.drawText(QRectF(space::tiny, top, lanes.label, height), Qt::AlignVCenter,
                     Text::tr("Block %1").arg(row.block));
    const bool reaches =
        counts.measured() > 0 && static_cast<double>(counts.covered) >= alpha * static_cast<double>(counts.measured());
    painter.setFont(fixedFont(TextSize::Secondary, reaches ? TextWeight::Normal : TextWeight::Strong));
    painter.setPen(counts.measured() == 0 ? tokens.secondary : reaches ? tokens.text : tokens.failed.ink);
    painter.drawText(QRectF(lanes.label, top, lanes.number - space::medium, height), Qt::AlignRight | Qt::AlignVCenter,
                     coverageText(counts.covered, counts.measured()));
    const QRectF strip = lanes.strip(top);
    paintMarks(painter, row, lanes, strip, tokens);
    painter.setFont(textFont(TextSize::Axis));
    painter.setPen(tokens.secondary);
    painter.drawText(QRectF(strip.right() + space::medium, top, lanes.note, height), Qt::AlignVCenter, noteOf(counts));
}

}
