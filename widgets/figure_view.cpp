#include "widgets/figure_view.h"

#include "engine/figure/lay_out.h"
#include "engine/figure/svg.h"
#include "engine/figure/text_runs.h"
#include "widgets/number_text.h"
#include "widgets/values.h"

#include <QAccessible>
#include <QFontMetricsF>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QPainter>
#include <QPainterPath>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

namespace blockcert::widgets {

namespace {

// In the order of the series; each keeps 4.5 : 1 on its paper and differs from its neighbours in lightness as well.
constexpr std::array<QRgb, 8> lightSeries{0x2B66D9, 0xB83D1B, 0x0B7A61, 0x7A3FA6,
                                          0x8A5A00, 0x1B2027, 0xB02A7B, 0x3B6E8F};
constexpr std::array<QRgb, 8> darkSeries{0x74A5FF, 0xFF8763, 0x4CC9A8, 0xC79BF2,
                                         0xE6B450, 0xE7EAEF, 0xF08CC8, 0x8FBEDD};

QColor onRamp(const std::array<QColor, 5>& ramp, double at)
{
    const double place = std::clamp(at, 0.0, 1.0) * static_cast<double>(ramp.size() - 1);
    const auto index = std::min(static_cast<std::size_t>(place), ramp.size() - 2);
    const double share = place - static_cast<double>(index);
    const QColor& from = ramp[index];
    const QColor& to = ramp[index + 1];
    const auto mix = [&](int a, int b) { return static_cast<int>(std::lround(a + (b - a) * share)); };
    return {mix(from.red(), to.red()), mix(from.green(), to.green()), mix(from.blue(), to.blue())};
}

QPointF pointOf(const figure::Place& place)
{
    return {place.x, place.y};
}

QPolygonF polygonOf(const std::vector<figure::Place>& places)
{
    QPolygonF polygon;
    for (const figure::Place& place : places)
        polygon << pointOf(place);
    return polygon;
}

class DrawingPainter {
public:
    DrawingPainter(QPainter& painter, const Tokens& tokens, const QColor& paper)
        : m_painter(painter)
        , m_tokens(tokens)
        , m_paper(paper)
    {
    }

    void operator()(const figure::LineShape& line) const
    {
        QPen pen(inkColour(line.paint, m_tokens, m_paper), line.width, Qt::SolidLine, Qt::FlatCap, Qt::RoundJoin);
        if (!line.dash.empty() && line.width > 0) {
            QList<qreal> pattern; // Qt counts dashes in widths of the pen
            for (const double length : line.dash)
                pattern << length / line.width;
            pen.setDashPattern(pattern);
            pen.setDashOffset(line.phase / line.width);
        }
        m_painter.setPen(pen);
        m_painter.setBrush(Qt::NoBrush);
        m_painter.drawPolyline(polygonOf(line.points));
    }

    void operator()(const figure::AreaShape& area) const
    {
        setOutline(area.outline, area.outlineWidth);
        m_painter.setBrush(inkColour(area.fill, m_tokens, m_paper));
        m_painter.drawPolygon(polygonOf(area.points));
    }

    void operator()(const figure::DiscShape& disc) const
    {
        setOutline(disc.outline, disc.outlineWidth);
        m_painter.setBrush(inkColour(disc.fill, m_tokens, m_paper));
        m_painter.drawEllipse(pointOf(disc.centre), disc.radius, disc.radius);
    }

    void operator()(const figure::TextShape& text) const
    {
        QFont font = textFont(TextSize::Axis, text.strong ? TextWeight::Strong : TextWeight::Normal);
        font.setPixelSize(std::max(1, qRound(text.size)));
        QFont low = font;
        low.setPixelSize(std::max(1, qRound(text.size * figure::subscriptSize)));
        const std::vector<figure::TextRun> runs = figure::textRuns(text.text);
        const auto written = [&text](const figure::TextRun& run) {
            QString word = QString::fromStdString(run.text);
            if (text.turned != 0)
                word.replace(u'‖', QStringLiteral("||")); // turned, its two lines would run into one grey box
            return word;
        };
        const auto widthOf = [&](const figure::TextRun& run) {
            return QFontMetricsF(run.subscript ? low : font).horizontalAdvance(written(run));
        };
        double width = 0;
        for (const figure::TextRun& run : runs)
            width += widthOf(run);
        const double shift = text.anchor == figure::Anchor::Middle ? width / 2
                             : text.anchor == figure::Anchor::End  ? width
                                                                   : 0;
        m_painter.save();
        m_painter.setPen(inkColour(text.paint, m_tokens, m_paper));
        m_painter.translate(pointOf(text.at));
        m_painter.rotate(text.turned);
        double x = -shift;
        for (const figure::TextRun& run : runs) {
            m_painter.setFont(run.subscript ? low : font);
            m_painter.drawText(QPointF(x, run.subscript ? text.size * figure::subscriptDrop : 0), written(run));
            x += widthOf(run);
        }
        m_painter.restore();
    }

private:
    void setOutline(const figure::Paint& outline, double width) const
    {
        if (width > 0)
            m_painter.setPen(
                QPen(inkColour(outline, m_tokens, m_paper), width, Qt::SolidLine, Qt::FlatCap, Qt::MiterJoin));
        else
            m_painter.setPen(Qt::NoPen);
    }

