// The map of a run: one painted cell per token (or prompt) and block, virtualised, with marginals and a cell cursor.
#pragma once

#include "widgets/error_scale.h"
#include "widgets/heatmap_geometry.h"
#include "widgets/heatmap_order.h"
#include "widgets/heatmap_painter.h"
#include "widgets/heatmap_values.h"
#include "widgets/values.h"

#include <QAbstractScrollArea>
#include <QImage>
#include <QTimer>

#include <memory>
#include <optional>

namespace blockcert::widgets {

class TokenHoverCard;

// Hover peeks, a click holds, a drag selects a slice, Esc releases, arrow keys move the cursor, N and P visit the
// cells beyond the threshold. Rows are positions: equal tokens are different rows. Where a row is a whole prompt, a
// cell stands for its most striking token. GUI thread only.
class TokenHeatmap : public QAbstractScrollArea {
    Q_OBJECT

public:
    explicit TokenHeatmap(QWidget* parent = nullptr);
    ~TokenHeatmap() override;

    // Keeps metric, cursor, held cell and scroll position where they still exist.
    void setMap(std::shared_ptr<const TokenMap> map);
    // Another map with its metric and prompt at once: what is shown is worked out once.
    void setMap(std::shared_ptr<const TokenMap> map, Metric metric, std::optional<int> prompt);

    // After setCell this is the view's own copy, which later calls of setCell extend.
    [[nodiscard]] std::shared_ptr<const TokenMap> map() const { return m_map; }

    // One finished cell of a run that goes on. Nothing happens for a block or prompt the map does not have.
    void setCell(int block, int prompt, std::shared_ptr<const MapCell> cell);
    // The tokens of one prompt, or every prompt (std::nullopt) as the last overview showed them: token by token with
    // headings, or one row each.
    void setPrompt(std::optional<int> prompt);

    // Nothing while every prompt is shown.
    [[nodiscard]] std::optional<int> prompt() const
    {
        return m_view.unit == RowUnit::Tokens ? m_view.prompt : std::nullopt;
    }

    // Rows, their order and how several tokens become one number.
    void setView(const HeatmapLayout& view);

    [[nodiscard]] const HeatmapLayout& view() const { return m_view; }

    void setMetric(Metric metric);

    [[nodiscard]] Metric metric() const { return m_metric; }

    // Fitted to the map unless one is set (so that A and B share a range); another metric fits again.
    void setScale(const std::optional<ErrorScale>& scale);

    [[nodiscard]] const ErrorScale& scale() const { return m_scale; }

    [[nodiscard]] bool hasFixedScale() const { return m_fixedScale.has_value(); }

    void setScaleKind(ScaleKind kind);

    [[nodiscard]] ScaleKind scaleKind() const { return m_scaleKind; }

    void setPlainColours(bool plain); // one ramp without the break at τ

    [[nodiscard]] bool hasPlainColours() const { return m_plain; }

    [[nodiscard]] CellKey current() const { return m_current; }

    void setCurrent(const CellKey& key); // scrolls there; signals only a change

    [[nodiscard]] bool isHeld() const { return m_held.isValid(); }

    [[nodiscard]] CellKey held() const { return m_held; }

    void hold(const CellKey& key);
    void release();
    // The rectangle of cells that was dragged open, or none.
    void select(const std::optional<GridRange>& range);

    [[nodiscard]] const std::optional<GridRange>& selection() const { return m_selection; }

    [[nodiscard]] MapSlice slice() const;
    // The next (or previous) cell beyond the threshold in reading order; false if there is none.
    bool visitUncovered(bool forwards);

    void zoomToFit(); // all rows in the view; rows thinner than a pixel show the largest of their tokens
    void resetZoom();

    [[nodiscard]] const HeatmapGeometry& grid() const { return m_grid; }

    [[nodiscard]] const HeatmapValues& values() const { return m_values; }

    [[nodiscard]] const HeatmapArrangement& arrangement() const { return m_shown; }

