#include "widgets/coverage_painter.h"

#include "widgets/colour_map.h"
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
    case TokenCoverage::OnlyInA:
    case TokenCoverage::OnlyInB: return; // of two runs
    }
}

// What stays keeps to the middle and has no colour.
void paintChange(QPainter& painter, TokenCoverage state, const QRectF& slot, const Tokens& tokens)
{
    const double middle = std::round(slot.center().y());
    const auto between = [&](double top, double bottom) {
        return QRectF(slot.left(), top, slot.width(), bottom - top);
    };
    switch (state) {
    case TokenCoverage::OnlyInA:
        painter.fillRect(between(slot.top(), middle + 1), blueOrange()[tokens.dark ? 8 : 9]);
        return;
    case TokenCoverage::OnlyInB:
        painter.fillRect(between(middle - 1, slot.bottom()), blueOrange()[tokens.dark ? 2 : 1]);
        return;
    case TokenCoverage::Covered: painter.fillRect(between(middle - 1, middle + 1), tokens.faint); return;
    case TokenCoverage::Uncovered:
    case TokenCoverage::Undecided: painter.fillRect(between(middle - 5, middle + 5), tokens.faint); return;
    case TokenCoverage::NotMeasured: paintMark(painter, state, between(middle - 10, middle + 4), tokens); return;
    }
}

void paintMarks(QPainter& painter, const CoverageRow& row, const CoverageLanes& lanes, const QRectF& strip,
                const Tokens& tokens, bool isChange)
{
    const int count = static_cast<int>(row.tokens.size());
    painter.save();
    painter.setClipRect(strip.adjusted(-1, -1, 1, 1), Qt::IntersectClip);
    painter.fillRect(
        QRectF(strip.left(), isChange ? std::round(strip.center().y()) : strip.bottom() - 1, lanes.placeLeft(count), 1),
        tokens.line);
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
        (isChange ? paintChange : paintMark)(painter, state, QRectF(left, strip.top(), width, strip.height()), tokens);
        place = end;
    }
    painter.restore();
}

}

QString coverageNumber(const CoverageRows& rows, const CoverageCounts& counts)
{
    if (!rows.isChange)
        return coverageText(counts.covered, counts.measured());
    const double change = counts.change();
    return isMissing(change) ? QStringLiteral("–") : change == 0 ? QStringLiteral("0") : signedTableNumber(change);
}

QString coverageNote(const CoverageRows& rows, const CoverageCounts& counts)
{
    if (rows.isChange) {
        QStringList words;
        if (counts.onlyInA > 0)
            words << Text::tr("%1 lost").arg(countText(counts.onlyInA));
        if (counts.onlyInB > 0)
            words << Text::tr("%1 won").arg(countText(counts.onlyInB));
        return counts.measured() == 0 ? Text::tr("not in both")
               : words.isEmpty()      ? Text::tr("none changes")
                                      : words.join(QStringLiteral(" · "));
    }
    return counts.measured() == 0   ? Text::tr("not measured")
           : counts.uncovered > 0   ? Text::tr("%1 not covered").arg(countText(counts.uncovered))
           : counts.undecided > 0   ? Text::tr("%1 undecided").arg(countText(counts.undecided))
           : counts.notMeasured > 0 ? Text::tr("%1 not measured").arg(countText(counts.notMeasured))
                                    : Text::tr("all covered");
}

CoverageLanes CoverageLanes::measure(const CoverageRows* rows, double viewWidth)
{
    const QFontMetricsF text(textFont(TextSize::Secondary));
    const QFontMetricsF fixed(fixedFont(TextSize::Secondary));
    const QFontMetricsF axis(textFont(TextSize::Axis));
    CoverageLanes lanes;
    lanes.label = text.horizontalAdvance(Text::tr("Block %1").arg(999)) + space::medium;
    const bool isChange = rows != nullptr && rows->isChange;
    lanes.number =
        fixed.horizontalAdvance(isChange ? QStringLiteral("+0.000123") : QStringLiteral("<0.001")) + space::medium;
    lanes.note = axis.horizontalAdvance(isChange ? Text::tr("%1 lost · %1 won").arg(countText(9999))
                                                 : Text::tr("%1 not covered").arg(countText(9999))) +
                 space::medium;
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

void paintCoverageRow(QPainter& painter, const CoverageRows& rows, const CoverageRow& row, const CoverageLanes& lanes,
                      double top, const Tokens& tokens, bool isCurrent)
{
    const CoverageCounts& counts = row.counts;
    const double height = CoverageLanes::rowHeight;
    painter.setFont(textFont(TextSize::Secondary, isCurrent ? TextWeight::Strong : TextWeight::Normal));
    painter.setPen(isCurrent ? tokens.accent : tokens.text);
    painter.drawText(QRectF(space::tiny, top, lanes.label, height), Qt::AlignVCenter,
                     Text::tr("Block %1").arg(row.block));
    const bool isLoud = rows.isChange
                            ? counts.change() < 0
                            : counts.measured() > 0 && static_cast<double>(counts.covered) <
                                                           rows.alpha * static_cast<double>(counts.measured());
    painter.setFont(fixedFont(TextSize::Secondary, isLoud ? TextWeight::Strong : TextWeight::Normal));
    painter.setPen(counts.measured() == 0 ? tokens.secondary
                   : !isLoud              ? tokens.text
                   : rows.isChange        ? tokens.weaker.ink
                                          : tokens.failed.ink);
    painter.drawText(QRectF(lanes.label, top, lanes.number - space::medium, height), Qt::AlignRight | Qt::AlignVCenter,
                     coverageNumber(rows, counts));
    const QRectF strip = lanes.strip(top);
    paintMarks(painter, row, lanes, strip, tokens, rows.isChange);
    painter.setFont(textFont(TextSize::Axis));
    painter.setPen(tokens.secondary);
    painter.drawText(QRectF(strip.right() + space::medium, top, lanes.note, height), Qt::AlignVCenter,
                     coverageNote(rows, counts));
}

}
