// The map of a run: one painted cell per token and block, virtualised, with marginals, labels and a cell cursor.
#pragma once

#include "widgets/error_scale.h"
#include "widgets/heatmap_geometry.h"
#include "widgets/values.h"

#include <QAbstractScrollArea>
#include <QTimer>

#include <memory>
#include <optional>

namespace blockcert::widgets {

class HeatmapValues;
class TokenHoverCard;

// Hover peeks, a click holds, Esc releases, arrow keys move the cursor. Rows are positions: equal tokens are
// different rows. GUI thread only.
class TokenHeatmap : public QAbstractScrollArea {
    Q_OBJECT

public:
    explicit TokenHeatmap(QWidget* parent = nullptr);
    ~TokenHeatmap() override;

    // Keeps metric, cursor, held cell and scroll position where they still exist.
    void setMap(std::shared_ptr<const TokenMap> map);

    [[nodiscard]] const std::shared_ptr<const TokenMap>& map() const { return m_map; }

    // One finished cell of a run that goes on; repaints that column's rows only.
    void setCell(int block, int prompt, std::shared_ptr<const MapCell> cell);
    // One prompt, or every prompt one after the other with headings (std::nullopt).
    void setPrompt(std::optional<int> prompt);

    [[nodiscard]] std::optional<int> prompt() const { return m_prompt; }

    void setMetric(Metric metric);

    [[nodiscard]] Metric metric() const { return m_metric; }

    // Fitted to the map unless one is set (so that A and B share a range).
    void setScale(const std::optional<ErrorScale>& scale);

    [[nodiscard]] const ErrorScale& scale() const { return m_scale; }

    [[nodiscard]] CellKey current() const { return m_current; }

    void setCurrent(const CellKey& key); // scrolls there; no signal if it is already current

    [[nodiscard]] bool isHeld() const { return m_held.isValid(); }

    [[nodiscard]] CellKey held() const { return m_held; }

    void hold(const CellKey& key);
    void release();

    void zoomToFit(); // all rows of the prompt in the view; pixel rows show the largest of their tokens
    void resetZoom();

    [[nodiscard]] const HeatmapGeometry& grid() const { return m_grid; }

    // What a hand-held picture of the view would say, for screen readers and the "describe" command.
    [[nodiscard]] QString description() const;
    // The current cell as JSON text, what Ctrl+C copies.
    [[nodiscard]] QString cellText(const CellKey& key) const;

signals:
    void hovered(const blockcert::widgets::CellKey& key); // invalid: left the cells
    void currentChanged(const blockcert::widgets::CellKey& key);
    void heldChanged(const blockcert::widgets::CellKey& key); // invalid: released
    void activated(const blockcert::widgets::CellKey& key);   // double click, Return
    void metricChanged(blockcert::widgets::Metric metric);
    void scaleChanged();

protected:
    bool viewportEvent(QEvent* event) override;
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void wheelEvent(QWheelEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseReleaseEvent(QMouseEvent* event) override;
    void mouseDoubleClickEvent(QMouseEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void focusInEvent(QFocusEvent* event) override;
    void focusOutEvent(QFocusEvent* event) override;
    void changeEvent(QEvent* event) override;
    void scrollContentsBy(int dx, int dy) override;
    [[nodiscard]] QSize sizeHint() const override;

private:
    void rebuild();
    void relayout();
    void refit();
    void moveCursor(int rows, int columns);
    void ensureVisible(const CellKey& key);
    void zoomAt(const QPointF& point, double factor, bool columnsToo);
    [[nodiscard]] std::optional<CellKey> cellAt(const QPointF& point) const;
    [[nodiscard]] QRectF rectOf(const CellKey& key) const;
    void showCard(const CellKey& key, const QPoint& globalPosition);
    void paintCells(QPainter& painter, const QRect& clip) const;
    void paintMarginals(QPainter& painter) const;
    void paintLabels(QPainter& painter, const QRect& clip) const;
    void paintCursor(QPainter& painter) const;

    std::shared_ptr<const TokenMap> m_map;
    std::unique_ptr<HeatmapValues> m_values; // the current metric, dense, [row, column]
    HeatmapGeometry m_grid;
    ErrorScale m_scale;
    std::optional<ErrorScale> m_fixedScale;
    std::optional<int> m_prompt;
    Metric m_metric = Metric::Error;
    CellKey m_current;
    CellKey m_held;
    CellKey m_hovered;
    double m_rowZoom = 1;
    double m_columnZoom = 1;
    QPointF m_panFrom;
    bool m_panning = false;
    QTimer m_fitTimer; // refits the scale at most ten times a second while cells arrive
    TokenHoverCard* m_card = nullptr;
};

}
