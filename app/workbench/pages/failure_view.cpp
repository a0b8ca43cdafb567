#include "app/workbench/pages/failure_view.h"

#include "app/workbench/pages/block_anatomy_view.h"
#include "app/workbench/pages/failure_card.h"
#include "app/workbench/pages/failure_details.h"
#include "app/workbench/pages/page_parts.h"
#include "app/workbench/process/background.h"
#include "app/workbench/session/annotations.h"
#include "app/workbench/session/selection_bus.h"
#include "widgets/empty_state.h"
#include "widgets/failure_table.h"
#include "widgets/flow_row.h"
#include "widgets/notice.h"
#include "widgets/segmented_control.h"

#include <QCheckBox>
#include <QComboBox>
#include <QLabel>
#include <QPushButton>
#include <QSignalBlocker>

#include <algorithm>
#include <set>
#include <utility>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;
using widgets::CellKey;
using widgets::FailureReason;
using State = Loadable<FailureAnatomy>::State;

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

bool holds(const std::vector<widgets::FailureRow>& rows, const CellKey& key)
{
    return std::any_of(rows.begin(), rows.end(), [&key](const auto& row) { return row.key == key; });
}

}

FailureView::FailureView(SelectionBus& bus, Annotations& notes, QWidget* parent)
    : QWidget(parent)
    , m_bus(bus)
    , m_notes(notes)
    , m_summary(wrapped({}))
    , m_headline(new widgets::Notice)
    , m_part(new widgets::SegmentedControl)
    , m_table(new widgets::FailureTable)
    , m_empty(new widgets::EmptyState)
    , m_blocks(new BlockAnatomyView)
    , m_card(new FailureCard(notes))
{
    setFocusProxy(m_table);
    m_part->setChoices({tr("Not covered"), tr("Largest covered"), tr("By block")},
                       {tr("Every token above its threshold, worst first"),
                        tr("The 20 largest errors of each block that are within their threshold"),
                        tr("Whose ε stands out, and what goes along with it")});
    connect(m_part, &widgets::SegmentedControl::chosen, this, [this](int part) { showPart(static_cast<Part>(part)); });
    connect(m_table, &widgets::FailureTable::failureChosen, this, &FailureView::choose);
    connect(m_table, &widgets::FailureTable::failureActivated, this, &FailureView::mapWanted);
    connect(m_headline, &widgets::Notice::actionRequested, this, &FailureView::actOnHeadline);
    connect(m_empty, &widgets::EmptyState::wayChosen, this, [this](int way) {
        if (way == 0)
            showPart(LargestCovered);
        else
            emit mapWanted();
    });
    connect(m_blocks, &BlockAnatomyView::blockChosen, this, [this](int block) {
        refreshHeadline();
        emit blockWanted(block);
    });
    connect(m_blocks, &BlockAnatomyView::worstWanted, this, &FailureView::explain);
    connect(m_card, &FailureCard::cellChosen, this, &FailureView::choose);
    connect(m_card, &FailureCard::mapWanted, this, &FailureView::mapWanted);
    connect(m_card, &FailureCard::exportWanted, this, &FailureView::exportWanted);
    connect(&details(), &FailureDetails::anatomyWanted, this, &FailureView::askForAnatomy);
    connect(&details(), &FailureDetails::partChosen, this, &FailureView::revealCard);
    connect(&m_bus, &SelectionBus::changed, this, [this] {
        m_table->setCurrent(m_bus.now().cell);
        m_blocks->showBlock(m_bus.now().cell.block);
        refreshHeadline();
        showFailure();
    });
    connect(&m_notes, &Annotations::changed, this, &FailureView::refreshMarks);
    auto* layout = column();
    layout->addWidget(m_summary);
    layout->addWidget(m_headline);
    auto* parts = row(); // above the facets: beside them they are wider than a small screen
    parts->addWidget(m_part);
    parts->addStretch(1);
    layout->addLayout(parts);
    m_facets = makeFacets();
    layout->addWidget(m_facets);
    layout->addWidget(m_table, 1);
    layout->addWidget(m_empty, 1);
    layout->addWidget(m_blocks, 1);
    layout->addWidget(m_card);
    setLayout(layout);
    refresh();
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
    m_reason->setMinimumContentsLength(12); // "Every threshold"
    for (QComboBox* box : {m_reason, m_block, m_prompt})
        connect(box, &QComboBox::activated, this, &FailureView::applyFilter);
    for (QCheckBox* box : {m_massive, m_unmarked})
        connect(box, &QCheckBox::toggled, this, &FailureView::applyFilter);
    auto* facets = new QWidget;
    auto* layout = new widgets::FlowRow(facets);
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
    return facets;
}

