#include "app/workbench/pages/failure_view.h"

#include "app/workbench/pages/failure_details.h"
#include "app/workbench/pages/page_parts.h"
#include "app/workbench/process/background.h"
#include "app/workbench/session/annotations.h"
#include "app/workbench/session/selection_bus.h"
#include "widgets/empty_state.h"
#include "widgets/failure_table.h"
#include "widgets/number_text.h"
#include "widgets/segmented_control.h"
#include "widgets/token_chips.h"

#include <QCheckBox>
#include <QComboBox>
#include <QEvent>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QSignalBlocker>

#include <algorithm>
#include <set>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;
using widgets::FailureReason;
using widgets::Metric;
namespace space = widgets::space;

namespace {

QComboBox* facet(const QString& name)
{
    auto* box = new ElidedComboBox;
    box->setAccessibleName(name);
    box->setToolTip(name);
    box->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
    box->setMinimumContentsLength(9); // three of them and two boxes fit a narrow window
    return box;
}

Metric metricOf(FailureReason reason)
{
    switch (reason) {
    case FailureReason::Error: return Metric::Error;
    case FailureReason::RelativeError: return Metric::Relative;
    case FailureReason::LossDifference: return Metric::LossDifference;
    }
    return Metric::Error;
}

}

FailureView::FailureView(SelectionBus& bus, Annotations& notes, QWidget* parent)
    : QWidget(parent)
    , m_bus(bus)
    , m_notes(notes)
    , m_summary(wrapped({}))
    , m_table(new widgets::FailureTable)
    , m_empty(new widgets::EmptyState)
{
    setFocusProxy(m_table);
    connect(m_table, &widgets::FailureTable::failureChosen, this, &FailureView::choose);
    connect(m_table, &widgets::FailureTable::failureActivated, this, &FailureView::mapWanted);
    connect(&m_bus, &SelectionBus::changed, this, [this] {
        m_table->setCurrent(m_bus.now().cell);
        showFailure();
    });
    connect(&m_notes, &Annotations::changed, this, &FailureView::refreshMarks);
    auto* layout = column();
    layout->addWidget(m_summary);
    m_facets = makeFacets();
    layout->addWidget(m_facets);
    layout->addWidget(m_table, 1);
    layout->addWidget(m_empty, 1);
    layout->addWidget(makeCard());
    m_empty->setText(tr("Nothing failed"),
                     tr("No measured token is above its threshold. The map shows how near they come to it."));
    m_empty->setWays({{widgets::Icon::Explore, tr("Look at the map"), tr("Every token at every block")}});
    connect(m_empty, &widgets::EmptyState::wayChosen, this, &FailureView::mapWanted);
    setLayout(layout);
    showFailure();
}

QWidget* FailureView::makeFacets()
{
    m_reason = facet(tr("Which threshold"));
    m_block = facet(tr("At which block"));
    m_prompt = facet(tr("In which prompt"));
    m_massive = new QCheckBox(tr("Massive only"));
    m_massive->setToolTip(tr("Tokens whose output norm is at least 20 times the median of their block"));
    m_unmarked = new QCheckBox(tr("Unmarked only"));
    m_unmarked->setToolTip(tr("Hide what you have marked as expected, a bug, or in need of a prompt"));
    for (QComboBox* box : {m_reason, m_block, m_prompt})
        connect(box, &QComboBox::activated, this, &FailureView::applyFilter);
    for (QCheckBox* box : {m_massive, m_unmarked})
        connect(box, &QCheckBox::toggled, this, &FailureView::applyFilter);
    auto* facets = new QWidget;
    auto* layout = row();
    facets->setLayout(layout);
    layout->addWidget(m_reason);
    layout->addWidget(m_block);
    layout->addWidget(m_prompt);
    layout->addWidget(m_massive);
    layout->addWidget(m_unmarked);
    m_sliceChip = button(QString());
    m_sliceChip->setToolTip(tr("Only failures inside the slice that is selected on the map; a click shows all again"));
    m_sliceChip->hide();
    connect(m_sliceChip, &QPushButton::clicked, this, [this] { setSlice({}); });
    layout->addWidget(m_sliceChip);
    layout->addStretch(1);
    return facets;
}

