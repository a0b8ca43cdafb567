#include "app/workbench/pages/explore_page.h"

#include "app/workbench/pages/compare_view.h"
#include "app/workbench/pages/coverage_view.h"
#include "app/workbench/pages/failure_view.h"
#include "app/workbench/pages/map_view.h"
#include "app/workbench/process/background.h"
#include "app/workbench/session/run_comparison.h"
#include "app/workbench/session/selection_bus.h"
#include "widgets/block_table.h"
#include "widgets/chart_panel.h"
#include "widgets/empty_state.h"
#include "widgets/flow_row.h"
#include "widgets/help_mark.h"
#include "widgets/inspector_panel.h"
#include "widgets/notice.h"
#include "widgets/number_text.h"
#include "widgets/segmented_control.h"
#include "widgets/state_badge.h"

#include <QClipboard>
#include <QGuiApplication>
#include <QLabel>
#include <QSplitter>
#include <QStackedWidget>

#include <algorithm>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;
using widgets::CellKey;
namespace space = widgets::space;

namespace {

enum Action { Explain, NextUncovered, ShowCertificate, CopyCell, CopyCommand };

}

ExplorePage::ExplorePage(SelectionBus& bus, Annotations& notes, QWidget* parent)
    : QWidget(parent)
    , m_bus(bus)
    , m_stack(new QStackedWidget)
    , m_empty(new widgets::EmptyState)
    , m_emptyPage(new QWidget)
    , m_emptyNotice(new widgets::Notice)
    , m_title(new widgets::PageTitle)
    , m_trust(new widgets::StateBadge)
    , m_blocksSentence(widgets::makeLabel({}, widgets::TextSize::Secondary, widgets::TextWeight::Normal,
                                          widgets::TextTone::Secondary))
    , m_notice(new widgets::Notice)
    , m_split(new QSplitter(Qt::Vertical))
    , m_view(new widgets::SegmentedControl)
    , m_sideChoice(new widgets::SegmentedControl)
    , m_views(new QStackedWidget)
    , m_mapView(new MapView(bus))
    , m_coverage(new CoverageView(bus))
    , m_failures(new FailureView(bus, notes))
    , m_compare(new CompareView(bus))
    , m_charts(new widgets::ChartPanel)
    , m_table(new widgets::BlockTable)
    , m_inspector(new widgets::InspectorPanel)
{
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(m_stack);
    setFocusProxy(m_mapView);
    makeEmptyPage();
    m_stack->addWidget(m_emptyPage);
    m_stack->addWidget(makeView());

    m_pendingTimer.setSingleShot(true);
    m_pendingTimer.setInterval(250);
    connect(&m_pendingTimer, &QTimer::timeout, this, &ExplorePage::takePendingCells);
    connect(m_inspector, &widgets::InspectorPanel::actionRequested, this, &ExplorePage::act);
    connect(m_inspector, &widgets::InspectorPanel::releaseRequested, &m_bus, &SelectionBus::release);
    connect(m_inspector, &widgets::InspectorPanel::blockChosen, this, &ExplorePage::selectBlock);
    connect(m_mapView, &MapView::metricChanged, m_inspector, &widgets::InspectorPanel::setMetric);
    connect(m_mapView, &MapView::metricChanged, this, &ExplorePage::inspect);
    connect(m_mapView, &MapView::metricChanged, this, &ExplorePage::refreshTitle);
    connect(&m_bus, &SelectionBus::shownChanged, this, &ExplorePage::inspect);
    connect(&m_bus, &SelectionBus::changed, this, [this] {
        if (m_bus.now().cell.isValid()) {
            m_table->setCurrentBlock(m_bus.now().cell.block);
            m_charts->setBlock(m_bus.now().cell.block);
        }
        inspect();
    });
}