void FailureView::setMap(const std::shared_ptr<const widgets::TokenMap>& map, const QString& key)
{
    m_isPartChosen = m_isPartChosen && key == m_key;
    if (key != m_key)
        m_explained = {}; // it was of another run
    const bool isOther = map != m_map;
    m_map = map;
    m_key = key;
    const quint64 request = ++m_request;
    if (!map) {
        showList({});
        return;
    }
    if (isOther) { // rows of the one before name prompts and tokens that this one need not have
        m_list = {};
        refresh();
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
    m_listed = m_request;
    if (!m_isPartChosen)
        m_part->setCurrent(m_map && list.rows->empty() && list.measured > 0 ? ByBlock : NotCovered);
    refresh();
    if (isVisible())
        askForAnatomy();
    if (m_map && m_explained.isValid())
        explain(std::exchange(m_explained, {}));
    emit contentChanged();
}

void FailureView::showPart(Part part)
{
    m_part->setCurrent(part);
    m_isPartChosen = true;
    if (part == ByBlock)
        m_blocks->showBlock(m_bus.now().cell.block);
    refresh();
}

FailureView::Content FailureView::content() const
{
    if (part() != ByBlock || !isListed())
        return isListed() ? Content::There : Content::Coming; // the blocks are asked for once failures are listed
    return m_anatomy.isReady() ? Content::There : m_anatomy.isLoading() ? Content::Coming : Content::None;
}

FailureView::Part FailureView::part() const
{
    return static_cast<Part>(m_part->current());
}

void FailureView::refresh()
{
    const bool isList = part() != ByBlock;
    const auto& rows = part() == LargestCovered ? m_list.covered : m_list.rows;
    const bool isNothing = m_map && isListed() && rows->empty();
    const bool areBlocksKnown = m_map && m_anatomy.isReady();
    m_table->setRows(rows);
    m_reason->setVisible(part() == NotCovered);
    m_facets->setVisible(isList && !isNothing);
    m_table->setVisible(isList && !isNothing);
    m_blocks->setVisible(!isList && areBlocksKnown);
    m_empty->setVisible(isList ? isNothing : m_map && !areBlocksKnown);
    if (!isList)
        m_empty->setText(m_anatomy.isLoading() ? tr("Looking into the blocks") : tr("Not looked into"),
                         tr("What goes along with the largest errors: norms of keys, values and residuals, attention "
                            "margins, the part of attention and MLP."));
    else if (part() == NotCovered)
        m_empty->setText(tr("Nothing failed"),
                         tr("No measured token is above its threshold. How near they come to it:"));
    else
        m_empty->setText(tr("Nothing is covered"), tr("Every measured token is above its threshold."));
    m_empty->setWays(isList && part() == NotCovered
                         ? std::vector<widgets::WayIn>{{widgets::Icon::Alert, tr("The largest errors"),
                                                        tr("20 of each block, and what goes along with them"), true},
                                                       {widgets::Icon::Explore, tr("Look at the map"),
                                                        tr("Every token at every block")}}
                         : std::vector<widgets::WayIn>());
    setFocusProxy(isList ? static_cast<QWidget*>(m_table) : m_blocks);
    refreshFacets();
    refreshMarks();
    m_table->setCurrent(m_bus.now().cell);
    refreshHeadline();
    showFailure();
}

void FailureView::setAnatomy(const Loadable<FailureAnatomy>& anatomy)
{
    const bool isOther = anatomy.state != m_anatomy.state || anatomy.value != m_anatomy.value;
    m_anatomy = anatomy;
    details().setAnatomy(anatomy);
    if (!isOther)
        return;
    m_blocks->setAnatomy(anatomy.isReady() ? anatomy.value : nullptr, m_map);
    m_blocks->showBlock(m_bus.now().cell.block); // else the one that stands out
    refresh();
    emit contentChanged();
}

// The sentence about the block that stands out; before, what is known of it. It keeps its height whatever is selected,
// so that nothing under it moves away from the pointer.
void FailureView::refreshHeadline()
{
    using Tone = widgets::Notice::Tone;
    const bool isWanted = m_map != nullptr && m_list.measured > 0;
    if (m_anatomy.isReady()) {
        const FailureAnatomy& anatomy = *m_anatomy.value;
        QStringList words{anatomy.headline()};
        if (part() == ByBlock)
            words << anatomy.problems;
        m_headline->setNotice(
            part() == ByBlock && !anatomy.problems.isEmpty() ? Tone::Warning : Tone::Note, words.join(u' '),
            anatomy.outstanding ? tr("Look into block %1").arg(*anatomy.outstanding) : tr("Block by block"));
        m_headline->setActionEnabled(part() != ByBlock ||
                                     (anatomy.outstanding && anatomy.outstanding != m_blocks->shownBlock()));
    } else if (m_anatomy.state == State::Failed) {
        m_headline->setNotice(Tone::Error, m_anatomy.fault.sentence, tr("Try again"));
        m_headline->setActionEnabled(true);
    } else if (m_anatomy.isLoading()) {
        m_headline->setNotice(Tone::Note, tr("Looking into the blocks …"), tr("Cancel"));
        m_headline->setActionEnabled(true);
    } else {
        m_headline->setNotice(Tone::Note,
                              tr("What goes along with the errors of each block was not looked into; that "
                                 "replays keys and values from the run's weights."),
                              tr("Look into it"));
        m_headline->setActionEnabled(true);
    }
    m_headline->setVisible(isWanted);
}

void FailureView::actOnHeadline()
{
    if (m_anatomy.isLoading()) {
        emit anatomyCancelWanted();
    } else if (!m_anatomy.isReady()) {
        emit anatomyWanted();
    } else {
        const std::optional<int> block = m_anatomy.value->outstanding;
        showPart(ByBlock);
        if (block) {
            m_blocks->showBlock(*block);
            emit blockWanted(*block);
            refreshHeadline();
        }
    }
}

void FailureView::askForAnatomy()
{
    if (m_map && m_list.measured > 0 && m_anatomy.state == State::Empty)
        emit anatomyWanted();
}

void FailureView::showEvent(QShowEvent* event)
{
    QWidget::showEvent(event);
    askForAnatomy();
}

void FailureView::refreshFacets()
{
    std::set<int> blocks;
    std::set<int> prompts;
    std::set<FailureReason> reasons;
    for (const widgets::FailureRow& row : part() == LargestCovered ? *m_list.covered : *m_list.rows) {
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
    if (const int reason = m_reason->currentData().toInt(); part() == NotCovered && m_reason->currentIndex() > 0)
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
    m_summary->setText(!isListed()                ? tr("Listing the tokens …")
                       : part() == NotCovered     ? summaryOf(m_list, m_table->shownFailures())
                       : part() == LargestCovered ? coveredSummaryOf(m_list, m_table->shownFailures())
                                                  : summaryOf(m_list, static_cast<int>(m_list.rows->size())));
}

void FailureView::setSlice(const widgets::MapSlice& slice)
{
    m_slice = slice;
    m_sliceChip->setVisible(!slice.isEmpty());
    m_sliceChip->setText(tr("Slice: %1 tokens × %2 blocks  ✕").arg(slice.tokens.size()).arg(slice.blocks.size()));
    applyFilter();
}

const std::optional<widgets::FailureRow>& FailureView::current() const
{
    return m_card->row();
}

QString FailureView::note() const
{
    return m_card->note();
}

FailureDetails& FailureView::details()
{
    return m_card->details();
}

void FailureView::choose(const CellKey& key)
{
    m_bus.hold(key);
    showFailure();
}

void FailureView::explain(const CellKey& key)
{
    if (!m_map || !rowAt(*m_map, key))
        return;
    if (!isListed()) {
        m_explained = key; // the list is still being made
        return;
    }
    m_bus.hold(key);
    showPart(holds(*m_list.rows, key) ? NotCovered : LargestCovered);
    details().showPart(FailureDetails::Why);
    revealCard();
}

void FailureView::revealCard()
{
    // Its place is known once the parts are laid out.
    QMetaObject::invokeMethod(
        this,
        [this] {
            for (QWidget* above = parentWidget(); above != nullptr; above = above->parentWidget())
                if (auto* area = qobject_cast<QScrollArea*>(above)) {
                    area->ensureWidgetVisible(m_card);
                    return;
                }
        },
        Qt::QueuedConnection);
}

// The held token, in the list or not; else the list's current one.
void FailureView::showFailure()
{
    std::optional<widgets::FailureRow> shown;
    if (const widgets::FailureRow* listed = m_table->current())
        shown = *listed;
    const Selection& selection = m_bus.now();
    if (m_map && selection.isHeld && selection.cell.isValid() && (!shown || !(shown->key == selection.cell))) {
        shown = rowAt(*m_map, selection.cell);
        m_table->clearSelection(); // what is shown is not in the list
    }
    if (part() == ByBlock)
        shown.reset();
    m_card->setRow(m_map, m_key, shown,
                   shown && shown->reason == FailureReason::LossDifference ? m_list.lossScale : m_list.decidingScale);
}

}