    [[nodiscard]] std::optional<CellKey> cellAt(const QPointF& viewportPoint) const;
    [[nodiscard]] QRectF rectOf(const CellKey& key) const; // viewport coordinates; null if it is not shown
    [[nodiscard]] int blockAt(int column) const;           // the block of a shown column; -1 outside
    [[nodiscard]] int columnOf(int block) const;           // the shown column of a block; -1 if it is not shown
    [[nodiscard]] QRect minimapRect() const;               // empty while everything is in view
    [[nodiscard]] CellKey keyOf(GridPosition position) const;
    [[nodiscard]] std::optional<GridPosition> positionOf(const CellKey& key) const;

    // The view in words, for screen readers and "describe this view".
    [[nodiscard]] QString description() const;
    // One cell in words: "Token 0 “Review”, block 11: error 0.014217, above τ_act".
    [[nodiscard]] QString cellSentence(const CellKey& key) const;
    // The cell as JSON text with all digits, what Ctrl+C copies.
    [[nodiscard]] QString cellJson(const CellKey& key) const;
    // The selected cells as tab-separated text with all digits, blocks as columns; empty without a selection.
    [[nodiscard]] QString selectionText() const;
    // The selection in words: "31 tokens × 4 blocks: 120 measured, 2 of them above τ_act, largest 0.0142".
    [[nodiscard]] QString selectionSentence() const;
    [[nodiscard]] QSize sizeHint() const override;

signals:
    void hovered(const blockcert::widgets::CellKey& key); // invalid: left the cells
    void currentChanged(const blockcert::widgets::CellKey& key);
    void heldChanged(const blockcert::widgets::CellKey& key); // invalid: released
    void activated(const blockcert::widgets::CellKey& key);   // double click, Return
    void metricChanged(blockcert::widgets::Metric metric);
    void scaleChanged();
    void viewChanged();
    void sliceSelected(const blockcert::widgets::MapSlice& slice); // empty: nothing is selected

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
    void rebuild();
    void relayout();
    void fitView();
    void refit();
    void fitScale();
    void markClips();
    void announceCurrent();
    void moveCursor(int rows, int columns, bool extend);
    void selectTo(GridPosition end);
    void dragTo(const QPointF& point);
    void showMinimapAt(const QPointF& point);
    void ensureVisible(const CellKey& key);
    void ensureVisible(GridPosition position);
    [[nodiscard]] QString marginalText(const QString& where, const Marginal& marginal) const;
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
    [[nodiscard]] HeatmapFrame frame() const;
    [[nodiscard]] GridPosition nearestCell(const QPointF& viewportPoint) const;
    void paintMinimap(QPainter& painter);

    std::shared_ptr<const TokenMap> m_map;
    std::shared_ptr<TokenMap> m_ownMap; // m_map after the first setCell
    HeatmapLayout m_view;
    RowUnit m_overview = RowUnit::Tokens; // what setPrompt(std::nullopt) returns to
    HeatmapArrangement m_shown;
    std::vector<int> m_shownColumns; // [position in blocks], the column that shows it
    HeatmapValues m_values;
    HeatmapGeometry m_grid;
    ErrorScale m_scale;
    std::optional<ErrorScale> m_fixedScale;
    ScaleKind m_scaleKind = ScaleKind::Logarithmic;
    bool m_plain = false;
    Metric m_metric = Metric::Error;
    HeatmapMargins m_margins;
    QSize m_lastSize; // of the view when it was laid out last
    CellKey m_current;
    CellKey m_held;
    CellKey m_hovered;
    double m_rowZoom = 1;
    double m_columnZoom = 1;
    bool m_fitRows = false;
    enum class Drag : std::uint8_t { None, Pan, Press, Select, Minimap };
    Drag m_drag = Drag::None;
    QPointF m_dragFrom;
    GridPosition m_anchor; // the cell where a selection began
    std::optional<GridRange> m_selection;
    QTimer m_fitTimer;  // refits the scale at most five times a second while cells arrive
    QTimer m_cardTimer; // the pointer has to rest before the first card; then the card follows it
    QImage m_raster;    // reused between paints
    QImage m_minimap;   // every row and column, small
    bool m_minimapIsOld = true;
    TokenHoverCard* m_card = nullptr;
};

}
