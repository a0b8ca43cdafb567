// What the map shows and how: the metric, and a menu of rows, orders, scale and colours. Bound to one map.
#pragma once

#include "widgets/values.h"

#include <QWidget>

class QAction;
class QActionGroup;
class QComboBox;
class QMenu;
class QPushButton;

namespace blockcert::widgets {

class SegmentedControl;
class TokenHeatmap;

// The metrics stand side by side where there is room, else in a list.
class HeatmapControls : public QWidget {
    Q_OBJECT

public:
    // The map outlives the controls or dies with them.
    explicit HeatmapControls(TokenHeatmap& heatmap, QWidget* parent = nullptr);
    // Metrics without a single measurement are off, unless nothing at all is measured yet. Follows the map by itself.
    void refreshMetrics();

    [[nodiscard]] QMenu* menu() const { return m_menu; }

    [[nodiscard]] QSize sizeHint() const override;
    [[nodiscard]] QSize minimumSizeHint() const override;

signals:
    void metricChosen(blockcert::widgets::Metric metric); // by the user; the map has it already
    void exportRequested();

protected:
    void resizeEvent(QResizeEvent* event) override;
    bool event(QEvent* event) override;

private:
    void choose(int index);
    void makeMenu();
    void refresh();
    void arrangeWidgets();
    QActionGroup* addChoices(const QStringList& choices);

    TokenHeatmap& m_heatmap;
    SegmentedControl* m_segments = nullptr;
    QComboBox* m_list = nullptr;
    QPushButton* m_button = nullptr;
    QMenu* m_menu = nullptr;
    QActionGroup* m_rows = nullptr;
    QActionGroup* m_rowOrder = nullptr;
    QActionGroup* m_columnOrder = nullptr;
    QActionGroup* m_aggregate = nullptr;
    QActionGroup* m_scale = nullptr;
    QAction* m_fit = nullptr;
    QAction* m_plain = nullptr;
};

}
