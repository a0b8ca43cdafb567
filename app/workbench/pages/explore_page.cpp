#include "app/workbench/pages/explore_page.h"

#include "app/workbench/process/background.h"
#include "app/workbench/session/map_summary.h"
#include "widgets/block_table.h"
#include "widgets/empty_state.h"
#include "widgets/error_legend.h"
#include "widgets/inspector_panel.h"
#include "widgets/notice.h"
#include "widgets/number_text.h"
#include "widgets/segmented_control.h"
#include "widgets/state_badge.h"
#include "widgets/token_heatmap.h"

#include <QClipboard>
#include <QComboBox>
#include <QGuiApplication>
#include <QLabel>
#include <QSignalBlocker>
#include <QSplitter>
#include <QStackedWidget>

#include <algorithm>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;
using widgets::CellKey;
using widgets::Metric;
namespace space = widgets::space;

namespace {

QString counted(qint64 count, const QString& one, const QString& several)
{
    return u"%1 %2"_s.arg(widgets::countText(count), count == 1 ? one : several);
}

enum Action { NextUncovered, ShowCertificate, CopyCell, CopyCommand };

}

ExplorePage::ExplorePage(QWidget* parent)
    : QWidget(parent)
    , m_stack(new QStackedWidget)
    , m_empty(new widgets::EmptyState)
    , m_emptyPage(new QWidget)
    , m_emptyNotice(new widgets::Notice)
    , m_title(new widgets::PageTitle)
    , m_trust(new widgets::StateBadge)
    , m_metric(new widgets::SegmentedControl)
    , m_sentence(wrapped({}, widgets::TextTone::Text, widgets::TextSize::Body))
    , m_blocksSentence(widgets::makeLabel({}, widgets::TextSize::Secondary, widgets::TextWeight::Normal,
                                          widgets::TextTone::Secondary))
    , m_notice(new widgets::Notice)
    , m_prompt(new QComboBox)
    , m_heatmap(new widgets::TokenHeatmap)
    , m_legend(new widgets::ErrorLegend)
    , m_table(new widgets::BlockTable)
    , m_inspector(new widgets::InspectorPanel)
{
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(m_stack);
    setFocusProxy(m_heatmap);

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
    auto* emptyLayout = pageLayout(m_emptyPage);
    emptyLayout->addWidget(m_emptyNotice);
    emptyLayout->addWidget(m_empty, 1);
    m_stack->addWidget(m_emptyPage);
    m_stack->addWidget(makeView());

    m_pendingTimer.setSingleShot(true);
    m_pendingTimer.setInterval(250);
    connect(&m_pendingTimer, &QTimer::timeout, this, &ExplorePage::takePendingCells);
    connect(m_inspector, &widgets::InspectorPanel::actionRequested, this, &ExplorePage::act);
    connect(m_inspector, &widgets::InspectorPanel::releaseRequested, this, &ExplorePage::release);
    connect(m_inspector, &widgets::InspectorPanel::blockChosen, this, &ExplorePage::selectBlock);
}

