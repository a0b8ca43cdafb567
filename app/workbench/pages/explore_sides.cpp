// ExplorePage: which of two runs it shows, and what is known about the truth of what it shows.
#include "app/workbench/pages/compare_view.h"
#include "app/workbench/pages/coverage_view.h"
#include "app/workbench/pages/explore_page.h"
#include "app/workbench/pages/map_view.h"
#include "app/workbench/session/map_summary.h"
#include "app/workbench/session/run_comparison.h"
#include "app/workbench/session/verdict_book.h"
#include "app/workbench/session/verdict_summary.h"
#include "widgets/block_table.h"
#include "widgets/chart_panel.h"
#include "widgets/coverage_export.h"
#include "widgets/coverage_rows.h"
#include "widgets/error_legend.h"
#include "widgets/figure_view.h"
#include "widgets/inspector_panel.h"
#include "widgets/notice.h"
#include "widgets/number_text.h"
#include "widgets/segmented_control.h"
#include "widgets/state_badge.h"

#include <QLabel>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;
using widgets::CellKey;

namespace {

// "demo prompts · 251 tokens of 9 prompts × 30 blocks · fp32 baseline · measured"
QString scopeOf(const RunView& run)
{
    return ExplorePage::tr("%1 · %2 × %3 · %4 baseline · measured")
               .arg(run.prompts,
                    counted(run.map->tokenCount(), ExplorePage::tr("token"), ExplorePage::tr("tokens")) +
                        ExplorePage::tr(" of ") +
                        counted(static_cast<qint64>(run.map->prompts.size()), ExplorePage::tr("prompt"),
                                ExplorePage::tr("prompts")),
                    counted(static_cast<qint64>(run.map->blocks.size()), ExplorePage::tr("block"),
                            ExplorePage::tr("blocks")),
                    run.baselineDtype) +
           (run.edits.empty() ? QString()
                              : u" · "_s + counted(static_cast<qint64>(run.edits.size()),
                                                   ExplorePage::tr("certified edit, to be read on the Edit page"),
                                                   ExplorePage::tr("certified edits, to be read on the Edit page")));
}

}

// Runs without a common prompt stand beside each other, but there is no cell at which both have a number.
bool ExplorePage::hasSides() const
{
    return m_comparison && m_comparison->commonPrompts > 0;
}

bool ExplorePage::showsBoth() const
{
    return m_run && m_other && !m_isLive && (view() == Compare ? m_comparison != nullptr : shownSide() == Side::Change);
}

ExplorePage::Side ExplorePage::shownSide() const
{
    if (!hasSides() || m_isLive || view() == Failures || view() == Compare)
        return Side::A;
    return m_side;
}

std::shared_ptr<const widgets::TokenMap> ExplorePage::shownMap() const
{
    switch (shownSide()) {
    case Side::A: break;
    case Side::B: return m_comparison->other;
    case Side::Change: return m_comparison->change;
    }
    return m_map;
}

ExplorePage::Metadata ExplorePage::runMetadata() const
{
    if (!m_run || m_isLive)
        return {};
    return shownSide() == Side::Change ? metadataOf(*m_run, m_other.get()) : metadataOf(*shownRun(), nullptr);
}

// Figures say which runs they are of themselves: in SVG, too.
widgets::ViewExport ExplorePage::withRuns(widgets::ViewExport view) const
{
    const Metadata runs = runMetadata();
    if (!view.svg)
        view.metadata.insert(view.metadata.end(), runs.begin(), runs.end());
    if (view.scope.isEmpty() && m_map)
        view.scope = tr("%1 · %2").arg(shownMap()->model, shownMap()->run);
    return view;
}

void ExplorePage::exportOf(const widgets::ViewExport& view)
{
    emit viewExportWanted(withRuns(view));
}

std::optional<widgets::ViewExport> ExplorePage::exported() const
{
    std::optional<widgets::ViewExport> view;
    switch (this->view()) {
    case Map: view = m_mapView->exported(); break;
    case Coverage: view = m_coverage->exported(); break;
    case Failures: break; // its list, a table
    case Compare:
        if (m_comparison)
            view = m_compare->exported();
        break;
    case Charts:
        if (m_charts->view().figure())
            view = m_charts->view().exported();
        break;
    }
    return view && m_map ? std::optional(withRuns(*std::move(view))) : std::nullopt;
}

std::function<widgets::ViewExport()> ExplorePage::coverageExport() const
{
    const std::shared_ptr<const RunComparison> both = shownSide() == Side::Change ? m_comparison : nullptr;
    return [map = shownMap(), both, a = m_map] {
        return widgets::coverageExport(
            map, std::make_shared<const widgets::CoverageRows>(both ? widgets::coverageChanges(*a, *both->other)
                                                                    : widgets::coverageRows(*map)));
    };
}