void ExplorePage::makeEmptyPage()
{
    m_empty->setText(tr("Nothing to explore yet"),
                     tr("Open a run that was measured before, or measure one: the map fills while it goes on."));
    m_empty->setWays({{widgets::Icon::Folder, tr("Open a run…"), tr("A folder with run.json"), true, true},
                      {widgets::Icon::Open, tr("Open a model…"), tr("And measure it"), false, true},
                      {widgets::Icon::Run, tr("Try the demo model"),
                       tr("SmolLM2-135M-Instruct, as set up with this program"), false, true}});
    connect(m_empty, &widgets::EmptyState::wayChosen, this, [this](int way) {
        if (way == 0)
            emit runWanted();
        else if (way == 1)
            emit modelWanted();
        else
            emit demoWanted();
    });
    m_emptyNotice->hide();
    connect(m_emptyNotice, &widgets::Notice::actionRequested, this, [this] { emit remedyWanted(m_remedy); });
    auto* layout = pageLayout(m_emptyPage);
    layout->addWidget(m_emptyNotice);
    layout->addWidget(m_empty, 1);
    layout->addStretch(); // where only the notice stands, it stands at the top
}

QWidget* ExplorePage::makeView()
{
    auto* view = new QWidget;
    auto* layout = pageLayout(view);
    m_view->setChoices({tr("Map"), tr("Coverage"), tr("Failures"), tr("Compare"), tr("Charts")},
                       {tr("Every token at every block"), tr("Which tokens each block covers"),
                        tr("What is not covered, worst first"), tr("This run, A, beside another, B"),
                        tr("Coverage by threshold and by prompts, errors by block")});
    connect(m_view, &widgets::SegmentedControl::chosen, this,
            [this](int chosen) { showView(static_cast<View>(chosen)); });
    m_sideChoice->setChoices({tr("A"), tr("B"), tr("Δ")},
                             {tr("The opened run"), tr("The run beside it, on A's prompts and blocks"),
                              tr("B − A of every number, with its sign; the charts draw both curves")});
    connect(m_sideChoice, &widgets::SegmentedControl::chosen, this, &ExplorePage::showSide);
    m_sideChoice->hide();
    auto* choices = new widgets::FlowRow; // above the title: five views beside it are wider than a small screen
    choices->addWidget(m_view);
    choices->startEnd();
    choices->addWidget(m_sideChoice);
    layout->addLayout(choices);
    m_title->addWidget(m_trust);
    layout->addWidget(m_title);
    m_notice->hide();
    connect(m_notice, &widgets::Notice::actionRequested, this, [this] {
        if (!m_refusal.isEmpty())
            emit remedyWanted(Remedy::OpenOther);
        else if (const auto& verdict = shownSide() == Side::B ? m_otherVerdict : m_verdict;
                 offersResume() && !(verdict && verdict->state == CheckState::Failed))
            emit resumeWanted();
        else
            emit verifyWanted();
    });
    layout->addWidget(m_notice);
    m_split->setChildrenCollapsible(false);
    m_views->addWidget(m_mapView);
    m_views->addWidget(m_coverage);
    QScrollArea* failures = scrolling(m_failures); // list and card are higher than a small screen
    failures->setFocusProxy(m_failures);
    m_views->addWidget(failures);
    m_views->addWidget(m_compare);
    QScrollArea* charts = scrolling(m_charts);
    charts->setFocusProxy(m_charts);
    m_views->addWidget(charts);
    connect(m_mapView, &MapView::exportRequested, this, &ExplorePage::exportOf);
    connect(m_charts, &widgets::ChartPanel::figureWanted, this, &ExplorePage::drawChart);
    connect(m_charts, &widgets::ChartPanel::blockChosen, this, &ExplorePage::selectBlock);
    connect(m_charts, &widgets::ChartPanel::exportRequested, this, &ExplorePage::exportOf);
    connect(m_mapView, &MapView::sliceSelected, m_failures, &FailureView::setSlice);
    connect(m_coverage, &CoverageView::exportWanted, this, &ExplorePage::exportOf);
    connect(m_coverage, &CoverageView::mapWanted, this, [this] { showView(Map); });
    connect(m_failures, &FailureView::mapWanted, this, [this] { showView(Map); });
    connect(m_failures, &FailureView::exportWanted, this, [this] {
        if (m_failures->current())
            emit exportWanted(*m_failures->current(), m_failures->note());
    });
    connect(m_failures, &FailureView::blockWanted, this, &ExplorePage::selectBlock);
    connect(m_compare, &CompareView::chooseWanted, this, &ExplorePage::otherWanted);
    connect(m_compare, &CompareView::swapWanted, this, &ExplorePage::swapWanted);
    connect(m_compare, &CompareView::copyWanted, this, &ExplorePage::diffCommandWanted);
    connect(m_compare, &CompareView::exportWanted, this, &ExplorePage::exportOf);
    m_split->addWidget(m_views);
    m_split->addWidget(makeTable());
    m_split->setStretchFactor(0, 1);
    m_split->setStretchFactor(1, 0);
    resetSplit();
    layout->addWidget(m_split, 1);
    return view;
}

