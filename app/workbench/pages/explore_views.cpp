// ExplorePage: its views and the run beside the opened one.
#include "app/workbench/pages/compare_view.h"
#include "app/workbench/pages/coverage_view.h"
#include "app/workbench/pages/explore_page.h"
#include "app/workbench/pages/failure_view.h"
#include "app/workbench/pages/map_view.h"
#include "app/workbench/process/background.h"
#include "app/workbench/session/annotations.h"
#include "app/workbench/session/run_comparison.h"
#include "widgets/chart_comparison.h"
#include "widgets/chart_panel.h"
#include "widgets/segmented_control.h"

#include <QSplitter>
#include <QStackedWidget>

namespace blockcert::workbench {

void ExplorePage::showView(View view)
{
    m_view->setCurrent(view);
    m_views->setCurrentIndex(view);
    refreshSide();
    fitTable();
    setFocusProxy(m_views->currentWidget());
    m_views->currentWidget()->setFocus();
}

void ExplorePage::fitTable()
{
    m_split->widget(1)->setVisible(view() != Compare && view() != Failures);
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
    const std::shared_ptr<const widgets::TokenMap> map = shownMap();
    if (!map) {
        m_charts->setFigure(chart, block, nullptr);
        return;
    }
    const std::shared_ptr<const RunComparison> both = shownSide() == Side::Change ? m_comparison : nullptr;
    const Metadata runs = runMetadata();
    runInBackground<Figure>(
        this,
        [map, chart, block, both, a = m_map, runs] {
            auto figure = std::make_shared<figure::Figure>(both ? widgets::comparedChart(*a, *both->other, chart, block)
                                                                : widgets::chartFigure(*map, chart, block));
            for (const auto& [name, value] : runs)
                figure->metadata.emplace_back(name.toStdString(), value.toStdString());
            return figure;
        },
        [this, map, chart, block](const Figure& figure) {
            if (map == shownMap())
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
    m_comparison.reset();
    m_side = Side::A;
    refreshSide();
    if (!m_run || !m_other || m_isLive)
        return;
    runInBackground<std::shared_ptr<const RunComparison>>(
        this, [a = m_run, b = m_other] { return std::make_shared<const RunComparison>(compare(*a, *b)); },
        [this, request](const std::shared_ptr<const RunComparison>& comparison) {
            if (request != m_comparisonRequest)
                return;
            m_comparison = comparison;
            m_compare->setComparison(comparison, *m_run, *m_other);
            refreshSide();
        },
        [this, request](const QString& sentence) {
            if (request == m_comparisonRequest)
                m_compare->setReason(sentence);
        });
}

}