QWidget* ExplorePage::makeView()
{
    auto* view = new QWidget;
    auto* layout = pageLayout(view);
    QStringList names;
    QStringList toolTips;
    for (const Metric metric : widgets::allMetrics) {
        names << widgets::metricName(metric);
        toolTips << widgets::metricTitle(metric);
    }
    m_metric->setChoices(names, toolTips);
    connect(m_metric, &widgets::SegmentedControl::chosen, this,
            [this](int index) { setMetric(widgets::allMetrics[static_cast<std::size_t>(index)]); });
    m_title->addWidget(m_trust);
    m_title->addWidget(m_metric);
    layout->addWidget(m_title);

    m_prompt->setAccessibleName(tr("Prompt"));
    m_prompt->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
    m_prompt->setMinimumContentsLength(28);
    m_prompt->setToolTip(tr("Which prompt the map shows"));
    connect(m_prompt, &QComboBox::activated, this, [this](int index) { selectPrompt(index - 1); });
    auto* promptRow = row();
    m_sentence->setMinimumHeight(2 * m_sentence->fontMetrics().lineSpacing()); // the map below never jumps
    m_sentence->setAlignment(Qt::AlignLeft | Qt::AlignTop);
    promptRow->addWidget(m_sentence, 1);
    promptRow->addWidget(m_prompt, 0, Qt::AlignTop);
    layout->addLayout(promptRow);
    m_notice->hide();
    connect(m_notice, &widgets::Notice::actionRequested, this, [this] {
        if (m_offersResume && !(m_verdict && m_verdict->state == CheckState::Failed))
            emit resumeWanted();
        else
            emit verifyWanted();
    });
    layout->addWidget(m_notice);

    connect(m_heatmap, &widgets::TokenHeatmap::hovered, this,
            [this](const CellKey& key) { inspect(m_heatmap->isHeld() ? m_heatmap->held() : key); });
    connect(m_heatmap, &widgets::TokenHeatmap::currentChanged, this, [this](const CellKey& key) {
        if (!m_heatmap->isHeld())
            inspect(key);
        m_table->setCurrentBlock(key.block);
        emit selectionChanged();
    });
    connect(m_heatmap, &widgets::TokenHeatmap::heldChanged, this, [this](const CellKey& key) {
        m_goesToWorst = false;
        inspect(key.isValid() ? key : m_heatmap->current());
        emit selectionChanged();
    });
    connect(m_heatmap, &widgets::TokenHeatmap::activated, this,
            [this](const CellKey& key) { selectPrompt(shownPrompt() ? -1 : key.prompt); });
    connect(m_heatmap, &widgets::TokenHeatmap::scaleChanged, this,
            [this] { m_legend->setScale(m_heatmap->scale(), m_heatmap->metric()); });

    auto* upper = new QWidget;
    auto* upperLayout = new QVBoxLayout(upper);
    upperLayout->setContentsMargins(0, 0, 0, space::small);
    upperLayout->setSpacing(space::small);
    upperLayout->addWidget(m_heatmap, 1);
    upperLayout->addWidget(m_legend);

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
    auto* lowerLayout = new QVBoxLayout(lower);
    lowerLayout->setContentsMargins(0, space::small, 0, 0);
    lowerLayout->setSpacing(space::tiny);
    lowerLayout->addWidget(m_blocksSentence);
    lowerLayout->addWidget(m_table, 1);

    auto* split = new QSplitter(Qt::Vertical);
    split->setChildrenCollapsible(false);
    split->addWidget(upper);
    split->addWidget(lower);
    split->setStretchFactor(0, 1);
    split->setStretchFactor(1, 0);
    split->setSizes({560, 170});
    layout->addWidget(split, 1);
    return view;
}

QWidget* ExplorePage::side() const
{
    return m_inspector;
}

void ExplorePage::setRun(const QString& path, const Loadable<RunView>& run)
{
    using State = Loadable<RunView>::State;
    m_emptyNotice->hide();
    m_notice->hide();
    switch (run.state) {
    case State::Empty:
        if (!m_isLive) {
            m_map.reset();
            m_stack->setCurrentIndex(0);
        }
        return;
    case State::Loading:
        if (!m_map || !run.value) {
            if (!m_isLive)
                m_stack->setCurrentIndex(0);
            m_emptyNotice->setNotice(widgets::Notice::Tone::Note, tr("Reading %1 …").arg(shortPath(path)));
            m_emptyNotice->show();
        }
        return;
    case State::Failed:
        m_isLive = false;
        m_map.reset();
        m_remedy = run.fault.origin == JobFault::Origin::Program ? Remedy::OpenOther : remedyFor(run.fault);
        m_emptyNotice->setNotice(widgets::Notice::Tone::Error, run.fault.sentence, remedyText(m_remedy));
        m_emptyNotice->show();
        m_stack->setCurrentIndex(0);
        return;
    case State::Ready: break;
    }
    const RunView& view = *run.value;
    const bool keepPlace = m_isLive || (m_map && m_map->run == view.name);
    m_isLive = false;
    m_hasCertificates = !view.certificates.empty();
    m_offersResume = view.resumable && !view.complete;
    m_problems = view.problems;
    refreshNotice();
    qint64 tokens = 0;
    for (const widgets::MapPrompt& prompt : view.map->prompts)
        tokens += static_cast<qint64>(prompt.tokens.size());
    m_title->setText(tr("Error by token and block"),
                     tr("%1 · %2 × %3 · %4 baseline · measured")
                         .arg(view.prompts,
                              counted(tokens, tr("token"), tr("tokens")) + tr(" of ") +
                                  counted(static_cast<qint64>(view.map->prompts.size()), tr("prompt"), tr("prompts")),
                              counted(static_cast<qint64>(view.map->blocks.size()), tr("block"), tr("blocks")),
                              view.baselineDtype));
    showMap(view.map, view.blocks, keepPlace);
}