QWidget* ExplorePage::makeTable()
{
    connect(m_table, &widgets::BlockTable::blockSelected, this, &ExplorePage::selectBlock);
    connect(m_table, &widgets::BlockTable::worstActivated, this, [this](const CellKey& key) {
        if (key.isValid())
            select(key);
    });
    m_table->setContextMenuPolicy(Qt::ActionsContextMenu);
    auto* certificate = new QAction(tr("Show the certificate of this block"), m_table);
    certificate->setShortcut(QKeySequence(u"Ctrl+Return"_s));
    certificate->setShortcutContext(Qt::WidgetShortcut);
    connect(certificate, &QAction::triggered, this, [this] { emit certificateWanted(m_table->currentBlock()); });
    m_table->addAction(certificate);
    auto* lower = new QWidget;
    auto* layout = new QVBoxLayout(lower);
    layout->setContentsMargins(0, space::small, 0, 0);
    layout->setSpacing(space::tiny);
    m_blocksSentence->setWordWrap(true);
    auto* sentence = row(space::tiny);
    sentence->addWidget(m_blocksSentence, 1);
    sentence->addWidget(new widgets::HelpMark(
        {widgets::Term::Error, widgets::Term::Epsilon, widgets::Term::Coverage, widgets::Term::LossCoverage}));
    layout->addLayout(sentence);
    layout->addWidget(m_table, 1);
    return lower;
}

void ExplorePage::resetSplit()
{
    m_split->setSizes({560, 170});
}

QWidget* ExplorePage::side() const
{
    return m_inspector;
}

void ExplorePage::setRun(const QString& path, const Loadable<RunView>& run)
{
    using State = Loadable<RunView>::State;
    m_emptyNotice->hide();
    m_empty->show();
    m_notice->hide();
    m_refusal.clear();
    if (m_run != run.value) {
        releaseLater(this, m_run);
        releaseLater(this, m_map);
    }
    switch (run.state) {
    case State::Empty:
        if (!m_isLive) {
            m_map.reset();
            m_bus.setRun({});
            m_stack->setCurrentIndex(0);
        }
        return;
    case State::Loading:
        if (!m_map || !run.value) {
            if (!m_isLive) {
                m_stack->setCurrentIndex(0);
                m_empty->hide();
                m_inspector->setMap(nullptr); // the numbers of the run before are not this one's
            }
            m_emptyNotice->setNotice(widgets::Notice::Tone::Note, tr("Reading %1 …").arg(shortPath(path)));
            m_emptyNotice->show();
        }
        return;
    case State::Failed:
        m_isLive = false;
        m_map.reset();
        m_bus.setRun({});
        m_remedy = run.fault.origin == JobFault::Origin::Program ? Remedy::OpenOther : remedyFor(run.fault);
        m_emptyNotice->setNotice(widgets::Notice::Tone::Error, run.fault.sentence, remedyText(m_remedy));
        m_emptyNotice->show();
        m_stack->setCurrentIndex(0);
        return;
    case State::Ready: break;
    }
    const RunView& view = *run.value;
    m_comparison.reset(); // it was of another run
    m_run = run.value;
    const bool keepPlace = m_isLive || (m_map && m_map->run == view.name);
    m_isLive = false;
    m_hasCertificates = !view.certificates.empty();
    m_offersResume = view.resumable && !view.complete;
    m_problems = view.problems;
    refreshNotice();
    refreshTitle();
    m_bus.setRun(view.path);
    showMap(view.map, view.blocks, keepPlace);
    refreshFailures();
    refreshComparison();
}

