// ExplorePage: its views, the run beside the opened one, and what is known about the truth of what it shows.
#include "app/workbench/pages/compare_view.h"
#include "app/workbench/pages/coverage_view.h"
#include "app/workbench/pages/explore_page.h"
#include "app/workbench/pages/failure_view.h"
#include "app/workbench/pages/map_view.h"
#include "app/workbench/process/background.h"
#include "app/workbench/session/annotations.h"
#include "app/workbench/session/run_comparison.h"
#include "widgets/block_table.h"
#include "widgets/chart_panel.h"
#include "widgets/inspector_panel.h"
#include "widgets/notice.h"
#include "widgets/number_text.h"
#include "widgets/segmented_control.h"
#include "widgets/state_badge.h"

#include <QSplitter>
#include <QStackedWidget>

namespace blockcert::workbench {

using namespace Qt::StringLiterals;

void ExplorePage::showView(View view)
{
    m_view->setCurrent(view);
    m_views->setCurrentIndex(view);
    m_sideChoice->setVisible(m_comparison && view == Map);
    fitTable();
    m_views->currentWidget()->setFocus();
}

void ExplorePage::fitTable()
{
    const bool areBlocksAbove = view() == Compare || (view() == Failures && m_failures->part() == FailureView::ByBlock);
    m_split->widget(1)->setVisible(!areBlocksAbove);
}

ExplorePage::View ExplorePage::view() const
{
    return static_cast<View>(m_views->currentIndex());
}

void ExplorePage::refreshFailures()
{
    m_coverage->setMap(m_run && !m_isLive ? m_map : nullptr);
    m_failures->setMap(m_run && !m_isLive ? m_map : nullptr,
                       m_run ? annotationKey(m_run->digest, m_run->path) : QString());
}

void ExplorePage::setOther(const QString& path, const Loadable<RunView>& other)
{
    using State = Loadable<RunView>::State;
    m_other = other.isReady() ? other.value : nullptr;
    if (other.state == State::Empty)
        m_compare->setReason(tr("Choose a second run, B, to set it beside this one, A."));
    else if (other.state == State::Loading)
        m_compare->setReason(tr("Reading %1 …").arg(shortPath(path)));
    else if (other.state == State::Failed)
        m_compare->setReason(other.fault.sentence);
    refreshComparison();
}

// A chart of a large run sorts millions of numbers.
void ExplorePage::drawChart(widgets::Chart chart, int block)
{
    using Figure = std::shared_ptr<const figure::Figure>;
    if (!m_map) {
        m_charts->setFigure(chart, block, nullptr);
        return;
    }
    runInBackground<Figure>(
        this,
        [map = m_map, chart, block] {
            return std::make_shared<const figure::Figure>(widgets::chartFigure(*map, chart, block));
        },
        [this, map = m_map, chart, block](const Figure& figure) {
            if (map == m_map)
                m_charts->setFigure(chart, block, figure);
        },
        [](const QString&) {});
}

FailureDetails& ExplorePage::failureDetails()
{
    return m_failures->details();
}

void ExplorePage::setDiff(const Loadable<RunDiff>& diff)
{
    m_compare->setDiff(diff);
}

void ExplorePage::refreshComparison()
{
    const quint64 request = ++m_comparisonRequest;
    const bool wasCompared = m_comparison != nullptr;
    m_comparison.reset();
    m_sideChoice->hide();
    if (wasCompared)
        showSide(0);
    if (!m_run || !m_other || m_isLive)
        return;
    runInBackground<std::shared_ptr<const RunComparison>>(
        this, [a = m_run, b = m_other] { return std::make_shared<const RunComparison>(compare(*a, *b)); },
        [this, request](const std::shared_ptr<const RunComparison>& comparison) {
            if (request != m_comparisonRequest)
                return;
            m_comparison = comparison;
            m_compare->setComparison(comparison, m_run->name, m_other->name);
            m_sideChoice->setVisible(view() == Map);
        },
        [this, request](const QString& sentence) {
            if (request == m_comparisonRequest)
                m_compare->setReason(sentence);
        });
}

// A, B and the change share the range of colours: the same colour is the same number.
void ExplorePage::showSide(int side)
{
    m_sideChoice->setCurrent(side);
    if (!m_map || m_isLive)
        return;
    const std::shared_ptr<const widgets::TokenMap> shown = side == 0 || !m_comparison ? m_map
                                                           : side == 1                ? m_comparison->other
                                                                                      : m_comparison->change;
    m_mapView->setCompared(m_comparison ? m_comparison->other : nullptr);
    m_mapView->setMap(shown, false, false);
    m_inspector->setMap(shown);
}

void ExplorePage::setVerdict(const std::optional<widgets::RunVerdict>& verdict)
{
    m_verdict = verdict;
    m_table->setVerdict(verdict);
    if (m_blocks)
        showBlocks();
    refreshNotice();
}

void ExplorePage::showRefusal(const JobFault& fault)
{
    m_refusal = fault.sentence + u' ' + tr("The run that was open still is.");
    refreshNotice();
}

// What stands between the reader and the numbers: what was asked for last, then a refuted run before an unfinished or a
// damaged one.
void ExplorePage::refreshNotice()
{
    const bool isFailed = m_verdict && m_verdict->state == CheckState::Failed;
    if (!m_refusal.isEmpty())
        m_notice->setNotice(widgets::Notice::Tone::Error, m_refusal, remedyText(Remedy::OpenOther));
    else if (isFailed)
        m_notice->setNotice(widgets::Notice::Tone::Error, m_verdict->sentence, tr("See the checks"));
    else if (m_offersResume)
        m_notice->setNotice(widgets::Notice::Tone::Warning,
                            tr("This run is unfinished: what is hatched has not been measured."), tr("Resume it"));
    else if (!m_problems.isEmpty())
        m_notice->setNotice(widgets::Notice::Tone::Warning, m_problems.join(u'\n'), tr("Verify it"));
    m_notice->setVisible(!m_isLive && (!m_refusal.isEmpty() || isFailed || m_offersResume || !m_problems.isEmpty()));

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

}
