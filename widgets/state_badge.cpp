#include "widgets/state_badge.h"

#include <QCoreApplication>
#include <QEvent>
#include <QFontMetricsF>
#include <QPainter>
#include <QPainterPath>

#include <cmath>
#include <numbers>

namespace blockcert::widgets {

namespace {

struct Text {
    Q_DECLARE_TR_FUNCTIONS(StateBadge)
};

constexpr int glyphSize = 16;
constexpr int pillHeight = 22;
constexpr int pillPadding = 10;

QPainterPath octagon(const QRectF& rect)
{
    QPolygonF points;
    const QPointF centre = rect.center();
    const double radius = rect.width() / 2 / std::cos(std::numbers::pi / 8);
    for (int corner = 0; corner < 8; ++corner) {
        const double angle = (corner + 0.5) * std::numbers::pi / 4;
        points << centre + QPointF(radius * std::cos(angle), radius * std::sin(angle));
    }
    QPainterPath path;
    path.addPolygon(points);
    path.closeSubpath();
    return path;
}

}

QString stateWord(CheckState state)
{
    switch (state) {
    case CheckState::Verified: return Text::tr("Verified");
    case CheckState::Failed: return Text::tr("Failed");
    case CheckState::NotChecked: return Text::tr("Not checked");
    case CheckState::WeakerThanPolicy: return Text::tr("Weaker than policy");
    }
    return {};
}

QString markWord(Mark mark)
{
    switch (mark) {
    case Mark::Verified: return stateWord(CheckState::Verified);
    case Mark::Failed: return stateWord(CheckState::Failed);
    case Mark::NotChecked: return stateWord(CheckState::NotChecked);
    case Mark::WeakerThanPolicy: return stateWord(CheckState::WeakerThanPolicy);
    case Mark::ButLosses: return Text::tr("Verified but for losses");
    case Mark::Unchanged: return Text::tr("Unchanged, not recomputed");
    }
    return {};
}

Tint tintOf(Mark mark, const Tokens& tokens)
{
    switch (mark) {
    case Mark::Verified: return tokens.verified;
    case Mark::Failed: return tokens.failed;
    case Mark::NotChecked: return tokens.notChecked;
    case Mark::WeakerThanPolicy: return tokens.weaker;
    case Mark::ButLosses: return {tokens.verified.ink, tokens.panel};
    case Mark::Unchanged: return {tokens.accent, tokens.panel};
    }
    return tokens.notChecked;
}

bool isOutlined(Mark mark)
{
    return mark == Mark::ButLosses || mark == Mark::Unchanged;
}

void paintStateGlyph(QPainter& painter, const QRectF& rect, CheckState state, const Tokens& tokens)
{
    paintMark(painter, rect, markOf(state), tokens);
}

void paintMark(QPainter& painter, const QRectF& rect, Mark mark, const Tokens& tokens)
{
    const double side = std::min(rect.width(), rect.height());
    const QRectF box(rect.center() - QPointF(side / 2, side / 2), QSizeF(side, side));
    const double unit = side / 16;
    const QColor ink = tintOf(mark, tokens).ink;
    const QColor cut = tokens.panel;
    const auto at = [&](double x, double y) { return box.topLeft() + QPointF(x * unit, y * unit); };
    painter.save();
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(Qt::NoPen);
    painter.setBrush(ink);
    const QPen stroke(cut, 1.7 * unit, Qt::SolidLine, Qt::RoundCap, Qt::RoundJoin);
    const QPen line(ink, 1.5 * unit, Qt::SolidLine, Qt::RoundCap, Qt::RoundJoin);
    const QRectF ring = box.adjusted(1.2 * unit, 1.2 * unit, -1.2 * unit, -1.2 * unit);
    switch (mark) {
    case Mark::Verified: {
        painter.drawEllipse(box.adjusted(0.5 * unit, 0.5 * unit, -0.5 * unit, -0.5 * unit));
        painter.setPen(stroke);
        painter.setBrush(Qt::NoBrush);
        painter.drawPolyline(QPolygonF{at(4.9, 8.3), at(7.1, 10.5), at(11.2, 5.9)});
        break;
    }
    case Mark::ButLosses: { // the tick of Verified in a circle that is not filled
        painter.setPen(line);
        painter.setBrush(Qt::NoBrush);
        painter.drawEllipse(ring);
        painter.drawPolyline(QPolygonF{at(4.9, 8.3), at(7.1, 10.5), at(11.2, 5.9)});
        break;
    }
    case Mark::Unchanged: { // equal to what was listed
        painter.setPen(line);
        painter.setBrush(Qt::NoBrush);
        painter.drawRoundedRect(ring, 3 * unit, 3 * unit);
        painter.drawLine(at(4.6, 6.3), at(11.4, 6.3));
        painter.drawLine(at(4.6, 9.7), at(11.4, 9.7));
        break;
    }
    case Mark::Failed: {
        painter.drawPath(octagon(box.adjusted(0.5 * unit, 0.5 * unit, -0.5 * unit, -0.5 * unit)));
        painter.setPen(stroke);
        painter.drawLine(at(5.6, 5.6), at(10.4, 10.4));
        painter.drawLine(at(10.4, 5.6), at(5.6, 10.4));
        break;
    }
    case Mark::WeakerThanPolicy: {
        painter.setPen(QPen(ink, 1.4 * unit, Qt::SolidLine, Qt::RoundCap, Qt::RoundJoin));
        painter.drawPolygon(QPolygonF{at(8, 1.6), at(15, 14), at(1, 14)});
        painter.setPen(stroke);
        painter.drawLine(at(8, 6), at(8, 9.4));
        painter.setPen(Qt::NoPen);
        painter.setBrush(cut);
        painter.drawEllipse(at(8, 11.9), 1.05 * unit, 1.05 * unit);
        break;
    }
    case Mark::NotChecked: {
        painter.setBrush(Qt::NoBrush);
        QPen dashes(ink, 1.4 * unit, Qt::CustomDashLine, Qt::FlatCap);
        // Ten dashes exactly: the circumference over twenty, in units of the pen's width.
        const double dash = std::numbers::pi * 14 / 20 / 1.4;
        dashes.setDashPattern({dash, dash});
        painter.setPen(dashes);
        painter.drawEllipse(box.adjusted(unit, unit, -unit, -unit));
        painter.setPen(QPen(ink, 1.6 * unit, Qt::SolidLine, Qt::RoundCap));
        painter.drawLine(at(5.6, 8), at(10.4, 8));
        break;
    }
    }
    painter.restore();
}

QString blockStateWord(BlockState state)
{
    switch (state) {
    case BlockState::Waiting: return QStringLiteral("–");
    case BlockState::Running: return Text::tr("running");
    case BlockState::Certified: return Text::tr("yes");
    case BlockState::NotCertified: return Text::tr("no");
    case BlockState::Refused: return Text::tr("refused");
    }
    return {};
}

CheckState checkStateOf(BlockState state)
{
    switch (state) {
    case BlockState::Certified: return CheckState::Verified;
    case BlockState::NotCertified: return CheckState::WeakerThanPolicy;
    case BlockState::Refused: return CheckState::Failed;
    case BlockState::Waiting:
    case BlockState::Running: return CheckState::NotChecked;
    }
    return CheckState::NotChecked;
}

StateBadge::StateBadge(QWidget* parent)
    : QWidget(parent)
{
    setSizePolicy(QSizePolicy::Fixed, QSizePolicy::Fixed);
    describe();
}

void StateBadge::setState(CheckState state)
{
    setMark(markOf(state));
}

void StateBadge::setMark(Mark mark)
{
    m_mark = mark;
    describe();
}

void StateBadge::setWord(const QString& word)
{
    m_word = word;
    describe();
}

void StateBadge::setForm(Form form)
{
    m_form = form;
    describe();
}

void StateBadge::describe()
{
    const QString word = m_word.isEmpty() ? markWord(m_mark) : m_word;
    setAccessibleName(word);
    setToolTip(m_form == Form::Glyph ? word : QString());
    updateGeometry();
    update();
}

QSize StateBadge::sizeHint() const
{
    if (m_form == Form::Glyph)
        return {glyphSize, glyphSize};
    const QString word = m_word.isEmpty() ? markWord(m_mark) : m_word;
    const QFont font = textFont(TextSize::Secondary, TextWeight::Strong);
    const int text = static_cast<int>(std::ceil(QFontMetricsF(font).horizontalAdvance(word)));
    if (m_form == Form::Word)
        return {glyphSize + 6 + text, std::max(glyphSize, QFontMetrics(font).height())};
    if (m_form == Form::Label)
        return {pillPadding + text + pillPadding, std::max(pillHeight, QFontMetrics(font).height() + 4)};
    return {pillPadding + 14 + 6 + text + pillPadding, std::max(pillHeight, QFontMetrics(font).height() + 4)};
}

void StateBadge::paintEvent(QPaintEvent*)
{
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    const Tokens& tokens = tokensOf(*this);
    const QRectF area(rect());
    if (m_form == Form::Glyph) {
        paintMark(painter, area, m_mark, tokens);
        return;
    }
    const Tint tint = tintOf(m_mark, tokens);
    const QString word = m_word.isEmpty() ? markWord(m_mark) : m_word;
    double left = 0;
    double glyph = glyphSize;
    if (m_form == Form::Pill || m_form == Form::Label) {
        const bool isLine = isOutlined(m_mark);
        const QRectF pill = isLine ? area.adjusted(0.5, 0.5, -0.5, -0.5) : area;
        painter.setPen(isLine ? QPen(tint.ink, 1) : QPen(Qt::NoPen));
        painter.setBrush(tint.fill);
        painter.drawRoundedRect(pill, pill.height() / 2, pill.height() / 2);
        left = pillPadding;
        glyph = 14;
    }
    if (m_form == Form::Label)
        glyph = -6; // and no space after it
    else
        paintMark(painter, QRectF(left, (area.height() - glyph) / 2, glyph, glyph), m_mark, tokens);
    painter.setFont(textFont(TextSize::Secondary, TextWeight::Strong));
    painter.setPen(tint.ink);
    painter.drawText(area.adjusted(left + glyph + 6, 0, 0, 0), Qt::AlignVCenter | Qt::AlignLeft, word);
}

void StateBadge::changeEvent(QEvent* event)
{
    if (event->type() == QEvent::FontChange || event->type() == QEvent::StyleChange)
        updateGeometry();
    QWidget::changeEvent(event);
}

EvidenceMark::EvidenceMark(QWidget* parent)
    : QWidget(parent)
{
    setSizePolicy(QSizePolicy::Fixed, QSizePolicy::Fixed);
    setEvidence(Evidence::Measured);
}

void EvidenceMark::setEvidence(Evidence evidence)
{
    m_evidence = evidence;
    m_absent = false;
    m_word = evidenceWord(evidence);
    switch (evidence) {
    case Evidence::Measured:
        setToolTip(plainToolTip(tr("Observed on the listed prompts; it says nothing about other inputs.")));
        break;
    case Evidence::Bounded:
        setToolTip(plainToolTip(tr("An upper bound, rounded outwards; it holds for every input of its domain.")));
        break;
    case Evidence::Proved: setToolTip(plainToolTip(tr("Checked by Lean."))); break;
    }
    setAccessibleName(m_word);
    updateGeometry();
    update();
}

void EvidenceMark::setAbsent(Evidence evidence, const QString& note)
{
    m_evidence = evidence;
    m_absent = true;
    m_word = tr("%1: %2").arg(evidenceWord(evidence), note);
    setToolTip({});
    setAccessibleName(m_word);
    updateGeometry();
    update();
}

QSize EvidenceMark::sizeHint() const
{
    const QFontMetrics metrics(textFont(TextSize::Secondary, TextWeight::Strong));
    return {metrics.horizontalAdvance(m_word) + 2 * pillPadding, std::max(pillHeight, metrics.height() + 4)};
}

void EvidenceMark::paintEvent(QPaintEvent*)
{
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    const Tokens& tokens = tokensOf(*this);
    const QRectF area = QRectF(rect()).adjusted(0.5, 0.5, -0.5, -0.5);
    // Measured: a fill; bounded: a dashed outline around it; proved: a solid one.
    const QColor ink = m_absent ? tokens.notChecked.ink : tokens.accent;
    painter.setBrush(m_absent ? tokens.notChecked.fill : tokens.accentFill);
    painter.setPen(m_absent || m_evidence == Evidence::Measured
                       ? QPen(Qt::NoPen)
                       : QPen(ink, 1, m_evidence == Evidence::Bounded ? Qt::DashLine : Qt::SolidLine));
    painter.drawRoundedRect(area, area.height() / 2, area.height() / 2);
    painter.setPen(ink);
    painter.setFont(textFont(TextSize::Secondary, TextWeight::Strong));
    painter.drawText(area, Qt::AlignCenter, m_word);
}

}