QWidget* FailureView::makeCard()
{
    m_card = new widgets::Panel;
    m_inequality = widgets::makeLabel({}, widgets::TextSize::Title, widgets::TextWeight::Strong);
    m_inequality->setFont(widgets::fixedFont(widgets::TextSize::Body, widgets::TextWeight::Strong));
    m_inequality->setTextInteractionFlags(Qt::TextSelectableByMouse);
    m_inequality->setMinimumWidth(80);
    m_explanation = wrapped({}, widgets::TextTone::Secondary, widgets::TextSize::Secondary);
    m_chips = new widgets::TokenChips;
    m_chips->setFixedHeight(62);
    connect(m_chips, &widgets::TokenChips::tokenChosen, this, [this](int token) {
        if (const widgets::FailureRow* failure = m_table->current())
            choose({failure->key.block, failure->key.prompt, token});
    });
    m_mark = new widgets::SegmentedControl;
    m_mark->setChoices(
        {tr("Unmarked"), markName(TokenMark::Expected), markName(TokenMark::Bug), markName(TokenMark::NeedsPrompt)},
        {tr("Take the mark away"), tr("It is known why this fails, and it is accepted"), tr("It should not fail"),
         tr("Other prompts are needed to tell")});
    connect(m_mark, &widgets::SegmentedControl::chosen, this, &FailureView::setMark);
    m_note = new QLineEdit;
    m_note->setPlaceholderText(tr("A note on this token"));
    m_note->setAccessibleName(tr("Note on this token"));
    connect(m_note, &QLineEdit::textEdited, this, [this] { setMark(m_mark->current()); });
    m_export = button(tr("Export…"));
    m_export->setToolTip(tr("A folder with the prompt, the numbers and the command that shows this failure again"));
    connect(m_export, &QPushButton::clicked, this, &FailureView::exportWanted);
    QPushButton* map = button(tr("On the map"));
    connect(map, &QPushButton::clicked, this, &FailureView::mapWanted);

    auto* top = row();
    top->addWidget(m_inequality, 1);
    top->addWidget(map);
    top->addWidget(m_export);
    auto* bottom = row();
    bottom->addWidget(m_mark);
    bottom->addWidget(m_note, 1);
    auto* layout = new QVBoxLayout(m_card);
    layout->setContentsMargins(space::medium, space::small, space::medium, space::small);
    layout->setSpacing(space::small);
    layout->addLayout(top);
    layout->addWidget(m_explanation);
    layout->addWidget(m_chips);
    m_details = new FailureDetails;
    m_details->setMinimumHeight(118);
    m_details->setMaximumHeight(190);
    connect(m_details, &FailureDetails::blockChosen, this, [this](int block) {
        if (const widgets::FailureRow* failure = m_table->current())
            choose({block, failure->key.prompt, failure->key.token});
    });
    layout->addWidget(m_details);
    layout->addLayout(bottom);
    return m_card;
}

void FailureView::setMap(const std::shared_ptr<const widgets::TokenMap>& map, const QString& key)
{
    m_map = map;
    m_key = key;
    const quint64 request = ++m_request;
    if (!map) {
        showList({});
        return;
    }
    runInBackground<FailureList>(
        this, [map] { return failuresOf(*map); },
        [this, request](const FailureList& list) {
            if (request == m_request)
                showList(list);
        },
        [](const QString&) {});
}

void FailureView::showList(const FailureList& list)
{
    m_list = list;
    m_table->setRows(list.rows);
    const bool isNothing = m_map != nullptr && list.rows->empty();
    m_empty->setVisible(isNothing);
    m_facets->setVisible(!isNothing);
    m_table->setVisible(!isNothing);
    refreshMarks();
    refreshFacets();
    applyFilter();
    m_table->setCurrent(m_bus.now().cell);
    showFailure();
}

void FailureView::refreshFacets()
{
    std::set<int> blocks;
    std::set<int> prompts;
    std::set<FailureReason> reasons;
    for (const widgets::FailureRow& row : *m_list.rows) {
        blocks.insert(row.key.block);
        prompts.insert(row.key.prompt);
        reasons.insert(row.reason);
    }
    const auto fill = [](QComboBox* box, const QString& all, const auto& values, const auto& nameOf) {
        const QVariant kept = box->currentData();
        const QSignalBlocker block(box);
        box->clear();
        box->addItem(all, -1);
        for (const auto& value : values)
            box->addItem(nameOf(value), static_cast<int>(value));
        box->setCurrentIndex(std::max(0, box->findData(kept)));
    };
    fill(m_reason, tr("Every threshold"), reasons, widgets::reasonSymbol);
    fill(m_block, tr("Every block"), blocks, [](int block) { return tr("Block %1").arg(block); });
    fill(m_prompt, tr("Every prompt"), prompts,
         [this](int prompt) { return m_map->prompts[static_cast<std::size_t>(prompt)].id; });
}

