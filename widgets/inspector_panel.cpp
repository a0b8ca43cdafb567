#include "widgets/inspector_panel.h"

#include "widgets/cell_facts.h"
#include "widgets/change.h"
#include "widgets/error_legend.h"
#include "widgets/fact_list.h"
#include "widgets/icons.h"
#include "widgets/number_text.h"
#include "widgets/panel.h"
#include "widgets/spark_line.h"
#include "widgets/state_badge.h"
#include "widgets/theme.h"
#include "widgets/top_tokens.h"

#include <QEvent>
#include <QGridLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QPushButton>
#include <QVBoxLayout>

#include <algorithm>
#include <utility>

namespace blockcert::widgets {

namespace {

void emptyLayout(QLayout& layout)
{
    while (QLayoutItem* item = layout.takeAt(0)) {
        delete item->widget();
        delete item;
    }
}

}

InspectorPanel::InspectorPanel(QWidget* parent)
    : QScrollArea(parent)
{
    setFrameShape(QFrame::NoFrame);
    setWidgetResizable(true);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAsNeeded); // a number that does not fit must not lose its exponent
    setMinimumWidth(space::inspector - 40);
    auto* content = new QWidget;
    content->setProperty("surface", QStringLiteral("panel"));
    content->setAttribute(Qt::WA_StyledBackground);
    setWidget(content);

    m_title = makeLabel({}, TextSize::Title, TextWeight::Strong);
    m_title->setMinimumWidth(40);
    m_title->setWordWrap(true); // in large type the badge leaves it less than its line
    m_badge = new StateBadge;
    m_badge->setForm(StateBadge::Form::Label);
    m_headline = makeLabel({}, TextSize::Headline, TextWeight::Strong);
    m_headline->setTextInteractionFlags(Qt::TextSelectableByMouse);
    m_headline->setMinimumWidth(40);
    m_scope = makeLabel({}, TextSize::Secondary, TextWeight::Normal, TextTone::Secondary);
    m_scope->setWordWrap(true);
    m_release = new QPushButton(tr("Held · release"));
    setButtonRole(*m_release, ButtonRole::Flush);
    m_release->setToolTip(tr("Esc"));
    m_release->setIcon(themedIcon(Icon::Hold, IconTint::Accent));
    m_release->setIconSize({14, 14});
    m_facts = new FactList;
    m_sparkTitle = makeLabel(tr("The same token through the blocks"), TextSize::Body, TextWeight::Strong);
    m_sparkTitle->setWordWrap(true);
    m_spark = new SparkLine;
    m_topTitle = makeLabel({}, TextSize::Body, TextWeight::Strong);
    m_topTitle->setWordWrap(true);
    m_top = new TopTokens;
    m_says = makeLabel({}, TextSize::Secondary, TextWeight::Normal, TextTone::Secondary);
    m_says->setWordWrap(true);
    m_actions = new QWidget;
    auto* grid = new QGridLayout(m_actions);
    grid->setContentsMargins(0, 0, 0, 0);
    grid->setSpacing(space::small);

    auto* titleRow = new QHBoxLayout;
    titleRow->setSpacing(space::small);
    titleRow->addWidget(m_title, 1);
    titleRow->addWidget(m_badge, 0, Qt::AlignVCenter);
    m_details = new QWidget;
    auto* details = new QVBoxLayout(m_details);
    details->setContentsMargins(0, 0, 0, 0);
    details->setSpacing(space::small);
    details->addWidget(m_facts);
    details->addSpacing(space::large);
    details->addWidget(m_sparkTitle);
    details->addWidget(m_spark);
    details->addSpacing(space::large);
    details->addWidget(m_topTitle);
    details->addWidget(m_top);
    auto* column = new QVBoxLayout(content);
    column->setContentsMargins(space::large + 4, space::large, space::large + 4, space::large);
    column->setSpacing(space::tiny);
    column->addLayout(titleRow);
    column->addWidget(m_headline);
    column->addWidget(m_scope);
    column->addWidget(m_release, 0, Qt::AlignLeft);
    column->addSpacing(space::small);
    column->addWidget(m_details);
    column->addSpacing(space::large);
    column->addWidget(m_says);
    column->addSpacing(space::small);
    column->addWidget(m_actions);
    column->addStretch(1);

    connect(m_release, &QPushButton::clicked, this, &InspectorPanel::releaseRequested);
    connect(m_spark, &SparkLine::labelChosen, this, &InspectorPanel::blockChosen);
    setAccessibleName(tr("Inspector"));
    refresh();
}

void InspectorPanel::setMap(std::shared_ptr<const TokenMap> map)
{
    m_map = std::move(map);
    refresh();
}

void InspectorPanel::setCell(const CellKey& key, bool held)
{
    m_key = key;
    m_held = held;
    refresh();
}

void InspectorPanel::setMetric(Metric metric)
{
    m_metric = metric;
    refresh();
}

void InspectorPanel::resizeEvent(QResizeEvent* event)
{
    QScrollArea::resizeEvent(event);
    arrangeActions();
    fitHeadline();
}

// The type has become larger or smaller.
bool InspectorPanel::event(QEvent* event)
{
    const bool isHandled = QScrollArea::event(event);
    if (event->type() == QEvent::FontChange) {
        arrangeActions();
        fitHeadline();
    }
    return isHandled;
}

