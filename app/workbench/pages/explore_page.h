// The Explore page: what stands out, the views of a run, and the table of blocks under them.
#pragma once

#include "app/workbench/pages/page_parts.h"
#include "app/workbench/session/loadable.h"
#include "app/workbench/session/run_view.h"
#include "widgets/chart_figures.h"
#include "widgets/failure_table.h"
#include "widgets/values.h"
#include "widgets/view_export.h"

#include <QTimer>
#include <QWidget>

#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

class QLabel;
class QSplitter;
class QStackedWidget;

namespace blockcert::widgets {
class BlockTable;
class ChartPanel;
class EmptyState;
class InspectorPanel;
class Notice;
class PageTitle;
class SegmentedControl;
class StateBadge;
}

namespace blockcert::workbench {

class Annotations;
class CompareView;
class CoverageView;
class FailureDetails;
class FailureView;
class MapView;
class SelectionBus;
struct RunComparison;
struct RunDiff;

class ExplorePage : public QWidget {
    Q_OBJECT

public:
    enum View { Map, Coverage, Failures, Compare, Charts };
    // Which of the two runs the page shows: the opened one, the one beside it, or how they differ.
    enum class Side : std::uint8_t { A, B, Change };

    ExplorePage(SelectionBus& bus, Annotations& notes, QWidget* parent = nullptr);

    // An opened run, or why there is none.
    void setRun(const QString& path, const Loadable<RunView>& run);
    // Something else was to be opened and is no run: the shown one stays, and the page says why.
    void showRefusal(const JobFault& fault);
    // What was found out about the run by verifying it here; without it everything is the issuer's claim.
    void setVerdict(const std::optional<widgets::RunVerdict>& verdict);
    // A second run beside the opened one; an empty state takes it away.
    void setOther(const QString& path, const Loadable<RunView>& other);
    void setOtherVerdict(const std::optional<widgets::RunVerdict>& verdict); // of B
    // What `blockcert diff` says of the two.
    void setDiff(const Loadable<RunDiff>& diff);
    void showView(View view);

    [[nodiscard]] View view() const;

    // A run that goes on: the map fills with addCell.
    void setLive(const QString& path, const std::shared_ptr<const widgets::TokenMap>& map,
                 const std::shared_ptr<const std::vector<widgets::BlockRow>>& blocks);
    void addCell(int block, int prompt, const std::shared_ptr<const widgets::MapCell>& cell);
    // The run ended without leaving anything to open.
    void endLive();
    void setLiveBlocks(const std::shared_ptr<const std::vector<widgets::BlockRow>>& blocks);

    [[nodiscard]] const std::shared_ptr<const widgets::TokenMap>& map() const { return m_map; }

    // Everything on the page is of this side. The list of failures and the comparison are A's, and without a second run
    // there is nothing but A.
    [[nodiscard]] Side shownSide() const;
    // The map of that side, in A's blocks and prompts; map() stays the opened run's.
    [[nodiscard]] std::shared_ptr<const widgets::TokenMap> shownMap() const;
    // The run whose claims are shown: B on its side, else A; null while A is read or measured.
    [[nodiscard]] std::shared_ptr<const RunView> shownRun() const;

    // What the view in front hands out, with the digests of its runs; nothing where there is nothing to export, and of
    // failures their table.
    [[nodiscard]] std::optional<widgets::ViewExport> exported() const;
    // Of something that is shown, with the digests of the runs it is of.
    [[nodiscard]] widgets::ViewExport withRuns(widgets::ViewExport view) const;
    // The coverage of the shown side, counted when the function is called: in any thread.
    [[nodiscard]] std::function<widgets::ViewExport()> coverageExport() const;
    // What is in view is of A and of B: the comparison, or a difference.
    [[nodiscard]] bool showsBoth() const;

    [[nodiscard]] bool isLive() const { return m_isLive; }

    [[nodiscard]] widgets::CellKey selection() const;
    void select(const widgets::CellKey& key);  // and hold it
    void goTo(const widgets::CellKey& key);    // without holding it
    void explain(const widgets::CellKey& key); // why it has that error, in the failures
    void selectBlock(int block);
    void selectPrompt(int prompt); // -1: every prompt
    void release();                // the selected slice, else the held cell
    [[nodiscard]] bool canRelease() const;
    void stepToUncovered(int step);

    void resetSplit(); // map and table at their first heights

    [[nodiscard]] FailureView& failureView() { return *m_failures; }

    [[nodiscard]] FailureDetails& failureDetails();