std::shared_ptr<const RunView> ExplorePage::shownRun() const
{
    return shownSide() == Side::B ? m_other : m_run;
}

// Where the block's error is largest, or differs most.
CellKey ExplorePage::worstOf(int block) const
{
    if (shownSide() == Side::Change) {
        for (const widgets::ComparedBlock& row : m_comparison->blocks)
            if (row.block == block)
                return row.changeAt;
        return {};
    }
    const auto& rows = shownSide() == Side::B ? m_comparison->otherBlocks : m_blocks;
    for (const widgets::BlockRow& row : *rows)
        if (row.block == block)
            return row.worst;
    return {};
}

void ExplorePage::showSide(int side)
{
    m_side = static_cast<Side>(side);
    refreshSide();
}

// Whatever decides about the side has changed: the choice, the view, or the runs. A and B share one range of colours
// from the moment there is a B; a difference has a scale of its own.
void ExplorePage::refreshSide()
{
    const Side side = shownSide();
    m_sideChoice->setCurrent(static_cast<int>(side));
    for (const Side one : {Side::B, Side::Change}) // failures are listed of A alone, as the line under the title says
        m_sideChoice->setChoiceEnabled(static_cast<int>(one), view() != Failures);
    m_sideChoice->setVisible(hasSides() && view() != Compare); // which has all three side by side
    if (!m_map || m_isLive) {
        m_mapView->setCompared(nullptr, nullptr);
        return;
    }
    refreshTitle();
    const bool isShared = hasSides() && side != Side::Change;
    m_mapView->setSides(side == Side::Change ? widgets::ComparedMaps{m_map, m_comparison->other}
                                             : widgets::ComparedMaps());
    m_mapView->setCompared(isShared ? m_map : nullptr, isShared ? m_comparison->other : nullptr);
    const std::shared_ptr<const widgets::TokenMap> shown = shownMap();
    if (shown != m_sideMap) {
        m_sideMap = shown;
        if (side == Side::Change && m_mapView->metric() == widgets::Metric::Coverage)
            m_mapView->setMetric(widgets::decidingMetric(m_map->thresholds)); // a difference covers nothing
        m_mapView->setMap(shown, false, false);
        m_inspector->setMap(shown);
        if (side == Side::Change)
            m_coverage->setChange(m_map, m_comparison->other, shown);
        else
            m_coverage->setMap(m_run ? shown : nullptr);
        m_charts->invalidate();
    }
    showBlocks();
    refreshNotice();
    inspect();
    emit sideChanged();
}

QString ExplorePage::viewTitle() const
{
    switch (view()) {
    case Map: break;
    case Coverage: return tr("Coverage by block");
    case Failures: return tr("Tokens that are not covered");
    case Compare: return tr("Two runs side by side");
    case Charts: return tr("Charts of the run");
    }
    return widgets::metricTitle(m_mapView->metric());
}

// Beside a second run every line says which of the two it is about.
void ExplorePage::refreshTitle()
{
    if (!m_run || m_isLive)
        return;
    if (!m_comparison) {
        m_title->setText(viewTitle(), scopeOf(*m_run));
        return;
    }
    switch (shownSide()) {
    case Side::A:
        m_title->setText(view() == Compare ? tr("A, %1, beside B, %2").arg(m_run->name, m_other->name)
                                           : tr("%1 · A, %2").arg(viewTitle(), m_run->name),
                         view() == Failures
                             ? tr("Failures are listed of A: swap A and B to list those of B; a difference is held "
                                  "against no threshold, so it has none")
                             : scopeOf(*m_run));
        break;
    case Side::B:
        m_title->setText(tr("%1 · B, %2").arg(viewTitle(), m_other->name),
                         tr("%1 · the map has A's blocks and the %2 prompts that are also in A%3")
                             .arg(scopeOf(*m_other))
                             .arg(m_comparison->commonPrompts)
                             .arg(m_comparison->hasOtherThresholds ? tr(", by A's thresholds") : QString()));
        break;
    case Side::Change:
        m_title->setText(tr("%1 · B − A, %2 less %3").arg(viewTitle(), m_other->name, m_run->name),
                         view() == Coverage ? tr("Which tokens change their side of A's threshold, at the cells that "
                                                 "both measured")
                         : view() == Charts ? tr("A's and B's curves, over the cells that both measured")
                                            : tr("Differences at the cells that both measured, held against no "
                                                 "threshold"));
        break;
    }
}