void ExplorePage::setVerdict(const std::optional<widgets::RunVerdict>& verdict)
{
    m_verdict = verdict;
    m_table->setVerdict(verdict);
    refreshNotice();
}

// What stands between the reader and the numbers: a refuted run before an unfinished or a damaged one.
void ExplorePage::refreshNotice()
{
    const bool isFailed = m_verdict && m_verdict->state == CheckState::Failed;
    if (isFailed)
        m_notice->setNotice(widgets::Notice::Tone::Error, m_verdict->sentence, tr("See the checks"));
    else if (m_offersResume)
        m_notice->setNotice(widgets::Notice::Tone::Warning,
                            tr("This run is unfinished: what is hatched has not been measured."), tr("Resume it"));
    else if (!m_problems.isEmpty())
        m_notice->setNotice(widgets::Notice::Tone::Warning, m_problems.join(u'\n'), tr("Verify it"));
    m_notice->setVisible(!m_isLive && (isFailed || m_offersResume || !m_problems.isEmpty()));

    m_trust->setVisible(!m_isLive && !m_offersResume);
    m_trust->setState(m_verdict ? m_verdict->state : CheckState::NotChecked);
    m_trust->setWord(!m_verdict ? tr("Not verified")
                     : m_verdict->state == CheckState::Verified || isFailed
                         ? tr("%1 at level %2").arg(widgets::stateWord(m_verdict->state)).arg(m_verdict->level)
                         : QString());
    m_trust->setToolTip(widgets::plainToolTip(
        m_verdict ? m_verdict->sentence
                  : tr("What stands here is what the run says of itself; nothing of it has been recomputed on this "
                       "machine since the window was opened. Verify does that.")));
}

void ExplorePage::setLive(const std::shared_ptr<const widgets::TokenMap>& map,
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
    showMap(map, blocks, false);
}

void ExplorePage::addCell(int block, int prompt, const std::shared_ptr<const widgets::MapCell>& cell)
{
    if (!m_isLive || !m_map)
        return;
    m_heatmap->setCell(block, prompt, cell);
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
    refreshSentence();
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
    emit selectionChanged();
}

void ExplorePage::setLiveBlocks(const std::shared_ptr<const std::vector<widgets::BlockRow>>& blocks)
{
    if (!m_isLive)
        return;
    m_blocks = blocks;
    m_table->setRows(blocks);
    m_blocksSentence->setText(summariseBlocks(*blocks));
}

void ExplorePage::showMap(const std::shared_ptr<const widgets::TokenMap>& map,
                          const std::shared_ptr<const std::vector<widgets::BlockRow>>& blocks, bool keepPlace)
{
    const bool isNew = !keepPlace;
    m_pendingCells.clear();
    m_map = map;
    m_blocks = blocks;
    m_stack->setCurrentIndex(1);
    m_heatmap->setMap(map);
    m_inspector->setMap(map);
    m_table->setThresholds(map->thresholds);
    m_table->setRows(blocks);
    m_blocksSentence->setText(summariseBlocks(*blocks));
    refreshPrompts();
    // What is finished is read from its worst block down; what goes on in the order it is measured.
    if (m_isLive)
        m_table->sortByColumn(widgets::BlockTableModel::Block, Qt::AscendingOrder);
    else if (isNew || m_wasLive)
        m_table->sortByColumn(widgets::BlockTableModel::Epsilon, Qt::DescendingOrder);
    m_wasLive = m_isLive;
    if (isNew) {
        setMetric(map->thresholds.relativeDecides ? Metric::Relative : Metric::Error);
        m_heatmap->release();
        m_goesToWorst = true;
        selectPrompt(map->prompts.size() > 1 ? -1 : 0);
        inspect({});
    } else {
        inspect(selection());
    }
    m_legend->setScale(m_heatmap->scale(), m_heatmap->metric());
    refreshSentence();
    emit selectionChanged();
}

void ExplorePage::setMetric(Metric metric)
{
    m_metric->setCurrent(static_cast<int>(metric));
    m_heatmap->setMetric(metric);
    m_inspector->setMetric(metric);
    m_legend->setScale(m_heatmap->scale(), metric);
    refreshSentence();
}