    QPainter& m_painter;
    const Tokens& m_tokens;
    QColor m_paper;
};

ExportTable tableOf(const figure::Figure& figure)
{
    ExportTable table;
    table.columns = {QStringLiteral("panel"), QStringLiteral("series"), QStringLiteral("x"),
                     QStringLiteral("y"),     QStringLiteral("lower"),  QStringLiteral("upper")};
    const auto number = [](const std::optional<double>& value) {
        return value && std::isfinite(*value) ? exactNumber(*value) : QString();
    };
    for (const figure::Panel& panel : figure.panels) {
        const QString title = QString::fromStdString(panel.title);
        for (const figure::Series& series : panel.series)
            for (const figure::Point& point : series.points) {
                if (series.mark == figure::Mark::Between)
                    continue; // no number that anything has measured
                const auto at = static_cast<std::size_t>(std::max(0.0, point.x));
                const QString x =
                    at < panel.x.categories.size() ? QString::fromStdString(panel.x.categories[at]) : number(point.x);
                table.rows.push_back({title, QString::fromStdString(series.name), x, number(point.y),
                                      number(point.lower), number(point.upper)});
            }
        if (panel.heat)
            for (std::size_t row = 0; row < panel.heat->rows.size(); ++row)
                for (std::size_t column = 0; column < panel.heat->columns.size(); ++column) {
                    const std::size_t cell = row * panel.heat->columns.size() + column;
                    table.rows.push_back({title,
                                          QString::fromStdString(panel.heat->rows[row]),
                                          QString::fromStdString(panel.heat->columns[column]),
                                          cell < panel.heat->cells.size() ? number(panel.heat->cells[cell]) : QString(),
                                          {},
                                          {}});
                }
    }
    return table;
}

}

QColor inkColour(const figure::Paint& paint, const Tokens& tokens, const QColor& paper)
{
    const auto index = static_cast<std::size_t>(std::max(0, paint.index));
    switch (paint.ink) {
    case figure::Ink::Paper: return paper;
    case figure::Ink::Text: return tokens.text;
    case figure::Ink::Secondary:
    case figure::Ink::Threshold: return tokens.secondary;
    case figure::Ink::Faint: return tokens.line;
    case figure::Ink::Frame: return tokens.faint;
    case figure::Ink::Band: return index % 2 == 0 ? tokens.accentFill : tokens.weaker.fill;
    case figure::Ink::Series: {
        const auto& series = tokens.dark ? darkSeries : lightSeries;
        return QColor::fromRgb(series[index % series.size()]);
    }
    case figure::Ink::Covered: return onRamp(tokens.cool, paint.at);
    case figure::Ink::Uncovered: return onRamp(tokens.warm, paint.at);
    }
    return tokens.text;
}

void paintDrawing(QPainter& painter, const figure::Drawing& drawing, const Tokens& tokens, const QColor& paper)
{
    painter.save();
    painter.setRenderHint(QPainter::Antialiasing);
    const DrawingPainter one(painter, tokens, paper);
    for (const figure::Shape& shape : drawing.shapes)
        std::visit(one, shape);
    painter.restore();
}

ViewExport figureExport(const figure::Figure& figure)
{
    const auto shared = std::make_shared<const figure::Figure>(figure);
    const auto drawing = std::make_shared<const figure::Drawing>(figure::layOut(figure));
    ViewExport view;
    view.title = QString::fromStdString(figure.title);
    view.name = view.title.toLower().replace(u' ', u'-');
    view.scope = QString::fromStdString(figure.scope);
    view.caption = QString::fromStdString(figure.caption);
    for (const auto& [name, value] : figure.metadata)
        view.metadata.emplace_back(QString::fromStdString(name), QString::fromStdString(value));
    view.size = QSizeF(drawing->width, drawing->height);
    view.paint = [drawing](QPainter& painter, bool) { paintDrawing(painter, *drawing, printTokens(), Qt::white); };
    view.table = [shared] { return tableOf(*shared); };
    view.svg = [shared] { return QByteArray::fromStdString(figure::writeSvg(*shared)); };
    view.isComplete = true;
    return view;
}

FigureView::FigureView(QWidget* parent)
    : QWidget(parent)
{
    setMouseTracking(true);
    setFocusPolicy(Qt::StrongFocus);
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Expanding);
    setAccessibleName(tr("Chart"));
}

