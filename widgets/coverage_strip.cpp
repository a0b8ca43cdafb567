#include "widgets/coverage_strip.h"

#include "widgets/cell_facts.h"
#include "widgets/number_text.h"
#include "widgets/theme.h"

#include <QAccessible>
#include <QFontMetricsF>
#include <QHelpEvent>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QPainter>
#include <QScrollBar>
#include <QToolTip>

#include <algorithm>
#include <cmath>

namespace blockcert::widgets {

namespace {

constexpr int mostNames = 60;

// What N visits and the block in hand names: of two runs what changes.
bool wantsAttention(const CoverageRows& rows, TokenCoverage state)
{
    if (rows.isChange)
        return state == TokenCoverage::OnlyInA || state == TokenCoverage::OnlyInB;
    return state == TokenCoverage::Uncovered || state == TokenCoverage::Undecided;
}

}

CoverageStrip::CoverageStrip(QWidget* parent)
    : QAbstractScrollArea(parent)
{
    setFocusPolicy(Qt::StrongFocus);
    setFrameShape(QFrame::NoFrame);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    viewport()->setAttribute(Qt::WA_OpaquePaintEvent);
    setAccessibleName(tr("Coverage by block and token"));
}

void CoverageStrip::setMap(std::shared_ptr<const TokenMap> map, std::shared_ptr<const CoverageRows> rows)
{
    m_map = std::move(map);
    m_rows = std::move(rows);
    if (m_map && m_rows) {
        if (m_rows->rowOf(m_current.block) < 0 || m_rows->placeOf(m_current.prompt, m_current.token) < 0)
            m_current = {};
        QStringList words;
        for (int row = 0; row < static_cast<int>(m_rows->rows.size()); ++row)
            words << rowSentence(row);
        setAccessibleDescription(words.join(QStringLiteral(". ")));
    }
    relayout();
}

void CoverageStrip::setCurrent(const CellKey& key)
{
    if (key == m_current || !m_rows)
        return;
    m_current = m_rows->rowOf(key.block) >= 0 && m_rows->placeOf(key.prompt, key.token) >= 0 ? key : CellKey{};
    relayout();
    if (const int row = currentRow(); row >= 0) {
        const double top = rowTop(row) + verticalScrollBar()->value();
        const double bottom = top + CoverageLanes::rowHeight + m_namesHeight;
        if (top < verticalScrollBar()->value())
            verticalScrollBar()->setValue(static_cast<int>(top));
        else if (bottom > verticalScrollBar()->value() + viewport()->height())
            verticalScrollBar()->setValue(static_cast<int>(std::ceil(bottom)) - viewport()->height());
    }
}

int CoverageStrip::currentRow() const
{
    return m_rows && m_current.isValid() ? m_rows->rowOf(m_current.block) : -1;
}

double CoverageStrip::rowTop(int row) const
{
    const int current = currentRow();
    return row * CoverageLanes::rowHeight + (current >= 0 && row > current ? m_namesHeight : 0) -
           verticalScrollBar()->value();
}

int CoverageStrip::rowAt(double y) const
{
    if (!m_rows)
        return -1;
    for (int row = 0; row < static_cast<int>(m_rows->rows.size()); ++row)
        if (y >= rowTop(row) && y < rowTop(row + 1))
            return row;
    return -1;
}

QRectF CoverageStrip::stripRect(int row) const
{
    return m_lanes.strip(rowTop(row));
}

CellKey CoverageStrip::keyOf(int row, int place) const
{
    const MapSlice::Place& at = m_rows->places[static_cast<std::size_t>(place)];
    return {m_rows->rows[static_cast<std::size_t>(row)].block, at.prompt, at.token};
}

std::optional<QPointF> CoverageStrip::pointOf(const CellKey& key) const
{
    if (!m_rows)
        return std::nullopt;
    const int row = m_rows->rowOf(key.block);
    const int place = m_rows->placeOf(key.prompt, key.token);
    if (row < 0 || place < 0)
        return std::nullopt;
    const QRectF strip = stripRect(row);
    return QPointF(strip.left() + (m_lanes.placeLeft(place) + m_lanes.placeLeft(place + 1)) / 2, strip.center().y());
}

std::optional<CellKey> CoverageStrip::tokenAt(const QPointF& viewportPoint) const
{
    const int row = rowAt(viewportPoint.y());
    if (row < 0)
        return std::nullopt;
    if (row == currentRow())
        for (const Name& name : m_names)
            if (name.place >= 0 && name.rect.translated(0, rowTop(row)).contains(viewportPoint))
                return keyOf(row, name.place);
    const QRectF strip = stripRect(row);
    if (!strip.contains(viewportPoint))
        return std::nullopt;
    // Where tokens share pixels, the one the pixel shows: what is not covered wins.
    const int place = m_lanes.placeAt(viewportPoint.x() - strip.left());
    if (place < 0)
        return std::nullopt;
    const std::vector<TokenCoverage>& tokens = m_rows->rows[static_cast<std::size_t>(row)].tokens;
    int shown = place;
    const double pixel = std::floor(strip.left() + m_lanes.placeLeft(place));
    for (int other = place; other < static_cast<int>(tokens.size()); ++other) {
        if (std::floor(strip.left() + m_lanes.placeLeft(other)) > pixel)
            break;
        if (worse(tokens[static_cast<std::size_t>(shown)], tokens[static_cast<std::size_t>(other)]) !=
            tokens[static_cast<std::size_t>(shown)])
            shown = other;
    }
    return keyOf(row, shown);
}

void CoverageStrip::relayout()
{
    m_lanes = CoverageLanes::measure(m_rows.get(), viewport()->width());
    layNames();
    const int rows = m_rows ? static_cast<int>(m_rows->rows.size()) : 0;
    const double content = rows * CoverageLanes::rowHeight + (currentRow() >= 0 ? m_namesHeight : 0);
    verticalScrollBar()->setPageStep(viewport()->height());
    verticalScrollBar()->setSingleStep(static_cast<int>(CoverageLanes::rowHeight));
    verticalScrollBar()->setRange(0, std::max(0, static_cast<int>(std::ceil(content)) - viewport()->height()));
    viewport()->update();
}

// The tokens of the block in hand that are not covered, by name, as chips that wrap.
void CoverageStrip::layNames()
{
    m_names.clear();
    m_hiddenNames = 0;
    m_namesHeight = 0;
    const int row = currentRow();
    if (row < 0)
        return;
    const CoverageRow& shown = m_rows->rows[static_cast<std::size_t>(row)];
    const QFontMetricsF metrics(fixedFont(TextSize::Secondary));
    const QRectF strip = stripRect(row);
    const double height = metrics.height() + 6;
    double x = strip.left();
    double y = CoverageLanes::rowHeight;
    for (std::size_t place = 0; place < shown.tokens.size(); ++place) {
        if (!wantsAttention(*m_rows, shown.tokens[place]))
            continue;
        if (static_cast<int>(m_names.size()) == mostNames) {
            ++m_hiddenNames;
            continue;
        }
        const MapSlice::Place& at = m_rows->places[place];
        const QString sign = shown.tokens[place] == TokenCoverage::OnlyInA   ? tr("lost: ")
                             : shown.tokens[place] == TokenCoverage::OnlyInB ? tr("won: ")
                                                                             : QString();
        const QString text = metrics.elidedText(sign + tr("%1 · %2:%3").arg(pieceOf(at)).arg(at.prompt).arg(at.token),
                                                Qt::ElideMiddle, strip.width() - 16);
        const double width = metrics.horizontalAdvance(text) + 2 * space::small;
        if (x > strip.left() && x + width > strip.right()) {
            x = strip.left();
            y += height + space::tiny;
        }
        m_names.push_back({static_cast<int>(place), QRectF(x, y, width, height), text});
        x += width + space::tiny;
    }
    if (m_names.empty())
        return;
    if (m_hiddenNames > 0) {
        const QString text = tr("and %1 more").arg(countText(m_hiddenNames));
        m_names.push_back({-1, QRectF(x, y, metrics.horizontalAdvance(text) + 2 * space::small, height), text});
    }
    m_namesHeight = y + height + space::small - CoverageLanes::rowHeight;
}

QString CoverageStrip::pieceOf(const MapSlice::Place& place) const
{
    return visiblePiece(
        m_map->prompts[static_cast<std::size_t>(place.prompt)].tokens[static_cast<std::size_t>(place.token)].piece);
}

QString CoverageStrip::rowSentence(int row) const
{
    const CoverageRow& shown = m_rows->rows[static_cast<std::size_t>(row)];
    const CoverageCounts& counts = shown.counts;
    if (counts.measured() == 0)
        return (m_rows->isChange ? tr("Block %1: not measured in both") : tr("Block %1: not measured"))
            .arg(shown.block);
    if (m_rows->isChange)
        return tr("Block %1: B − A of the coverage is %2; of %3 tokens %4 are covered in A only, %5 in B only, %6 in "
                  "both, "
                  "%7 in neither")
            .arg(shown.block)
            .arg(coverageNumber(*m_rows, counts), countText(counts.measured()), countText(counts.onlyInA),
                 countText(counts.onlyInB), countText(counts.covered), countText(counts.uncovered));
    QString text = tr("Block %1: %2 covered (%3 of %4 tokens)")
                       .arg(shown.block)
                       .arg(coverageText(counts.covered, counts.measured()), countText(counts.covered),
                            countText(counts.measured()));
    if (counts.uncovered > 0)
        text += tr(", %1 not covered").arg(countText(counts.uncovered));
    if (counts.undecided > 0)
        text += tr(", %1 undecided").arg(countText(counts.undecided));
    if (counts.notMeasured > 0)
        text += tr(", %1 not measured").arg(countText(counts.notMeasured));
    return text;
}

QString CoverageStrip::toolTipOf(const CellKey& key, TokenCoverage state) const
{
    const CellReading reading = readCell(*m_map, key, m_rows->isChange ? m_rows->metric : Metric::Coverage);
    if (m_rows->isChange) {
        const QString word = state == TokenCoverage::Covered     ? tr("covered in A and in B")
                             : state == TokenCoverage::OnlyInA   ? tr("covered in A, not in B")
                             : state == TokenCoverage::OnlyInB   ? tr("covered in B, not in A")
                             : state == TokenCoverage::Uncovered ? tr("covered in neither")
                                                                 : tr("not measured in both");
        return tr("“%1”, token %2 of prompt %3, block %4: %5\n%6")
            .arg(pieceOf({key.prompt, key.token}))
            .arg(key.token)
            .arg(key.prompt)
            .arg(key.block)
            .arg(word, reading.cell == nullptr ? QString() : tr("B − A of the error: %1").arg(reading.headline))
            .trimmed();
    }
    const QString word = state == TokenCoverage::Covered     ? tr("covered")
                         : state == TokenCoverage::Uncovered ? tr("not covered")
                         : state == TokenCoverage::Undecided ? tr("undecided: too close to the threshold to call")
                                                             : tr("not measured");
    return tr("“%1”, token %2 of prompt %3, block %4: %5\n%6")
        .arg(pieceOf({key.prompt, key.token}))
        .arg(key.token)
        .arg(key.prompt)
        .arg(key.block)
        .arg(word, reading.headline);
}

QSize CoverageStrip::sizeHint() const
{
    const int rows = m_rows ? static_cast<int>(m_rows->rows.size()) : 4;
    return {640, static_cast<int>(CoverageLanes::rowHeight) * std::clamp(rows, 3, 12)};
}

void CoverageStrip::choose(const CellKey& key)
{
    if (key == m_current)
        return;
    setCurrent(key);
    if (QAccessible::isActive() && currentRow() >= 0) {
        setAccessibleDescription(
            rowSentence(currentRow()) + QStringLiteral(". ") +
            toolTipOf(m_current,
                      m_rows->rows[static_cast<std::size_t>(currentRow())]
                          .tokens[static_cast<std::size_t>(m_rows->placeOf(m_current.prompt, m_current.token))]));
        QAccessibleEvent event(this, QAccessible::DescriptionChanged);
        QAccessible::updateAccessibility(&event);
    }
    emit tokenChosen(m_current);
}

void CoverageStrip::move(int rows, int places)
{
    if (!m_rows || m_rows->rows.empty() || m_rows->places.empty())
        return;
    if (!m_current.isValid()) {
        choose(keyOf(0, 0));
        return;
    }
    const int row = std::clamp(currentRow() + rows, 0, static_cast<int>(m_rows->rows.size()) - 1);
    const int place = std::clamp(m_rows->placeOf(m_current.prompt, m_current.token) + places, 0,
                                 static_cast<int>(m_rows->places.size()) - 1);
    choose(keyOf(row, place));
}

bool CoverageStrip::visitUncovered(bool forwards)
{
    if (!m_rows || m_rows->places.empty())
        return false;
    const qint64 places = static_cast<qint64>(m_rows->places.size());
    const qint64 count = places * static_cast<qint64>(m_rows->rows.size());
    qint64 at = m_current.isValid() ? currentRow() * places + m_rows->placeOf(m_current.prompt, m_current.token)
                : forwards          ? -1
                                    : count;
    for (qint64 visited = 0; visited < count; ++visited) {
        at = (at + (forwards ? 1 : -1) + count) % count;
        const int row = static_cast<int>(at / places);
        const int place = static_cast<int>(at % places);
        if (wantsAttention(*m_rows,
                           m_rows->rows[static_cast<std::size_t>(row)].tokens[static_cast<std::size_t>(place)])) {
            choose(keyOf(row, place));
            return true;
        }
    }
    return false;
}

bool CoverageStrip::viewportEvent(QEvent* event)
{
    if (event->type() == QEvent::ToolTip && m_rows && m_map) {
        const auto* help = static_cast<QHelpEvent*>(event);
        if (const auto key = tokenAt(help->pos())) {
            const CoverageRow& row = m_rows->rows[static_cast<std::size_t>(m_rows->rowOf(key->block))];
            const int place = m_rows->placeOf(key->prompt, key->token);
            QToolTip::showText(help->globalPos(),
                               plainToolTip(toolTipOf(*key, row.tokens[static_cast<std::size_t>(place)])), this);
        } else if (const int row = rowAt(help->pos().y()); row >= 0) {
            QToolTip::showText(help->globalPos(), plainToolTip(rowSentence(row)), this);
        } else {
            QToolTip::hideText();
        }
        return true;
    }
    return QAbstractScrollArea::viewportEvent(event);
}

void CoverageStrip::resizeEvent(QResizeEvent* event)
{
    QAbstractScrollArea::resizeEvent(event);
    relayout();
}

void CoverageStrip::scrollContentsBy(int, int)
{
    viewport()->update();
}

void CoverageStrip::mousePressEvent(QMouseEvent* event)
{
    if (event->button() != Qt::LeftButton || !m_rows)
        return;
    if (const auto key = tokenAt(event->position())) {
        choose(*key);
    } else if (const int row = rowAt(event->position().y()); row >= 0 && !m_rows->places.empty()) {
        // The row itself: its first token that is not covered, else its first token.
        const auto& tokens = m_rows->rows[static_cast<std::size_t>(row)].tokens;
        const auto found = std::find_if(tokens.begin(), tokens.end(),
                                        [this](TokenCoverage state) { return wantsAttention(*m_rows, state); });
        choose(keyOf(row, found == tokens.end() ? 0 : static_cast<int>(found - tokens.begin())));
    }
}

void CoverageStrip::mouseReleaseEvent(QMouseEvent* event)
{
    event->accept();
}

void CoverageStrip::mouseDoubleClickEvent(QMouseEvent* event)
{
    if (const auto key = tokenAt(event->position()))
        emit activated(*key);
}

void CoverageStrip::keyPressEvent(QKeyEvent* event)
{
    const int all = m_rows ? static_cast<int>(m_rows->places.size()) : 0;
    switch (event->key()) {
    case Qt::Key_Up: move(-1, 0); return;
    case Qt::Key_Down: move(1, 0); return;
    case Qt::Key_Left: move(0, -1); return;
    case Qt::Key_Right: move(0, 1); return;
    case Qt::Key_Home: move(0, -all); return;
    case Qt::Key_End: move(0, all); return;
    case Qt::Key_N: visitUncovered(true); return;
    case Qt::Key_P: visitUncovered(false); return;
    case Qt::Key_Return:
    case Qt::Key_Enter:
        if (m_current.isValid())
            emit activated(m_current);
        return;
    default: break;
    }
    event->ignore();
}

void CoverageStrip::changeEvent(QEvent* event)
{
    QAbstractScrollArea::changeEvent(event);
    if (event->type() == QEvent::FontChange || event->type() == QEvent::StyleChange ||
        event->type() == QEvent::PaletteChange)
        relayout();
}

}
