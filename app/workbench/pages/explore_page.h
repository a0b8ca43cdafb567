// The Explore page: what stands out, the map of tokens and blocks, and the table of blocks under it.
#pragma once

#include "app/workbench/pages/page_parts.h"
#include "app/workbench/session/loadable.h"
#include "app/workbench/session/run_view.h"
#include "widgets/values.h"

#include <QTimer>
#include <QWidget>

#include <memory>
#include <optional>
#include <vector>

class QComboBox;
class QLabel;
class QStackedWidget;

namespace blockcert::widgets {
class BlockTable;
class EmptyState;
class ErrorLegend;
class InspectorPanel;
class Notice;
class PageTitle;
class SegmentedControl;
class StateBadge;
class TokenHeatmap;
}

namespace blockcert::workbench {

class ExplorePage : public QWidget {
    Q_OBJECT

public:
    explicit ExplorePage(QWidget* parent = nullptr);

    // An opened run, or why there is none.
    void setRun(const QString& path, const Loadable<RunView>& run);
    // What was found out about the run by verifying it here; without it everything is the issuer's claim.
    void setVerdict(const std::optional<widgets::RunVerdict>& verdict);
    // A run that goes on: the map fills with addCell.
    void setLive(const std::shared_ptr<const widgets::TokenMap>& map,
                 const std::shared_ptr<const std::vector<widgets::BlockRow>>& blocks);
    void addCell(int block, int prompt, const std::shared_ptr<const widgets::MapCell>& cell);
    // The run ended without leaving anything to open.
    void endLive();
    void setLiveBlocks(const std::shared_ptr<const std::vector<widgets::BlockRow>>& blocks);

    [[nodiscard]] const std::shared_ptr<const widgets::TokenMap>& map() const { return m_map; }

    [[nodiscard]] bool isLive() const { return m_isLive; }

    [[nodiscard]] widgets::CellKey selection() const;
    void select(const widgets::CellKey& key); // and hold it
    void goTo(const widgets::CellKey& key);   // without holding it
    void selectBlock(int block);
    void selectPrompt(int prompt); // -1: every prompt
    void release();
    void stepToUncovered(int step);

    [[nodiscard]] std::optional<int> shownPrompt() const;
    [[nodiscard]] QWidget* side() const;

signals:
    void selectionChanged();
    void runWanted();
    void modelWanted();
    void demoWanted();
    void resumeWanted();
    void verifyWanted(); // shows what was or can be checked
    void certificateWanted(int block);
    void copyWanted(); // the command that made the run
    void remedyWanted(blockcert::workbench::Remedy remedy);

private:
    struct PendingCell {
        int block = 0;
        int prompt = 0;
        std::shared_ptr<const widgets::MapCell> values;
    };

    QWidget* makeView();
    void showMap(const std::shared_ptr<const widgets::TokenMap>& map,
                 const std::shared_ptr<const std::vector<widgets::BlockRow>>& blocks, bool keepPlace);
    void setMetric(widgets::Metric metric);
    void takePendingCells();
    void refreshSentence();
    void refreshNotice();
    void refreshPrompts();
    void inspect(const widgets::CellKey& key);
    void act(int action);

    std::shared_ptr<const widgets::TokenMap> m_map;
    std::shared_ptr<const std::vector<widgets::BlockRow>> m_blocks;
    std::vector<PendingCell> m_pendingCells; // on the map already, not yet in m_map
    QTimer m_pendingTimer;
    bool m_isLive = false;
    bool m_wasLive = false; // when the map was shown last
    bool m_hasCertificates = false;
    bool m_goesToWorst = false;   // a map that was just opened shows its largest value first
    quint64 m_summaryRequest = 0; // only the newest summary is shown
    QStackedWidget* m_stack = nullptr;
    widgets::EmptyState* m_empty = nullptr;
    QWidget* m_emptyPage = nullptr;
    widgets::Notice* m_emptyNotice = nullptr;
    widgets::PageTitle* m_title = nullptr;
    widgets::StateBadge* m_trust = nullptr;
    widgets::SegmentedControl* m_metric = nullptr;
    QLabel* m_sentence = nullptr;
    QLabel* m_blocksSentence = nullptr;
    widgets::Notice* m_notice = nullptr;
    QComboBox* m_prompt = nullptr;
    widgets::TokenHeatmap* m_heatmap = nullptr;
    widgets::ErrorLegend* m_legend = nullptr;
    widgets::BlockTable* m_table = nullptr;
    widgets::InspectorPanel* m_inspector = nullptr;
    Remedy m_remedy = Remedy::Retry;
    QStringList m_problems; // of the opened run
    std::optional<widgets::RunVerdict> m_verdict;
    bool m_offersResume = false;
};

}