void FailureView::refreshMarks()
{
    m_table->setMarks([this](const widgets::CellKey& key) { return markName(m_notes.ofToken(m_key, key).mark); });
    applyFilter();
}

void FailureView::applyFilter()
{
    widgets::FailureFilter filter;
    if (const int reason = m_reason->currentData().toInt(); m_reason->currentIndex() > 0)
        filter.reason = static_cast<FailureReason>(reason);
    if (m_block->currentIndex() > 0)
        filter.block = m_block->currentData().toInt();
    if (m_prompt->currentIndex() > 0)
        filter.prompt = m_prompt->currentData().toInt();
    filter.onlyMassive = m_massive->isChecked();
    filter.onlyUnmarked = m_unmarked->isChecked();
    if (!m_slice.isEmpty())
        filter.slice = m_slice;
    m_table->setFilter(filter);
    m_summary->setText(summaryOf(m_list, m_table->shownFailures()));
}

void FailureView::setSlice(const widgets::MapSlice& slice)
{
    m_slice = slice;
    m_sliceChip->setVisible(!slice.isEmpty());
    m_sliceChip->setText(tr("Slice: %1 tokens × %2 blocks  ✕").arg(slice.tokens.size()).arg(slice.blocks.size()));
    applyFilter();
}

// Chips are filled with colours of the appearance.
void FailureView::changeEvent(QEvent* event)
{
    QWidget::changeEvent(event);
    if (event->type() == QEvent::PaletteChange && m_chips)
        showFailure();
}

const widgets::FailureRow* FailureView::current() const
{
    return m_table->current();
}

QString FailureView::note() const
{
    return m_note->text();
}

void FailureView::choose(const widgets::CellKey& key)
{
    m_bus.hold(key);
    showFailure();
}

// The inequality with every digit, and the prompt in the colours of that block.
void FailureView::showFailure()
{
    const widgets::FailureRow* failure = m_table->current();
    m_card->setVisible(failure != nullptr && m_map != nullptr);
    if (!failure || !m_map)
        return;
    const double gap = failure->observed - failure->threshold;
    m_inequality->setText(tr("%1 > %2 = %3")
                              .arg(widgets::exactNumber(failure->observed), widgets::reasonSymbol(failure->reason),
                                   widgets::exactNumber(failure->threshold)));
    QString text = tr("Block %1, prompt %2, token %3 “%4”: above by %5 (%6)")
                       .arg(failure->key.block)
                       .arg(failure->prompt)
                       .arg(failure->key.token)
                       .arg(widgets::visiblePiece(failure->piece), widgets::exactNumber(gap),
                            widgets::percentText(failure->excess() - 1));
    text += failure->blocksFailing == 1 ? tr("; at this block only")
                                        : tr("; this token fails at %1 blocks").arg(failure->blocksFailing);
    if (failure->massive)
        text += tr("; its output is massive, at least 20 times the block's median norm");
    m_explanation->setText(text + u'.');

    const widgets::MapPrompt& prompt = m_map->prompts[static_cast<std::size_t>(failure->key.prompt)];
    m_chips->setTokens(std::make_shared<const std::vector<widgets::Token>>(prompt.tokens));
    const Metric metric = metricOf(failure->reason);
    const widgets::ErrorScale& scale =
        failure->reason == FailureReason::LossDifference ? m_list.lossScale : m_list.decidingScale;
    const int column = m_map->columnOf(failure->key.block);
    const widgets::MapCell* cell =
        column < 0 ? nullptr
                   : m_map->cell(static_cast<std::size_t>(column), static_cast<std::size_t>(failure->key.prompt));
    std::vector<QColor> fills(prompt.tokens.size());
    for (std::size_t token = 0; cell && token < fills.size(); ++token) {
        const int step = scale.stepOf(std::abs(widgets::valueOf(*cell, metric, token, m_map->thresholds)));
        if (step >= 0)
            fills[token] = scale.colourOf(step, widgets::tokensOf(*this));
    }
    m_chips->setFills(fills);
    m_chips->setCurrent(failure->key.token);
    m_details->setFailure(m_map, failure->key, metric);
    const TokenNote note = m_notes.ofToken(m_key, failure->key);
    m_mark->setCurrent(static_cast<int>(note.mark));
    if (!m_note->hasFocus())
        m_note->setText(note.note);
}

void FailureView::setMark(int mark)
{
    const widgets::FailureRow* failure = m_table->current();
    if (!failure)
        return;
    const widgets::CellKey key = failure->key;
    m_notes.setToken(m_key, key, {static_cast<TokenMark>(mark), m_note->text()});
    m_mark->setCurrent(mark);
}

}