void ExplorePage::setLive(const QString& path, const std::shared_ptr<const widgets::TokenMap>& map,
                          const std::shared_ptr<const std::vector<widgets::BlockRow>>& blocks)
{
    m_isLive = true;
    m_hasCertificates = false;
    m_offersResume = false;
    m_problems.clear();
    setVerdict(std::nullopt);
    m_emptyNotice->hide();
    m_title->setText(tr("Error by token and block"),
                     tr("%1 × %2 · being measured; hatched cells are still to come")
                         .arg(counted(static_cast<qint64>(map->prompts.size()), tr("prompt"), tr("prompts")),
                              counted(static_cast<qint64>(map->blocks.size()), tr("block"), tr("blocks"))));
    m_bus.setRun(path);
    m_run.reset();
    showView(Map);
    showMap(map, blocks, false);
    refreshFailures();
    refreshComparison();
}

void ExplorePage::addCell(int block, int prompt, const std::shared_ptr<const widgets::MapCell>& cell)
{
    if (!m_isLive || !m_map)
        return;
    m_mapView->addCell(block, prompt, cell);
    m_pendingCells.push_back({block, prompt, cell});
    if (!m_pendingTimer.isActive())
        m_pendingTimer.start();
}

// A new snapshot of the whole map costs a copy of its tokens, so many cells share one.
void ExplorePage::takePendingCells()
{
    if (!m_isLive || !m_map || m_pendingCells.empty())
        return;
    auto next = std::make_shared<widgets::TokenMap>(*m_map);
    for (PendingCell& cell : m_pendingCells) {
        const int column = next->columnOf(cell.block);
        if (column >= 0 && static_cast<std::size_t>(cell.prompt) < next->prompts.size())
            next->cells[static_cast<std::size_t>(column) * next->prompts.size() +
                        static_cast<std::size_t>(cell.prompt)] = std::move(cell.values);
    }
    m_pendingCells.clear();
    m_map = std::move(next);
    m_inspector->setMap(m_map);
    m_mapView->setWords(m_map);
}

void ExplorePage::endLive()
{
    if (!m_isLive)
        return;
    takePendingCells();
    m_isLive = false;
    const bool hasCells =
        std::any_of(m_map->cells.begin(), m_map->cells.end(), [](const auto& cell) { return cell != nullptr; });
    if (hasCells) {
        m_title->setText(tr("Error by token and block"),
                         tr("stopped; hatched cells were not measured, nothing is kept"));
        return;
    }
    m_map.reset();
    m_stack->setCurrentIndex(0);
    emit mapGone();
}

void ExplorePage::setLiveBlocks(const std::shared_ptr<const std::vector<widgets::BlockRow>>& blocks)
{
    if (!m_isLive)
        return;
    m_blocks = blocks;
    showBlocks();
}

void ExplorePage::showMap(const std::shared_ptr<const widgets::TokenMap>& map,
                          const std::shared_ptr<const std::vector<widgets::BlockRow>>& blocks, bool keepPlace)
{
    m_pendingCells.clear();
    m_map = map;
    m_blocks = blocks;
    m_stack->setCurrentIndex(1);
    m_sideMap = map;
    m_inspector->setMap(map);
    showBlocks();
    // What is finished is read from its worst block down; what goes on in the order it is measured.
    if (m_isLive)
        m_table->sortByColumn(widgets::BlockTableModel::Block, Qt::AscendingOrder);
    else if (!keepPlace || m_wasLive)
        m_table->sortByColumn(widgets::BlockTableModel::Epsilon, Qt::DescendingOrder);
    m_wasLive = m_isLive;
    m_mapView->setMap(map, !keepPlace, m_isLive);
    m_charts->invalidate();
    inspect();
}

