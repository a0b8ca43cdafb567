#include "app/workbench/session/live_run.h"

#include "app/workbench/process/json_reading.h"
#include "app/workbench/session/json_values.h"
#include "widgets/number_text.h"

#include <QCoreApplication>

#include <algorithm>
#include <cmath>
#include <utility>

namespace blockcert::workbench {
namespace {

using namespace Qt::StringLiterals;
using widgets::StepState;

QString tr(const char* text)
{
    return QCoreApplication::translate("LiveRun", text);
}

QString stageTitle(const QString& stage)
{
    if (stage == "open"_L1)
        return tr("Open the model");
    if (stage == "hash"_L1)
        return tr("Hash the weights");
    if (stage == "load"_L1)
        return tr("Load the weights");
    if (stage == "gradient"_L1)
        return tr("Follow the loss back through the blocks");
    if (stage == "loss"_L1)
        return tr("Measure the losses");
    if (stage == "write"_L1)
        return tr("Write certificates");
    return stage;
}

}

LiveRun::LiveRun(const QString& run, std::shared_ptr<const widgets::PromptList> prompts, std::vector<int> blocks,
                 const widgets::Thresholds& thresholds, const QString& model)
{
    m_progress.title = run;
    m_progress.state = StepState::Waiting;
    m_map.model = model;
    m_map.run = run;
    m_map.blocks = std::move(blocks);
    m_map.thresholds = thresholds;
    if (prompts) {
        for (const widgets::PromptRow& prompt : prompts->prompts) {
            if (prompt.split != "heldout"_L1) // never used to certify
                m_map.prompts.push_back({prompt.id, prompt.rendered, prompt.tokens, prompt.tags});
        }
    }
    m_map.cells.resize(m_map.blocks.size() * m_map.prompts.size());
    const double threshold = thresholds.relativeDecides ? thresholds.tauRel : thresholds.tauAct;
    for (const int block : m_map.blocks) {
        widgets::ProgressRow row;
        row.title = tr("Block %1").arg(block);
        row.block = block;
        row.unit = u"cells"_s;
        row.total = static_cast<double>(m_map.prompts.size());
        row.threshold = threshold;
        m_progress.rows.push_back(std::move(row));
        m_blocks.emplace_back();
        m_blocks.back().block = block;
    }
    m_tokensWithin.resize(m_map.blocks.size());
    m_tokensSeen.resize(m_map.blocks.size());
}

widgets::ProgressRow& LiveRun::stageRow(const QString& stage)
{
    const QString title = stageTitle(stage);
    const auto end = m_progress.rows.begin() + static_cast<std::ptrdiff_t>(m_stages);
    const auto found = std::find_if(m_progress.rows.begin(), end,
                                    [&title](const widgets::ProgressRow& row) { return row.title == title; });
    if (found != end)
        return *found;
    widgets::ProgressRow row;
    row.title = title;
    return *m_progress.rows.insert(m_progress.rows.begin() + static_cast<std::ptrdiff_t>(m_stages++), std::move(row));
}

widgets::ProgressRow* LiveRun::rowOfBlock(int block)
{
    const auto found =
        std::find_if(m_progress.rows.begin() + static_cast<std::ptrdiff_t>(m_stages), m_progress.rows.end(),
                     [block](const widgets::ProgressRow& row) { return row.block == block; });
    return found == m_progress.rows.end() ? nullptr : &*found;
}

std::optional<LiveRun::Cell> LiveRun::apply(const JobProgress& progress)
{
    m_progress.state = StepState::Running;
    if (progress.stage != "replay"_L1 && !progress.stage.isEmpty()) {
        widgets::ProgressRow& row = stageRow(progress.stage);
        m_lastTitle = row.title;
        row.done = static_cast<double>(progress.done);
        row.total = static_cast<double>(progress.total);
        row.unit = progress.unit;
        row.state = progress.total > 0 && progress.done >= progress.total ? StepState::Done : StepState::Running;
    } else if (progress.block) {
        if (widgets::ProgressRow* row = rowOfBlock(*progress.block)) {
            m_lastTitle = row->title;
            if (row->state == StepState::Waiting)
                row->state = StepState::Running;
        }
    }
    if (progress.stage == "replay"_L1) {
        for (std::size_t i = 0; i < m_stages; ++i) {
            const QString& title = m_progress.rows[i].title; // these two go on between the cells
            if (title != stageTitle(u"write"_s) && title != stageTitle(u"loss"_s))
                m_progress.rows[i].state = StepState::Done;
        }
    }
    applyTimes(progress);
    if (!progress.detail)
        return std::nullopt;
    if (const Json& block = objectOf(*progress.detail, "block_result"); !block.empty())
        addBlock(blockRowOf(block));
    const Json& cell = objectOf(*progress.detail, "cell");
    if (!cell.contains("error")) // of a cell that is there already only the losses are told
        return std::nullopt;
    Cell finished;
    applyCell(cell, finished);
    return finished.values ? std::optional(finished) : std::nullopt;
}

// The engine's estimate and the one from the whole run so far bound the range that is shown.
void LiveRun::applyTimes(const JobProgress& progress)
{
    m_jobSeconds = progress.elapsedSeconds;
    m_progress.elapsedSeconds = m_earlierSeconds + m_jobSeconds;
    // Blocks are written between cells; and where losses are measured, they tell how far the run is.
    if (m_isReplaying && (progress.stage == "write"_L1 || (m_measuresLosses && progress.stage == "replay"_L1)))
        return;
    m_measuresLosses = m_measuresLosses || progress.stage == "loss"_L1;
    const bool isTimed = progress.stage == "replay"_L1 || progress.stage == "loss"_L1;
    if (m_firstDone < 0 || isTimed != m_isReplaying || static_cast<double>(progress.done) < m_firstDone) {
        m_firstDone = static_cast<double>(progress.done);
        m_firstSeconds = progress.elapsedSeconds;
    }
    m_isReplaying = isTimed;
    if (!m_isReplaying) {
        m_progress.etaSecondsLow = m_progress.etaSecondsHigh = widgets::missing;
        m_progress.done = static_cast<double>(progress.done);
        m_progress.total = static_cast<double>(progress.total);
        m_progress.unit = progress.unit;
        m_progress.rate = progress.rate.value_or(widgets::missing);
        return;
    }
    m_progress.done = static_cast<double>(progress.done);
    m_progress.total = static_cast<double>(progress.total);
    m_progress.unit = progress.unit;
    m_progress.rate = progress.rate.value_or(widgets::missing);
    const double advanced = static_cast<double>(progress.done) - m_firstDone; // a resumed run did not do the others now
    if (!progress.etaSeconds || advanced <= 0 || progress.total <= 0) {
        m_progress.etaSecondsLow = m_progress.etaSecondsHigh = widgets::missing;
        return;
    }
    const double whole =
        (progress.elapsedSeconds - m_firstSeconds) * static_cast<double>(progress.total - progress.done) / advanced;
    m_progress.etaSecondsLow = std::min(*progress.etaSeconds, whole) * 0.9;
    m_progress.etaSecondsHigh = std::max(*progress.etaSeconds, std::min(whole, 1.5 * *progress.etaSeconds)) * 1.1;
}

qint64 LiveRun::tokenCount() const
{
    return m_map.tokenCount();
}

LiveRun::Pace LiveRun::pace(Asked asked) const
{
    const double before = std::max(0.0, m_firstSeconds);
    const double seconds = m_jobSeconds - before;
    if (asked == Asked::Whole)
        return {1, seconds, before};
    if (!m_isReplaying || m_progress.total <= 0)
        return {};
    // The rows of a resumed run's losses are counted from those that are left; its cells from all.
    if (asked == Asked::Rest && m_measuresLosses)
        return {};
    return {(m_progress.done - m_firstDone) / m_progress.total, seconds, before};
}

void LiveRun::applyCell(const Json& cell, Cell& finished)
{
    const int block = indexOf(cell, "block").value_or(-1);
    const int prompt = indexOf(cell, "prompt").value_or(-1);
    const int column = m_map.columnOf(block);
    if (column < 0 || prompt < 0 || static_cast<std::size_t>(prompt) >= m_map.prompts.size())
        return;
    auto values = std::make_shared<const widgets::MapCell>(mapCellOf(cell));
    addCell(static_cast<std::size_t>(column), static_cast<std::size_t>(prompt), values);
    finished = {block, prompt, std::move(values)};
}

void LiveRun::addCell(std::size_t at, std::size_t prompt, const std::shared_ptr<const widgets::MapCell>& values)
{
    const int block = m_map.blocks[at];
    std::shared_ptr<const widgets::MapCell>& place = m_map.cells[at * m_map.prompts.size() + prompt];
    if (place)
        return; // a resumed run may tell again what it found
    place = values;
    const bool relative = m_map.thresholds.relativeDecides;
    const double threshold = relative ? m_map.thresholds.tauRel : m_map.thresholds.tauAct;
    double largest = widgets::missing;
    for (const double value : relative ? values->relative : values->error) {
        largest = std::fmax(largest, value); // fmax ignores what is missing
        ++m_tokensSeen[at];
        if (value <= threshold)
            ++m_tokensWithin[at];
    }
    if (widgets::ProgressRow* row = rowOfBlock(block)) {
        if (row->state == StepState::Waiting)
            row->state = StepState::Running;
        row->done = std::min(row->done + 1, row->total);
        if (row->done >= row->total)
            row->note = tr("measured"); // its certificate is written later
        row->errors.push_back(largest);
        row->epsilon = std::fmax(row->epsilon, largest);
        if (m_tokensSeen[at] > 0)
            row->coverage = static_cast<double>(m_tokensWithin[at]) / static_cast<double>(m_tokensSeen[at]);
    }
    widgets::BlockRow& blockRow = m_blocks[at];
    if (blockRow.state == widgets::BlockState::Waiting)
        blockRow.state = widgets::BlockState::Running;
}

void LiveRun::adopt(const widgets::TokenMap& map, const std::vector<widgets::BlockRow>& blocks)
{
    for (std::size_t column = 0; column < map.blocks.size(); ++column) {
        const int here = m_map.columnOf(map.blocks[column]);
        for (std::size_t prompt = 0; prompt < std::min(map.prompts.size(), m_map.prompts.size()); ++prompt) {
            const std::size_t at = column * map.prompts.size() + prompt;
            if (here >= 0 && map.cells[at])
                addCell(static_cast<std::size_t>(here), prompt, map.cells[at]);
        }
    }
    for (const widgets::BlockRow& block : blocks) {
        if (block.state == widgets::BlockState::Certified || block.state == widgets::BlockState::NotCertified)
            addBlock(block);
    }
}

void LiveRun::addBlock(const widgets::BlockRow& result)
{
    const int column = m_map.columnOf(result.block);
    if (column < 0)
        return;
    if (widgets::ProgressRow* row = rowOfBlock(result.block)) {
        row->state = StepState::Done;
        row->done = row->total;
        row->epsilon = m_map.thresholds.relativeDecides ? result.relativeEpsilon : result.epsilon;
        row->coverage = m_map.thresholds.relativeDecides ? result.relativeCoverage : result.activationCoverage;
        row->note = result.state == widgets::BlockState::Certified ? tr("certified") : tr("not certified");
    }
    m_blocks[static_cast<std::size_t>(column)] = result;
}

void LiveRun::end(StepState state)
{
    m_progress.state = state;
    m_progress.etaSecondsLow = m_progress.etaSecondsHigh = widgets::missing;
    for (widgets::ProgressRow& row : m_progress.rows) {
        if (state == StepState::Done && row.state != StepState::Done) {
            row.state = StepState::Done;
            row.note.clear();
        } else if (row.state == StepState::Running || row.state == StepState::Waiting)
            interrupt(row);
    }
    if (state != StepState::Done && !m_isReplaying)
        countCells();
}

// What stopped before the cells began has done none of its work, however far its preparations were.
void LiveRun::countCells()
{
    m_progress.done = m_progress.total = 0;
    for (const widgets::ProgressRow& row : m_progress.rows) {
        if (row.block < 0)
            continue;
        m_progress.done += row.done;
        m_progress.total += row.total;
    }
    m_progress.unit = u"cells"_s;
    m_progress.rate = widgets::missing;
}

// Stopped, not failed: what is there is kept, and the row says how much that is. Nothing waits any more.
void LiveRun::interrupt(widgets::ProgressRow& row)
{
    row.state = StepState::Cancelled;
    if (row.block < 0)
        row.note = tr("interrupted");
    else if (row.done <= 0)
        row.note = tr("not begun");
    else if (row.done >= row.total)
        row.note = tr("all cells kept");
    else
        row.note = tr("%1 of %2 cells kept").arg(row.done).arg(row.total);
}

void LiveRun::blame(const QString& sentence)
{
    for (widgets::ProgressRow& row : m_progress.rows) {
        if (row.title == m_lastTitle && row.state == StepState::Running) {
            row.state = StepState::Failed;
            row.note = sentence;
        }
    }
}

void LiveRun::beginAgain()
{
    m_earlierSeconds += std::exchange(m_jobSeconds, 0);
    m_progress.state = StepState::Waiting;
    m_progress.etaSecondsLow = m_progress.etaSecondsHigh = widgets::missing;
    m_progress.rate = widgets::missing;
    m_isReplaying = m_measuresLosses = false;
    m_firstDone = -1;
    // The next engine opens and loads again.
    m_progress.rows.erase(m_progress.rows.begin(), m_progress.rows.begin() + static_cast<std::ptrdiff_t>(m_stages));
    m_stages = 0;
    for (widgets::ProgressRow& row : m_progress.rows) {
        if (row.state != StepState::Running && row.state != StepState::Cancelled)
            continue;
        const bool isMeasured = row.done > 0 && row.done >= row.total; // its certificate is still to come
        row.state = isMeasured ? StepState::Running : StepState::Waiting;
        row.note = isMeasured ? tr("measured") : QString();
    }
}

std::shared_ptr<const widgets::RunProgress> LiveRun::progress() const
{
    return std::make_shared<const widgets::RunProgress>(m_progress);
}

std::shared_ptr<const widgets::TokenMap> LiveRun::map() const
{
    return std::make_shared<const widgets::TokenMap>(m_map);
}

std::shared_ptr<const std::vector<widgets::BlockRow>> LiveRun::blocks() const
{
    return std::make_shared<const std::vector<widgets::BlockRow>>(m_blocks);
}

}