void ExplorePage::showBlocks()
{
    if (!m_blocks || !m_map)
        return;
    if (shownSide() == Side::Change) {
        m_table->setChanges({m_comparison, &m_comparison->blocks});
        m_blocksSentence->setText(
            tr("B − A of what the certificates state%1. %2")
                .arg(m_comparison->hasOtherThresholds ? tr(", each under its own thresholds") : QString(),
                     m_comparison->sentence));
        return;
    }
    const bool isOther = shownSide() == Side::B;
    const auto& rows = isOther ? m_comparison->otherBlocks : m_blocks;
    const std::optional<widgets::RunVerdict>& verdict = isOther ? m_otherVerdict : m_verdict;
    m_table->setThresholds((isOther ? m_other->map : m_map)->thresholds);
    m_table->setVerdict(verdict);
    m_table->setRows(rows);
    const QString sentence = summariseBlocks(*rows, verdict);
    m_blocksSentence->setText(!m_comparison ? sentence
                              : isOther     ? tr("B, %1: %2").arg(m_other->name, sentence)
                                            : tr("A, %1: %2").arg(m_run->name, sentence));
}

void ExplorePage::setVerdict(const std::optional<widgets::RunVerdict>& verdict)
{
    m_verdict = verdict;
    showBlocks();
    refreshNotice();
}

void ExplorePage::setOtherVerdict(const std::optional<widgets::RunVerdict>& verdict)
{
    m_otherVerdict = verdict;
    if (shownSide() == Side::B)
        showBlocks();
    refreshNotice();
}

void ExplorePage::showRefusal(const JobFault& fault)
{
    m_refusal = fault.sentence + u' ' + tr("The run that was open still is.");
    refreshNotice();
}

bool ExplorePage::offersResume() const
{
    return shownSide() == Side::B ? m_other->resumable && !m_other->complete : m_offersResume;
}

// What stands between the reader and the numbers: what was asked for last, then a refuted run before an unfinished or a
// damaged one.
void ExplorePage::refreshNotice()
{
    const Side side = shownSide();
    const std::optional<widgets::RunVerdict>& verdict = side == Side::B ? m_otherVerdict : m_verdict;
    const QStringList& problems = side == Side::B ? m_other->problems : m_problems;
    const bool isFailed = verdict && verdict->state == CheckState::Failed;
    if (!m_refusal.isEmpty())
        m_notice->setNotice(widgets::Notice::Tone::Error, m_refusal, remedyText(Remedy::OpenOther));
    else if (isFailed)
        m_notice->setNotice(widgets::Notice::Tone::Error, verdict->sentence, tr("See the checks"));
    else if (offersResume())
        m_notice->setNotice(widgets::Notice::Tone::Warning,
                            tr("This run is unfinished: what is hatched has not been measured."), tr("Resume it"));
    else if (!problems.isEmpty())
        m_notice->setNotice(widgets::Notice::Tone::Warning, problems.join(u'\n'), tr("Verify it"));
    m_notice->setVisible(!m_isLive && (!m_refusal.isEmpty() || isFailed || offersResume() || !problems.isEmpty()));

    refreshBadge();
}

// Of two runs, which need not be equally well checked, it says both.
void ExplorePage::refreshBadge()
{
    const auto meaning = [](const std::optional<widgets::RunVerdict>& verdict) {
        return verdict ? verdict->sentence
                       : tr("What stands here is what the run says of itself; nothing of it has been recomputed on "
                            "this machine since the window was opened. Verify does that.");
    };
    const auto blocksOf = [](const std::shared_ptr<const RunView>& run) { return run ? std::ssize(*run->blocks) : 0; };
    m_trust->setVisible(!m_isLive && !offersResume());
    if (showsBoth()) {
        const auto word = [&blocksOf](const auto& verdict, const auto& run) {
            QString text = trustWord(verdict, blocksOf(run));
            return text.left(1).toLower() + text.mid(1);
        };
        m_trust->setMark(worseOf(trustMark(m_verdict), trustMark(m_otherVerdict)));
        m_trust->setWord(tr("A %1 · B %2").arg(word(m_verdict, m_run), word(m_otherVerdict, m_other)));
        m_trust->setToolTip(widgets::plainToolTip(tr("A: %1\nB: %2").arg(meaning(m_verdict), meaning(m_otherVerdict))));
        return;
    }
    const bool isOther = shownSide() == Side::B;
    const std::optional<widgets::RunVerdict>& verdict = isOther ? m_otherVerdict : m_verdict;
    m_trust->setMark(trustMark(verdict));
    m_trust->setWord(trustWord(verdict, blocksOf(isOther ? m_other : m_run)));
    m_trust->setToolTip(widgets::plainToolTip(meaning(verdict)));
}

}
