// The charts of a run, one at a time, with a choice above and an export beside it. Figures come from outside.
#pragma once

#include "widgets/chart_figures.h"
#include "widgets/view_export.h"

#include <QWidget>

#include <memory>

class QPushButton;

namespace blockcert::widgets {

class FigureView;
class SegmentedControl;

// A chart of a large run takes longer than a frame, so the panel asks for it and shows the last one meanwhile: answer
// figureWanted with chartFigure(map, chart, block) computed elsewhere. GUI thread only.
class ChartPanel : public QWidget {
    Q_OBJECT

public:
    explicit ChartPanel(QWidget* parent = nullptr);
    // Ignored unless it is the chart and the block that are shown now. Null: nothing to show.
    void setFigure(Chart chart, int block, std::shared_ptr<const figure::Figure> figure);
    // The map behind the figures is another one: asks again, at once or when the panel is shown.
    void invalidate();

    [[nodiscard]] Chart chart() const;
    void setChart(Chart chart);

    // Drawn beside the rest where a chart has no block axis; −1: none.
    [[nodiscard]] int block() const { return m_block; }

    void setBlock(int block);

    [[nodiscard]] const FigureView& view() const { return *m_view; }

signals:
    void figureWanted(blockcert::widgets::Chart chart, int block);
    void blockChosen(int block); // a click on a measurement of a chart over the blocks
    void exportRequested(const blockcert::widgets::ViewExport& view);

protected:
    void showEvent(QShowEvent* event) override;

private:
    void ask();

    int m_block = -1;
    bool m_isOld = true; // what is painted belongs to another map, chart or block
    SegmentedControl* m_choice = nullptr;
    QPushButton* m_export = nullptr;
    FigureView* m_view = nullptr;
};

}
