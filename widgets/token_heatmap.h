// The map of a run: one painted cell per token and block, virtualised, with marginals, labels and a cell cursor.
#pragma once

#include "widgets/error_scale.h"
#include "widgets/heatmap_geometry.h"
#include "widgets/heatmap_values.h"
#include "widgets/values.h"

#include <QAbstractScrollArea>
#include <QImage>
#include <QTimer>

#include <memory>
#include <optional>

namespace blockcert::widgets {

class TokenHoverCard;

// Hover peeks, a click holds, Esc releases, arrow keys move the cursor, N and P visit the cells above τ. Rows
// are positions: equal tokens are different rows. GUI thread only.
class TokenHeatmap : public QAbstractScrollArea {
    Q_OBJECT

public:
    explicit TokenHeatmap(QWidget* parent = nullptr);
    ~TokenHeatmap() override;

    // Keeps metric, cursor, held cell and scroll position where they still exist.
    void setMap(std::shared_ptr<const TokenMap> map);

    // After setCell this is the view's own copy, which later calls of setCell extend.
    [[nodiscard]] std::shared_ptr<const TokenMap> map() const { return m_map; }

    // One finished cell of a run that goes on. Nothing happens for a block or prompt the map does not have.
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

    void setCurrent(const CellKey& key); // scrolls there; signals only a change

    [[nodiscard]] bool isHeld() const { return m_held.isValid(); }

    [[nodiscard]] CellKey held() const { return m_held; }

    void hold(const CellKey& key);
    void release();
    // The next (or previous) cell above the threshold in reading order; false if there is none.
    bool visitUncovered(bool forwards);

    void zoomToFit(); // all rows in the view; rows thinner than a pixel show the largest of their tokens
    void resetZoom();

    [[nodiscard]] const HeatmapGeometry& grid() const { return m_grid; }

    [[nodiscard]] const HeatmapValues& values() const { return m_values; }

    [[nodiscard]] std::optional<CellKey> cellAt(const QPointF& viewportPoint) const;
    [[nodiscard]] QRectF rectOf(const CellKey& key) const; // viewport coordinates; null if it is not shown
    [[nodiscard]] CellKey keyOf(GridPosition position) const;
    [[nodiscard]] std::optional<GridPosition> positionOf(const CellKey& key) const;

    // The view in words, for screen readers and "describe this view".
    [[nodiscard]] QString description() const;
    // One cell in words: "Token 0 “Review”, block 11: error 0.014217, above τ_act".
    [[nodiscard]] QString cellSentence(const CellKey& key) const;
    // The cell as JSON text with all digits, what Ctrl+C copies.
    [[nodiscard]] QString cellJson(const CellKey& key) const;
    [[nodiscard]] QSize sizeHint() const override;

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

private:
    struct Margins {
        int left = 0;
        int top = 0;
        int right = 0;
        int bottom = 0;
    };

    void rebuild();
    void relayout();
    void refit();
    void announceCurrent();
    void moveCursor(int rows, int columns);
    void ensureVisible(const CellKey& key);
    void zoomAt(const QPointF& point, double factor, bool columns);
    void setHovered(const CellKey& key, const QPoint& globalPosition);
    void showCard();
    void hideCard();
    [[nodiscard]] int rowsPerPage() const;
    [[nodiscard]] bool shows(const CellKey& key) const;
    [[nodiscard]] QRect cellArea() const;
    [[nodiscard]] QPointF scrollOffset() const;
    [[nodiscard]] QPointF toContent(const QPointF& viewportPoint) const;
    void measureMargins();
    [[nodiscard]] double naturalRowHeight() const;
    [[nodiscard]] QString labelOf(const HeatmapRow& row) const;

    void paintColumnAxis(QPainter& painter) const;
    void paintColumnMarginals(QPainter& painter) const;
    void paintRowMarginals(QPainter& painter) const;
    void paintRowLabels(QPainter& painter) const;
    void paintHeading(QPainter& painter, const HeatmapRow& row, const QRectF& rect) const;
    void paintCursor(QPainter& painter) const;

    std::shared_ptr<const TokenMap> m_map;
    std::shared_ptr<TokenMap> m_ownMap; // m_map after the first setCell
    HeatmapValues m_values;
    HeatmapGeometry m_grid;
    ErrorScale m_scale;
    std::optional<ErrorScale> m_fixedScale;
    std::optional<int> m_prompt;
    Metric m_metric = Metric::Error;
    Margins m_margins;
    int m_positionWidth = 0;
    CellKey m_current;
    CellKey m_held;
    CellKey m_hovered;
    double m_rowZoom = 1;
    double m_columnZoom = 1;
    bool m_fitRows = false;
    QPointF m_panFrom;
    bool m_panning = false;
    QTimer m_fitTimer;  // refits the scale at most five times a second while cells arrive
    QTimer m_cardTimer; // the pointer has to rest before the first card; then the card follows it
    QImage m_raster;    // reused between paints
    TokenHoverCard* m_card = nullptr;
};

}
