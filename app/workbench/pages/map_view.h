// The map of a run: metric, prompt, what stands out in words, the heatmap and its legend.
#pragma once

#include "widgets/change.h"
#include "widgets/values.h"
#include "widgets/view_export.h"

#include <QWidget>

#include <memory>
#include <optional>

class QComboBox;
class QLabel;

namespace blockcert::widgets {
class ErrorLegend;
class HeatmapControls;
class TokenHeatmap;
}

namespace blockcert::workbench {

class SelectionBus;

// Shows the selection of the bus and tells it where pointer and cursor are; the component follows the metric.
class MapView : public QWidget {
    Q_OBJECT

public:
    explicit MapView(SelectionBus& bus, QWidget* parent = nullptr);

    // A new map starts with the measure that decides, all prompts, and the cursor at the largest value.
    void setMap(const std::shared_ptr<const widgets::TokenMap>& map, bool isNew, bool isLive);
    // Two maps that share one range of colours whichever of them is shown; null: each map has its own.
    void setCompared(const std::shared_ptr<const widgets::TokenMap>& reference,
                     const std::shared_ptr<const widgets::TokenMap>& other);

    // What the difference that is shown is of: both numbers go into the exported table.
    void setSides(const widgets::ComparedMaps& sides) { m_sides = sides; }

    [[nodiscard]] std::optional<widgets::ViewExport> exported() const; // nothing without a map
    // One finished cell of a run that goes on; the words follow with the next setMap or setWords.
    void addCell(int block, int prompt, const std::shared_ptr<const widgets::MapCell>& cell);
    // The words above the map for a snapshot that the heatmap has been given cell by cell.
    void setWords(const std::shared_ptr<const widgets::TokenMap>& map);

    [[nodiscard]] widgets::Metric metric() const;
    void setMetric(widgets::Metric metric);

    [[nodiscard]] std::optional<int> shownPrompt() const;
    void selectPrompt(int prompt);      // -1: every prompt
    bool visitUncovered(bool forwards); // false: there is none
    [[nodiscard]] bool hasUncovered() const;
    [[nodiscard]] bool hasSlice() const;
    void releaseSlice();
    [[nodiscard]] QString cellJson(const widgets::CellKey& key) const;
    // Moves the cursor there and, if the one prompt that is shown is another, to that prompt.
    void goTo(const widgets::CellKey& key);

signals:
    void sliceSelected(const blockcert::widgets::MapSlice& slice); // empty: none
    void metricChanged(blockcert::widgets::Metric metric);
    void promptChanged();
    void exportRequested(const blockcert::widgets::ViewExport& view);

private:
    void followBus();
    void refreshScale();
    void refreshPrompts();
    void showWords();
    void refreshSentence();

    SelectionBus& m_bus;
    std::shared_ptr<const widgets::TokenMap> m_map;
    std::shared_ptr<const widgets::TokenMap> m_reference; // what the range is fitted to besides the compared one
    std::shared_ptr<const widgets::TokenMap> m_compared;
    widgets::ComparedMaps m_sides;
    bool m_isLive = false;
    bool m_goesToWorst = false;   // a map that was just opened shows its largest value first
    quint64 m_summaryRequest = 0; // only the newest summary is shown
    widgets::HeatmapControls* m_controls = nullptr;
    QLabel* m_sentence = nullptr;
    QString m_words; // what stands out, while no slice is selected
    QComboBox* m_prompt = nullptr;
    widgets::TokenHeatmap* m_heatmap = nullptr;
    widgets::ErrorLegend* m_legend = nullptr;
};

}
