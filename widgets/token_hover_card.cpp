#include "widgets/token_hover_card.h"

#include "widgets/cell_facts.h"
#include "widgets/change.h"
#include "widgets/fact_list.h"
#include "widgets/number_text.h"
#include "widgets/panel.h"
#include "widgets/state_badge.h"
#include "widgets/theme.h"
#include "widgets/top_tokens.h"

#include <QGuiApplication>
#include <QHBoxLayout>
#include <QLabel>
#include <QPainter>
#include <QScreen>
#include <QVBoxLayout>

namespace blockcert::widgets {

namespace {

constexpr int cardWidth = 320;
constexpr int pointerGap = 18;

}

TokenHoverCard::TokenHoverCard(QWidget* parent)
    : QFrame(parent, Qt::ToolTip | Qt::FramelessWindowHint | Qt::WindowTransparentForInput)
{
    setAttribute(Qt::WA_ShowWithoutActivating);
    setAttribute(Qt::WA_TransparentForMouseEvents);
    setFixedWidth(cardWidth);
    m_title = makeLabel({}, TextSize::Secondary, TextWeight::Strong);
    m_state = new StateBadge;
    m_state->setForm(StateBadge::Form::Label); // covered or not is no outcome of a check
    m_headline = makeLabel({}, TextSize::Title, TextWeight::Strong);
    m_sentence = makeLabel({}, TextSize::Secondary, TextWeight::Normal, TextTone::Secondary);
    m_sentence->setWordWrap(true);
    m_facts = new FactList;
    m_topTitle = makeLabel({}, TextSize::Secondary, TextWeight::Strong);
    m_top = new TopTokens;
    auto* headlineRow = new QHBoxLayout;
    headlineRow->addWidget(m_headline, 1);
    headlineRow->addWidget(m_state);
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(space::medium, space::small, space::medium, space::small);
    column->setSpacing(space::tiny);
    column->addWidget(m_title);
    column->addLayout(headlineRow);
    column->addWidget(m_sentence);
    column->addWidget(m_facts);
    column->addSpacing(space::tiny);
    column->addWidget(m_topTitle);
    column->addWidget(m_top);
}

void TokenHoverCard::setCell(const TokenMap& map, const CellKey& key, Metric metric)
{
    const CellReading reading = readCell(map, key, metric);
    if (reading.token == nullptr)
        return;
    m_title->setText(
        tr("Token %1 “%2” at block %3").arg(key.token).arg(visiblePiece(reading.token->piece)).arg(key.block));
    m_headline->setText(reading.headline);
    m_sentence->setText(promptName(map, key.prompt) + u'\n' + reading.sentence);
    m_state->setVisible(reading.covered.has_value());
    if (reading.covered) {
        // Green is kept for what was verified; a token is only within its threshold or not.
        m_state->setState(*reading.covered ? CheckState::NotChecked : CheckState::Failed);
        m_state->setWord(*reading.covered ? tr("Covered") : tr("Not covered"));
    }
    m_facts->setFacts(reading.cell != nullptr ? cellFacts(map, key) : std::vector<Fact>{});
    const auto at = static_cast<std::size_t>(key.token);
    const bool hasTop = reading.cell != nullptr && at < reading.cell->topBase.size();
    m_topTitle->setVisible(hasTop);
    m_top->setVisible(hasTop);
    if (hasTop)
        m_top->setPredictions(predictionOf(map, key, false), predictionOf(map, key, true));
    m_topTitle->setText(topTitle(map));
    adjustSize();
}

void TokenHoverCard::showCell(const TokenMap& map, const CellKey& key, Metric metric, const QPoint& globalPosition)
{
    setCell(map, key, metric);
    const QScreen* screen = QGuiApplication::screenAt(globalPosition);
    const QRect bounds = screen != nullptr ? screen->availableGeometry() : QRect(globalPosition, size() * 2);
    QPoint corner = globalPosition + QPoint(pointerGap, pointerGap);
    if (corner.x() + width() > bounds.right())
        corner.setX(globalPosition.x() - pointerGap - width());
    if (corner.y() + height() > bounds.bottom())
        corner.setY(std::max(bounds.top(), bounds.bottom() - height()));
    move(corner);
    show();
}

void TokenHoverCard::paintEvent(QPaintEvent*)
{
    QPainter painter(this);
    const Tokens& tokens = tokensOf(*this);
    painter.fillRect(rect(), tokens.panel);
    painter.setPen(tokens.line);
    painter.drawRect(rect().adjusted(0, 0, -1, -1));
}

}