// As large as it can be shown whole: a number without its exponent would be another one.
void InspectorPanel::fitHeadline()
{
    const QMargins margins = widget()->layout()->contentsMargins();
    const int room = viewport()->width() - margins.left() - margins.right();
    for (const TextSize size : {TextSize::Headline, TextSize::Title, TextSize::Body, TextSize::Axis}) {
        setTextFont(*m_headline, size, TextWeight::Strong);
        if (QFontMetrics(m_headline->font()).horizontalAdvance(m_headline->text()) <= room)
            return;
    }
}

void InspectorPanel::setActions(const std::vector<InspectorAction>& actions)
{
    if (actions == m_shownActions)
        return;
    m_shownActions = actions;
    auto* grid = static_cast<QGridLayout*>(m_actions->layout());
    emptyLayout(*grid);
    for (int i = 0; i < static_cast<int>(actions.size()); ++i) {
        const InspectorAction& action = actions[static_cast<std::size_t>(i)];
        auto* button = new QPushButton(action.text);
        setButtonRole(*button, ButtonRole::Plain);
        button->setToolTip(plainToolTip(action.toolTip));
        button->setEnabled(action.enabled);
        connect(button, &QPushButton::clicked, this, [this, i] { emit actionRequested(i); });
        grid->addWidget(button, i, 0);
    }
    arrangeActions();
    refresh();
}

// Two beside each other where both can be read.
void InspectorPanel::arrangeActions()
{
    auto* grid = static_cast<QGridLayout*>(m_actions->layout());
    std::vector<QWidget*> buttons;
    int widest = 0;
    while (QLayoutItem* item = grid->takeAt(0)) {
        buttons.push_back(item->widget());
        widest = std::max(widest, buttons.back()->sizeHint().width());
        delete item;
    }
    const QMargins margins = widget()->layout()->contentsMargins();
    const int room = viewport()->width() - margins.left() - margins.right();
    const int columns = room < 2 * widest + grid->horizontalSpacing() ? 1 : 2;
    for (int i = 0; i < static_cast<int>(buttons.size()); ++i)
        grid->addWidget(buttons[static_cast<std::size_t>(i)], i / columns, i % columns);
}

void InspectorPanel::refresh()
{
    const CellReading reading = m_map ? readCell(*m_map, m_key, m_metric) : CellReading();
    const bool shown = reading.token != nullptr;
    for (QWidget* widget : std::initializer_list<QWidget*>{m_headline, m_details, m_says, m_actions})
        widget->setVisible(shown);
    m_badge->setVisible(shown && reading.covered.has_value());
    m_release->setVisible(shown && m_held);
    if (!shown) {
        m_title->setText(m_map ? tr("No token is selected") : tr("No run is shown"));
        m_scope->setText(
            m_map ? isChange(*m_map)
                        ? tr("Point at a cell to see how far its numbers lie apart, click to hold it, Esc "
                             "to release it. Arrow keys move from cell to cell.")
                        : tr("Point at a cell to see its numbers, click to hold it, Esc to release it. Arrow keys "
                             "move from cell to cell, N goes to the next one above τ.")
                  : tr("Open a run or start one; its numbers appear here."));
        return;
    }
    m_title->setText(tr("Token %1 at block %2").arg(m_key.token).arg(m_key.block));
    m_title->setToolTip(plainToolTip(
        tr("Prompt %1, id %2, “%3”").arg(m_key.prompt).arg(reading.token->id).arg(visiblePiece(reading.token->piece))));
    m_headline->setText(reading.headline);
    fitHeadline();
    m_headline->setToolTip(exactNumber(reading.value));
    m_scope->setText(tr("“%1” in %2\n%3")
                         .arg(visiblePiece(reading.token->piece), promptName(*m_map, m_key.prompt), reading.sentence));
    if (reading.covered) {
        m_badge->setState(*reading.covered ? CheckState::NotChecked : CheckState::Failed);
        m_badge->setWord(*reading.covered ? tr("Covered") : tr("Not covered"));
    }
    m_facts->setFacts(cellFacts(*m_map, m_key));

    std::vector<double> series;
    series.reserve(m_map->blocks.size());
    const Metric drawn = m_metric == Metric::Coverage ? decidingMetric(m_map->thresholds) : m_metric;
    for (std::size_t column = 0; column < m_map->blocks.size(); ++column) {
        const MapCell* cell = m_map->cell(column, static_cast<std::size_t>(m_key.prompt));
        series.push_back(cell != nullptr
                             ? valueOf(*cell, drawn, static_cast<std::size_t>(m_key.token), m_map->thresholds)
                             : missing);
    }
    const bool manyBlocks = std::count_if(series.begin(), series.end(), [](double v) { return !isMissing(v); }) > 1;
    m_sparkTitle->setText(isChange(*m_map) ? tr("|B − A| of the same token through the blocks")
                                           : tr("The same token through the blocks"));
    m_sparkTitle->setVisible(manyBlocks);
    m_spark->setVisible(manyBlocks);
    m_spark->setSeries(m_map->blocks, std::move(series), reading.threshold);
    m_spark->setCurrent(m_key.block);

    const auto token = static_cast<std::size_t>(m_key.token);
    const bool hasTop = reading.cell != nullptr && token < reading.cell->topBase.size();
    m_topTitle->setText(topTitle(*m_map));
    m_topTitle->setVisible(hasTop);
    m_top->setVisible(hasTop);
    if (hasTop)
        m_top->setPredictions(predictionOf(*m_map, m_key, false), predictionOf(*m_map, m_key, true));
    m_says->setText(isChange(*m_map) ? tr("The difference of two measured numbers, B − A. It is no error of either run "
                                          "and is held against no threshold.")
                                     : tr("Measured on the listed prompts. It says nothing about other inputs."));
}

}
