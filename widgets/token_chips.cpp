#include "widgets/token_chips.h"

#include "widgets/number_text.h"
#include "widgets/theme.h"

#include <QApplication>
#include <QClipboard>
#include <QFontMetrics>
#include <QHelpEvent>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QPainter>
#include <QScrollBar>
#include <QToolTip>

#include <algorithm>
#include <cmath>
#include <utility>

namespace blockcert::widgets {

namespace {

constexpr int padding = 6;
constexpr int gap = 4;
constexpr int longestPiece = 48; // characters; longer ones are cut in the middle, the tool tip has them whole

QString kindWord(TokenKind kind)
{
    switch (kind) {
    case TokenKind::Bos: return TokenChips::tr("BOS");
    case TokenKind::Eos: return TokenChips::tr("EOS");
    case TokenKind::Special: return TokenChips::tr("special");
    case TokenKind::Ordinary: return {};
    }
    return {};
}

// Relative luminance of WCAG 2.
double luminance(const QColor& colour)
{
    const auto linear = [](double share) {
        return share <= 0.03928 ? share / 12.92 : std::pow((share + 0.055) / 1.055, 2.4);
    };
    return 0.2126 * linear(colour.redF()) + 0.7152 * linear(colour.greenF()) + 0.0722 * linear(colour.blueF());
}

QColor betterOf(const QColor& a, const QColor& b, const QColor& on)
{
    return contrastRatio(a, on) >= contrastRatio(b, on) ? a : b;
}

QString chipText(const Token& token)
{
    QString text = visiblePiece(token.piece);
    if (text.isEmpty())
        text = QStringLiteral("∅");
    if (text.size() > longestPiece)
        text = text.left(longestPiece / 2) + u'…' + text.right(longestPiece / 2);
    return text;
}

}

double contrastRatio(const QColor& a, const QColor& b)
{
    const double first = luminance(a) + 0.05;
    const double second = luminance(b) + 0.05;
    return std::max(first, second) / std::min(first, second);
}

QColor inkOn(const QColor& fill)
{
    constexpr double wanted = 4.5;
    const QColor ink = betterOf(lightTokens().text, darkTokens().text, fill);
    return contrastRatio(ink, fill) >= wanted ? ink : betterOf(Qt::black, Qt::white, fill);
}

TokenChips::TokenChips(QWidget* parent)
    : QAbstractScrollArea(parent)
{
    setFocusPolicy(Qt::StrongFocus);
    setFrameShape(QFrame::NoFrame);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    viewport()->setMouseTracking(true);
    viewport()->setAutoFillBackground(false);
    QSizePolicy policy(QSizePolicy::Expanding, QSizePolicy::Preferred);
    policy.setHeightForWidth(true);
    setSizePolicy(policy);
    setAccessibleName(tr("Tokens"));
}

void TokenChips::setTokens(std::shared_ptr<const std::vector<Token>> tokens)
{
    m_tokens = std::move(tokens);
    m_pieces.clear();
    m_fills.clear();
    m_query.clear();
    m_current = -1;
    m_hovered = -1;
    relayout();
    verticalScrollBar()->setValue(0);
    updateGeometry();
    setAccessibleDescription(m_tokens ? (m_tokens->size() == 1 ? tr("1 token") : tr("%1 tokens").arg(m_tokens->size()))
                                      : QString());
}

void TokenChips::setTruncated(qint64 tokens)
{
    m_truncated = tokens;
    m_pieces.clear();
    relayout();
}

void TokenChips::setShowIds(bool show)
{
    m_showIds = show;
    m_pieces.clear();
    relayout();
}

void TokenChips::setFills(const std::vector<QColor>& fills)
{
    m_fills = fills;
    viewport()->update();
}

void TokenChips::setCurrent(int token)
{
    m_current = token;
    if (m_tokens && token >= 0 && token < static_cast<int>(m_tokens->size())) {
        const Token& shown = (*m_tokens)[static_cast<std::size_t>(token)];
        setAccessibleDescription(tr("Token %1 of %2, “%3”, id %4")
                                     .arg(token)
                                     .arg(m_tokens->size())
                                     .arg(visiblePiece(shown.piece))
                                     .arg(shown.id));
    }
    if (token >= 0 && token < static_cast<int>(m_chips.size())) {
        const QRect rect = m_chips[static_cast<std::size_t>(token)].rect;
        QScrollBar* bar = verticalScrollBar();
        if (rect.top() < bar->value())
            bar->setValue(rect.top() - gap);
        else if (rect.bottom() > bar->value() + viewport()->height())
            bar->setValue(rect.bottom() + gap - viewport()->height());
    }
    viewport()->update();
}

int TokenChips::highlight(const QString& text)
{
    m_query = text;
    int matches = 0;
    for (std::size_t i = 0; i < m_chips.size(); ++i) {
        Chip& chip = m_chips[i];
        chip.matches =
            !text.isEmpty() && m_tokens && i < m_tokens->size() &&
            ((*m_tokens)[i].piece.contains(text, Qt::CaseInsensitive) || QString::number((*m_tokens)[i].id) == text);
        matches += chip.matches ? 1 : 0;
    }
    viewport()->update();
    return matches;
}

int TokenChips::chipHeight() const
{
    const int line = QFontMetrics(fixedFont(TextSize::Secondary)).height();
    return m_showIds ? line + QFontMetrics(textFont(TextSize::Axis)).height() + 6 : line + 8;
}

// Text is measured once: layouts ask for the height at many widths.
const std::vector<TokenChips::Piece>& TokenChips::measuredPieces() const
{
    if (!m_pieces.empty() || !m_tokens)
        return m_pieces;
    const QFontMetrics pieces(fixedFont(TextSize::Secondary));
    const QFontMetrics axis(textFont(TextSize::Axis));
    const QFontMetrics kinds(textFont(TextSize::Axis, TextWeight::Strong));
    m_pieces.reserve(m_tokens->size() + 1);
    for (const Token& token : *m_tokens) {
        const QString text = chipText(token);
        int content = pieces.horizontalAdvance(text);
        if (token.kind != TokenKind::Ordinary)
            content += kinds.horizontalAdvance(kindWord(token.kind)) + space::small;
        if (m_showIds)
            content = std::max(content, axis.horizontalAdvance(QString::number(token.id)));
        // A line feed in the prompt ends the line here too, so that its shape stays recognisable.
        m_pieces.push_back({text, content, token.piece.endsWith(u'\n')});
    }
    if (m_truncated > 0) {
        const QString text = tr("%1 more tokens were cut off").arg(countText(m_truncated));
        m_pieces.push_back({text, pieces.horizontalAdvance(text), false});
    }
    return m_pieces;
}

int TokenChips::layoutInto(std::vector<Chip>* chips, int width) const
{
    const int height = chipHeight();
    int x = 0;
    int y = 0;
    for (const Piece& piece : measuredPieces()) {
        const int chipWidth = std::min(piece.width + 2 * padding, std::max(width, 24));
        if (x > 0 && x + chipWidth > width) {
            x = 0;
            y += height + gap;
        }
        if (chips != nullptr)
            chips->push_back({QRect(x, y, chipWidth, height), piece.text, false});
        x += chipWidth + gap;
        if (piece.endsLine) {
            x = 0;
            y += height + gap;
        }
    }
    return x > 0 ? y + height : std::max(0, y - gap);
}

void TokenChips::relayout()
{
    m_chips.clear();
    m_contentHeight = layoutInto(&m_chips, viewport()->width());
    verticalScrollBar()->setPageStep(std::max(1, viewport()->height()));
    verticalScrollBar()->setSingleStep(chipHeight());
    verticalScrollBar()->setRange(0, std::max(0, m_contentHeight - viewport()->height()));
    if (!m_query.isEmpty())
        highlight(m_query);
    viewport()->update();
}

int TokenChips::tokenAt(const QPoint& viewportPoint) const
{
    const QPoint point = viewportPoint + QPoint(0, verticalScrollBar()->value());
    // Chips are in reading order, so their rows can be bisected.
    auto at = std::lower_bound(m_chips.begin(), m_chips.end(), point.y(),
                               [](const Chip& chip, int y) { return chip.rect.bottom() < y; });
    for (; at != m_chips.end() && at->rect.top() <= point.y(); ++at)
        if (at->rect.contains(point))
            return m_tokens && at - m_chips.begin() < static_cast<std::ptrdiff_t>(m_tokens->size())
                       ? static_cast<int>(at - m_chips.begin())
                       : -1;
    return -1;
}

QRect TokenChips::chipRect(int token) const
{
    if (token < 0 || token >= static_cast<int>(m_chips.size()))
        return {};
    return m_chips[static_cast<std::size_t>(token)].rect.translated(0, -verticalScrollBar()->value());
}

QSize TokenChips::sizeHint() const
{
    return {480, std::clamp(heightForWidth(std::max(width(), 480)), chipHeight(), 6 * (chipHeight() + gap))};
}

int TokenChips::heightForWidth(int width) const
{
    // The estimate of the last layout is good enough where it is current; thousands of chips cost real time.
    if (width == viewport()->width())
        return m_contentHeight;
    return layoutInto(nullptr, width);
}

bool TokenChips::viewportEvent(QEvent* event)
{
    if (event->type() == QEvent::Leave && m_hovered >= 0) {
        m_hovered = -1;
        viewport()->update();
        emit tokenHovered(-1);
    }
    if (event->type() == QEvent::ToolTip) {
        const auto* help = static_cast<QHelpEvent*>(event);
        const int token = tokenAt(help->pos());
        if (token >= 0) {
            const Token& shown = (*m_tokens)[static_cast<std::size_t>(token)];
            QString text = tr("Token %1 · id %2 · “%3”").arg(token).arg(shown.id).arg(visiblePiece(shown.piece));
            if (shown.kind != TokenKind::Ordinary)
                text += tr(" · %1").arg(kindWord(shown.kind));
            QToolTip::showText(help->globalPos(), plainToolTip(text), this);
        } else {
            QToolTip::hideText();
        }
        return true;
    }
    return QAbstractScrollArea::viewportEvent(event);
}

void TokenChips::paintEvent(QPaintEvent*)
{
    QPainter painter(viewport());
    painter.setRenderHint(QPainter::Antialiasing);
    const Tokens& tokens = tokensOf(*this);
    const QFont pieceFont = fixedFont(TextSize::Secondary);
    const QFont axisFont = textFont(TextSize::Axis);
    const QFont kindFont = textFont(TextSize::Axis, TextWeight::Strong);
    const QFontMetrics pieces(pieceFont);
    const int scroll = verticalScrollBar()->value();
    const int lineHeight = pieces.height();
    auto at = std::lower_bound(m_chips.begin(), m_chips.end(), scroll,
                               [](const Chip& chip, int y) { return chip.rect.bottom() < y; });
    for (; at != m_chips.end() && at->rect.top() < scroll + viewport()->height(); ++at) {
        const auto index = static_cast<std::size_t>(at - m_chips.begin());
        const QRectF rect = QRectF(at->rect.translated(0, -scroll)).adjusted(0.5, 0.5, -0.5, -0.5);
        if (!m_tokens || index >= m_tokens->size()) {
            painter.setPen(tokens.weaker.ink);
            painter.setFont(textFont(TextSize::Secondary));
            painter.drawText(rect.adjusted(padding, 0, 0, 0), Qt::AlignVCenter | Qt::AlignLeft, at->text);
            continue;
        }
        const Token& token = (*m_tokens)[index];
        const bool special = token.kind != TokenKind::Ordinary;
        const bool isCurrent = static_cast<int>(index) == m_current;
        const bool filled = index < m_fills.size() && m_fills[index].isValid();
        const QColor fill = filled ? m_fills[index] : special ? tokens.accentFill : tokens.hover;
        // Special tokens differ by shape (square, dashed) and by a word, not only by colour.
        QPen outline(Qt::NoPen);
        if (special)
            outline = QPen(tokens.accent, 1, Qt::DashLine);
        if (at->matches)
            outline = QPen(tokens.weaker.ink, 1.5);
        if (static_cast<int>(index) == m_hovered)
            outline = QPen(tokens.secondary, 1);
        if (isCurrent)
            outline = QPen(tokens.accent, 2);
        painter.setPen(outline);
        painter.setBrush(fill);
        painter.drawRoundedRect(rect, special ? 2 : 5, special ? 2 : 5);
        const QColor ink = filled ? inkOn(fill) : tokens.text;
        QRectF text = rect.adjusted(padding - 0.5, m_showIds ? 2 : 0, -padding + 0.5, 0);
        if (m_showIds)
            text.setHeight(lineHeight + 1);
        if (special) {
            painter.setFont(kindFont);
            painter.setPen(filled ? ink : tokens.accent);
            painter.drawText(text, Qt::AlignRight | Qt::AlignVCenter, kindWord(token.kind));
        }
        painter.setFont(pieceFont);
        painter.setPen(special && !filled ? tokens.accent : ink);
        painter.drawText(text, Qt::AlignLeft | Qt::AlignVCenter, at->text);
        if (m_showIds) {
            painter.setFont(axisFont);
            painter.setPen(filled ? ink : tokens.secondary);
            painter.drawText(rect.adjusted(padding, 0, -padding, -2), Qt::AlignLeft | Qt::AlignBottom,
                             QString::number(token.id));
        }
    }
    if (hasFocus() && m_current < 0)
        paintFocusRing(painter, QRectF(viewport()->rect()), tokens);
}

void TokenChips::resizeEvent(QResizeEvent* event)
{
    QAbstractScrollArea::resizeEvent(event);
    relayout();
}

void TokenChips::mouseMoveEvent(QMouseEvent* event)
{
    const int token = tokenAt(event->position().toPoint());
    if (token == m_hovered)
        return;
    m_hovered = token;
    viewport()->update();
    emit tokenHovered(token);
}

void TokenChips::mousePressEvent(QMouseEvent* event)
{
    const int token = tokenAt(event->position().toPoint());
    if (token < 0 || event->button() != Qt::LeftButton)
        return;
    setCurrent(token);
    emit tokenChosen(token);
}

void TokenChips::keyPressEvent(QKeyEvent* event)
{
    const int count = m_tokens ? static_cast<int>(m_tokens->size()) : 0;
    int next = m_current;
    // The nearest chip of the row above or below, by horizontal position.
    const auto vertical = [&](int direction) {
        if (m_current < 0 || m_current >= count)
            return 0;
        const QRect from = m_chips[static_cast<std::size_t>(m_current)].rect;
        int best = m_current;
        for (int i = m_current + direction; i >= 0 && i < count; i += direction) {
            const QRect rect = m_chips[static_cast<std::size_t>(i)].rect;
            if (rect.top() == from.top())
                continue;
            if (best != m_current && rect.top() != m_chips[static_cast<std::size_t>(best)].rect.top())
                break;
            const auto distance = [&](int chip) {
                return std::abs(m_chips[static_cast<std::size_t>(chip)].rect.center().x() - from.center().x());
            };
            if (best == m_current || distance(i) < distance(best))
                best = i;
        }
        return best;
    };
    if (event->matches(QKeySequence::Copy)) {
        if (m_current >= 0 && m_current < count)
            QApplication::clipboard()->setText((*m_tokens)[static_cast<std::size_t>(m_current)].piece);
        return;
    }
    switch (event->key()) {
    case Qt::Key_Left: next = m_current - 1; break;
    case Qt::Key_Right: next = m_current + 1; break;
    case Qt::Key_Up: next = vertical(-1); break;
    case Qt::Key_Down: next = vertical(1); break;
    case Qt::Key_Home: next = 0; break;
    case Qt::Key_End: next = count - 1; break;
    default: QAbstractScrollArea::keyPressEvent(event); return;
    }
    if (count == 0)
        return;
    next = std::clamp(next, 0, count - 1);
    if (next != m_current) {
        setCurrent(next);
        emit tokenChosen(next);
    }
}

void TokenChips::changeEvent(QEvent* event)
{
    QAbstractScrollArea::changeEvent(event);
    if (event->type() == QEvent::FontChange || event->type() == QEvent::StyleChange ||
        event->type() == QEvent::PaletteChange) {
        m_pieces.clear();
        relayout();
    }
}

}