void FigureView::setFigure(std::shared_ptr<const figure::Figure> figure, bool ownWords)
{
    m_figure = std::move(figure);
    m_ownWords = ownWords;
    relayout();
    QStringList words;
    if (m_figure)
        for (const std::string* text : {&m_figure->title, &m_figure->scope, &m_figure->caption})
            if (!text->empty())
                words << QString::fromStdString(*text);
    setAccessibleDescription(words.join(QStringLiteral(". ")));
    setToolTip(m_ownWords || !m_figure ? QString() : plainToolTip(QString::fromStdString(m_figure->caption)));
}

figure::Figure FigureView::fitted() const
{
    figure::Figure figure = *m_figure;
    if (!m_ownWords) {
        figure.title.clear();
        figure.scope.clear();
        figure.caption.clear();
    }
    figure.width = std::max(280, width());
    // What is not panel (title, legend, caption) keeps its height; the panels share the rest.
    const double taken = figure::layOut(figure).height;
    const int across = std::max(1, figure.columns);
    const int down = std::max(1, (static_cast<int>(figure.panels.size()) + across - 1) / across);
    figure.panelHeight = std::max(120.0, figure.panelHeight + (height() - taken) / down);
    return figure;
}

void FigureView::relayout()
{
    m_current = -1;
    m_drawing = m_figure ? figure::layOut(fitted()) : figure::Drawing();
    update();
}

void FigureView::resizeEvent(QResizeEvent* event)
{
    QWidget::resizeEvent(event);
    relayout();
}

QSize FigureView::sizeHint() const
{
    return {640, 360};
}

QSize FigureView::minimumSizeHint() const
{
    return {280, 220};
}

ViewExport FigureView::exported() const
{
    return m_figure ? figureExport(*m_figure) : ViewExport();
}

int FigureView::nearestMark(const QPointF& point) const
{
    int nearest = -1;
    double best = 20; // pixels: further away is not meant
    for (std::size_t i = 0; i < m_drawing.marks.size(); ++i) {
        const double distance = QLineF(point, pointOf(m_drawing.marks[i].at)).length();
        if (distance < best) {
            best = distance;
            nearest = static_cast<int>(i);
        }
    }
    return nearest;
}

void FigureView::setCurrent(int mark)
{
    if (mark == m_current)
        return;
    m_current = mark;
    update();
    if (QAccessible::isActive() && mark >= 0) {
        setAccessibleDescription(currentText());
        QAccessibleEvent event(this, QAccessible::DescriptionChanged);
        QAccessible::updateAccessibility(&event);
    }
}

QString FigureView::currentText() const
{
    if (m_current < 0 || !m_figure)
        return {};
    const figure::DataMark& mark = m_drawing.marks[static_cast<std::size_t>(m_current)];
    const figure::Panel& panel = m_figure->panels[static_cast<std::size_t>(mark.panel)];
    const figure::Series& series = panel.series[static_cast<std::size_t>(mark.series)];
    const figure::Point& point = series.points[static_cast<std::size_t>(mark.point)];
    const auto at = static_cast<std::size_t>(std::max(0.0, point.x));
    const QString x =
        at < panel.x.categories.size() ? QString::fromStdString(panel.x.categories[at]) : exactNumber(point.x);
    QString text =
        tr("%1: %2 → %3").arg(QString::fromStdString(series.name), x, exactNumber(point.y.value_or(missing)));
    if (point.lower && point.upper)
        text += tr(" (%1 … %2)").arg(exactNumber(*point.lower), exactNumber(*point.upper));
    const auto same = std::ranges::count_if(
        series.points, [&point](const figure::Point& other) { return other.x == point.x && other.y == point.y; });
    if (same > 1)
        text += tr(" ×%1").arg(same);
    return text;
}