// Counting every cell of a large map takes longer than a frame.
void ExplorePage::refreshSentence()
{
    if (!m_map)
        return;
    const quint64 request = ++m_summaryRequest;
    runInBackground<MapSummary>(
        this, [map = m_map, metric = m_heatmap->metric()] { return summarise(*map, metric); },
        [this, request](const MapSummary& summary) {
            if (request != m_summaryRequest)
                return;
            m_sentence->setText(summary.sentence);
            if (m_goesToWorst && !m_isLive && summary.worst.isValid()) {
                m_goesToWorst = false;
                m_heatmap->setCurrent(summary.worst);
            }
        },
        [](const QString&) {});
}

void ExplorePage::refreshPrompts()
{
    const QSignalBlocker block(m_prompt);
    m_prompt->clear();
    m_prompt->addItem(tr("All %1 prompts").arg(m_map->prompts.size()));
    for (const widgets::MapPrompt& prompt : m_map->prompts) {
        QString text = prompt.rendered.simplified();
        if (text.size() > 40)
            text = text.left(39) + u'…';
        m_prompt->addItem(u"%1 · %2"_s.arg(prompt.id, text));
    }
    m_prompt->setCurrentIndex(shownPrompt().value_or(-1) + 1);
}

std::optional<int> ExplorePage::shownPrompt() const
{
    return m_heatmap->prompt();
}

CellKey ExplorePage::selection() const
{
    return m_heatmap->isHeld() ? m_heatmap->held() : m_heatmap->current();
}

void ExplorePage::select(const CellKey& key)
{
    m_goesToWorst = false;
    if (!m_map || !key.isValid())
        return;
    if (shownPrompt() && *shownPrompt() != key.prompt)
        selectPrompt(key.prompt);
    m_heatmap->setCurrent(key);
    m_heatmap->hold(key);
    inspect(key);
}

void ExplorePage::goTo(const CellKey& key)
{
    if (!m_map || !key.isValid())
        return;
    m_goesToWorst = false;
    m_heatmap->setCurrent(key);
}

void ExplorePage::selectBlock(int block)
{
    if (!m_map || m_map->columnOf(block) < 0)
        return;
    CellKey key = selection();
    if (!key.isValid()) {
        key = {block, std::max(0, shownPrompt().value_or(0)), 0};
        for (const widgets::BlockRow& row : *m_blocks) {
            const bool isShown = !shownPrompt() || *shownPrompt() == row.worst.prompt;
            if (row.block == block && row.worst.isValid() && isShown)
                key = row.worst;
        }
    }
    key.block = block;
    m_heatmap->setCurrent(key);
    if (m_heatmap->isHeld())
        m_heatmap->hold(key);
    inspect(key);
}

void ExplorePage::selectPrompt(int prompt)
{
    if (!m_map)
        return;
    m_heatmap->setPrompt(prompt < 0 ? std::nullopt : std::optional(prompt));
    const QSignalBlocker block(m_prompt);
    m_prompt->setCurrentIndex(prompt + 1);
    m_legend->setScale(m_heatmap->scale(), m_heatmap->metric());
    emit selectionChanged();
}

void ExplorePage::release()
{
    m_heatmap->release();
}

void ExplorePage::stepToUncovered(int step)
{
    if (!m_map)
        return;
    m_heatmap->visitUncovered(step > 0);
}

void ExplorePage::inspect(const CellKey& key)
{
    m_inspector->setCell(key, m_heatmap->isHeld());
    m_inspector->setActions(
        {{tr("Next uncovered"), tr("The next token above the threshold (N, back with P)"), true},
         {tr("Certificate"), tr("What is claimed about this block (Ctrl+Return in the table)"),
          m_hasCertificates && key.isValid()},
         {tr("Copy numbers"), tr("Every number of this token at this block, as JSON"), key.isValid()},
         {tr("Copy as command"), tr("The command that repeats this run"), !m_isLive}});
}

void ExplorePage::act(int action)
{
    switch (action) {
    case NextUncovered: stepToUncovered(1); break;
    case ShowCertificate: emit certificateWanted(selection().block); break;
    case CopyCell: QGuiApplication::clipboard()->setText(m_heatmap->cellJson(selection())); break;
    case CopyCommand: emit copyWanted(); break;
    default: break;
    }
}

}