    [[nodiscard]] const CompareView& compareView() const { return *m_compare; }

    [[nodiscard]] std::optional<int> shownPrompt() const;
    [[nodiscard]] QWidget* side() const;

signals:
    void runWanted();
    void modelWanted();
    void demoWanted();
    void resumeWanted();
    void verifyWanted(); // shows what was or can be checked
    void certificateWanted(int block);
    void copyWanted(); // the command that made the run
    void remedyWanted(blockcert::workbench::Remedy remedy);
    void viewExportWanted(const blockcert::widgets::ViewExport& view);
    void otherWanted(); // choose B
    void swapWanted();  // A and B
    void diffCommandWanted();
    void exportWanted(const blockcert::widgets::FailureRow& failure, const QString& note);
    void mapGone();     // there was a map, and now there is none
    void sideChanged(); // shownSide(), shownMap(), shownRun()

private:
    struct PendingCell {
        int block = 0;
        int prompt = 0;
        std::shared_ptr<const widgets::MapCell> values;
    };

    void makeEmptyPage();
    QWidget* makeView();
    QWidget* makeTable();
    void showMap(const std::shared_ptr<const widgets::TokenMap>& map,
                 const std::shared_ptr<const std::vector<widgets::BlockRow>>& blocks, bool keepPlace);
    void showBlocks();
    void fitTable(); // hidden where a view lists the blocks itself and has a card that needs the height
    void takePendingCells();
    void refreshNotice();
    void refreshBadge();
    void refreshFailures();
    void refreshComparison();
    void drawChart(widgets::Chart chart, int block);
    void showSide(int side); // A, B or the change, as far as the view has it
    void refreshSide();
    void refreshTitle();
    [[nodiscard]] QString viewTitle() const; // what the view shows of a run on its own
    using Metadata = std::vector<std::pair<QString, QString>>;

    [[nodiscard]] Metadata runMetadata() const;              // which runs what is shown is of
    void exportOf(const widgets::ViewExport& view);          // emits it
    [[nodiscard]] widgets::CellKey worstOf(int block) const; // invalid: none
    [[nodiscard]] bool hasSides() const;
    [[nodiscard]] bool offersResume() const; // of the shown run
    void inspect();
    void act(int action);

    SelectionBus& m_bus;
    std::shared_ptr<const widgets::TokenMap> m_map;
    std::shared_ptr<const std::vector<widgets::BlockRow>> m_blocks;
    std::vector<PendingCell> m_pendingCells; // on the map already, not yet in m_map
    QTimer m_pendingTimer;
    bool m_isLive = false;
    bool m_wasLive = false; // when the map was shown last
    bool m_hasCertificates = false;
    QStackedWidget* m_stack = nullptr;
    widgets::EmptyState* m_empty = nullptr;
    QWidget* m_emptyPage = nullptr;
    widgets::Notice* m_emptyNotice = nullptr;
    widgets::PageTitle* m_title = nullptr;
    widgets::StateBadge* m_trust = nullptr;
    QLabel* m_blocksSentence = nullptr;
    widgets::Notice* m_notice = nullptr;
    QSplitter* m_split = nullptr;
    widgets::SegmentedControl* m_view = nullptr;
    widgets::SegmentedControl* m_sideChoice = nullptr; // A, B, Δ
    QStackedWidget* m_views = nullptr;
    MapView* m_mapView = nullptr;
    CoverageView* m_coverage = nullptr;
    FailureView* m_failures = nullptr;
    CompareView* m_compare = nullptr;
    widgets::ChartPanel* m_charts = nullptr;
    std::shared_ptr<const RunView> m_run;   // A, once it is read
    std::shared_ptr<const RunView> m_other; // B
    std::shared_ptr<const RunComparison> m_comparison;
    Side m_side = Side::A;                              // the chosen one
    std::shared_ptr<const widgets::TokenMap> m_sideMap; // what the views were given last
    quint64 m_comparisonRequest = 0;                    // only the newest is shown
    widgets::BlockTable* m_table = nullptr;
    widgets::InspectorPanel* m_inspector = nullptr;
    Remedy m_remedy = Remedy::Retry;
    QStringList m_problems; // of the opened run
    QString m_refusal;      // why another one was not opened in its place
    std::optional<widgets::RunVerdict> m_verdict;
    std::optional<widgets::RunVerdict> m_otherVerdict;
    std::optional<int> m_actions; // which of the inspector's actions are enabled, as bits
    bool m_offersResume = false;
};

}