void FigureView::mouseReleaseEvent(QMouseEvent* event)
{
    event->accept();
}

void FigureView::paintEvent(QPaintEvent*)
{
    QPainter painter(this);
    const Tokens& tokens = tokensOf(*this);
    painter.fillRect(rect(), tokens.window);
    paintDrawing(painter, m_drawing, tokens, tokens.window);
    if (m_current >= 0) {
        const QPointF at = pointOf(m_drawing.marks[static_cast<std::size_t>(m_current)].at);
        painter.setRenderHint(QPainter::Antialiasing);
        painter.setPen(QPen(tokens.text, 2));
        painter.setBrush(Qt::NoBrush);
        painter.drawEllipse(at, 6.5, 6.5);
        const QFont font = textFont(TextSize::Secondary);
        const QFontMetricsF metrics(font);
        const QString text = visiblePiece(currentText()).replace(u'␣', u' ');
        const QSizeF size(metrics.horizontalAdvance(text) + 2 * space::small, metrics.height() + 2 * space::tiny);
        QRectF box(at + QPointF(12, -size.height() - 8), size);
        if (box.right() > width())
            box.moveRight(std::max(size.width(), at.x() - 12));
        if (box.top() < 0)
            box.moveTop(at.y() + 10);
        painter.setPen(QPen(tokens.line, 1));
        painter.setBrush(tokens.panel);
        painter.drawRoundedRect(box, 4, 4);
        painter.setFont(font);
        painter.setPen(tokens.text);
        painter.drawText(box, Qt::AlignCenter, text);
    }
    if (hasFocus())
        paintFocusRing(painter, QRectF(rect()).adjusted(0, 0, -1, -1), tokens);
}

void FigureView::mouseMoveEvent(QMouseEvent* event)
{
    setCurrent(nearestMark(event->position()));
}

void FigureView::mousePressEvent(QMouseEvent* event)
{
    setCurrent(nearestMark(event->position()));
    if (m_current < 0 || event->button() != Qt::LeftButton)
        return;
    const figure::DataMark& mark = m_drawing.marks[static_cast<std::size_t>(m_current)];
    const figure::Point& point = m_figure->panels[static_cast<std::size_t>(mark.panel)]
                                     .series[static_cast<std::size_t>(mark.series)]
                                     .points[static_cast<std::size_t>(mark.point)];
    emit pointChosen(point.x, point.y.value_or(missing));
}

void FigureView::leaveEvent(QEvent* event)
{
    QWidget::leaveEvent(event);
    if (!hasFocus())
        setCurrent(-1);
}

void FigureView::focusOutEvent(QFocusEvent* event)
{
    QWidget::focusOutEvent(event);
    setCurrent(-1);
}

// Left and Right go along a series, Up and Down to the nearest measurement of another one; Esc lets go.
void FigureView::keyPressEvent(QKeyEvent* event)
{
    const auto count = static_cast<int>(m_drawing.marks.size());
    const auto markAt = [this](int i) -> const figure::DataMark& {
        return m_drawing.marks[static_cast<std::size_t>(i)];
    };
    const int step = event->key() == Qt::Key_Right ? 1 : event->key() == Qt::Key_Left ? -1 : 0;
    if (event->key() == Qt::Key_Escape && m_current >= 0) {
        setCurrent(-1);
    } else if (step != 0 && count > 0) {
        const int next = m_current < 0 ? 0 : m_current + step;
        const bool same =
            m_current < 0 || (next >= 0 && next < count && markAt(next).series == markAt(m_current).series &&
                              markAt(next).panel == markAt(m_current).panel);
        if (same)
            setCurrent(next);
    } else if ((event->key() == Qt::Key_Up || event->key() == Qt::Key_Down) && m_current >= 0) {
        int best = -1;
        double bestDistance = std::numeric_limits<double>::max();
        const int wanted = event->key() == Qt::Key_Up ? -1 : 1;
        for (int i = 0; i < count; ++i) {
            const double down = markAt(i).at.y - markAt(m_current).at.y;
            const double across = std::abs(markAt(i).at.x - markAt(m_current).at.x);
            if (markAt(i).series == markAt(m_current).series || down * wanted < 0)
                continue;
            if (const double distance = 10 * across + std::abs(down); distance < bestDistance) {
                bestDistance = distance;
                best = i;
            }
        }
        if (best >= 0)
            setCurrent(best);
    } else {
        QWidget::keyPressEvent(event);
    }
}

}