std::optional<int> ExplorePage::shownPrompt() const
{
    return m_mapView->shownPrompt();
}

CellKey ExplorePage::selection() const
{
    return m_bus.now().cell;
}

void ExplorePage::select(const CellKey& key)
{
    if (m_map && key.isValid())
        m_bus.hold(key);
}

void ExplorePage::goTo(const CellKey& key)
{
    m_mapView->goTo(key);
}

void ExplorePage::selectBlock(int block)
{
    if (!m_map || m_map->columnOf(block) < 0)
        return;
    CellKey key = selection();
    if (!key.isValid()) {
        key = {block, std::max(0, shownPrompt().value_or(0)), 0};
        const CellKey worst = worstOf(block);
        if (worst.isValid() && (!shownPrompt() || *shownPrompt() == worst.prompt))
            key = worst;
    }
    key.block = block;
    if (m_bus.now().isHeld)
        m_bus.hold(key);
    else
        m_bus.point(key);
}

void ExplorePage::selectPrompt(int prompt)
{
    m_mapView->selectPrompt(prompt);
}

void ExplorePage::explain(const CellKey& key)
{
    showView(Failures);
    m_failures->explain(key);
}

// First the slice, then the cell.
void ExplorePage::release()
{
    if (m_mapView->hasSlice())
        m_mapView->releaseSlice();
    else
        m_bus.release();
}

bool ExplorePage::canRelease() const
{
    return m_mapView->hasSlice() || m_bus.now().isHeld;
}

void ExplorePage::stepToUncovered(int step)
{
    if (view() != Map)
        showView(Map); // where the next one, or that there is none, can be seen
    m_mapView->visitUncovered(step > 0);
}

void ExplorePage::inspect()
{
    const CellKey key = m_bus.shown();
    m_inspector->setCell(key, m_bus.now().isHeld);
    const bool hasCell = key.isValid();
    const Side side = shownSide();
    const bool isChange = side == Side::Change;
    const bool hasCertificates = side == Side::B ? !m_other->certificates.empty() : m_hasCertificates;
    const bool hasCertificate = hasCertificates && hasCell && !isChange;
    const bool canExplain = hasCell && m_run && !m_isLive && side == Side::A; // failures are A's
    const bool hasUncovered = m_isLive || m_mapView->hasUncovered();
    const int enabled = (hasCell ? 1 : 0) | (hasCertificate ? 2 : 0) | (m_isLive ? 0 : 4) | (canExplain ? 8 : 0) |
                        (isChange ? 16 : 0) | (hasUncovered ? 32 : 0);
    if (m_actions == enabled)
        return; // new buttons for every cell under the pointer would be slow, and lose the focus
    m_actions = enabled;
    m_inspector->setActions(
        {{tr("Why this error"),
          side == Side::A ? tr("What goes along with it: norms, margins, the nearest passing token (in Failures)")
                          : tr("Failures are A's: choose A, or swap the two runs"),
          canExplain},
         {tr("Next uncovered"),
          isChange       ? tr("A difference is held against no threshold: choose A or B")
          : hasUncovered ? tr("The next token above the threshold (N, back with P)")
                         : tr("No number of this map is above its threshold"),
          !isChange && hasUncovered},
         {tr("Certificate"),
          isChange ? tr("A difference has no certificate: choose A or B")
                   : tr("What is claimed about this block (Ctrl+Return in the table)"),
          hasCertificate},
         {tr("Copy numbers"), tr("Every number of this token at this block, as JSON"), hasCell},
         {tr("Copy as command"),
          isChange ? tr("The command that compares the two runs") : tr("The command that repeats this run"),
          !m_isLive}});
}

void ExplorePage::act(int action)
{
    switch (action) {
    case Explain: explain(selection()); break;
    case NextUncovered: stepToUncovered(1); break;
    case ShowCertificate: emit certificateWanted(selection().block); break;
    case CopyCell: QGuiApplication::clipboard()->setText(m_mapView->cellJson(selection())); break;
    case CopyCommand: emit copyWanted(); break;
    default: break;
    }
}

}
