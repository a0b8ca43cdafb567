// Paints a map from values alone: the widget and the exporter of figures share it.
#pragma once

#include "widgets/error_scale.h"
#include "widgets/heatmap_geometry.h"
#include "widgets/heatmap_order.h"
#include "widgets/heatmap_values.h"
#include "widgets/theme.h"
#include "widgets/values.h"

#include <QImage>
#include <QPointF>
#include <QRect>

#include <optional>

class QPainter;

namespace blockcert::widgets {

// Inclusive on both ends, in shown rows and columns; from ≤ to.
struct GridRange {
    GridPosition from;
    GridPosition to;

    friend bool operator==(const GridRange&, const GridRange&) = default;
};

struct HeatmapMargins {
    int left = 0;
    int top = 0;
    int right = 0;
    int bottom = 0;
    int positionWidth = 0;     // of the numbers beside the labels
    qsizetype sharedLabel = 0; // with how many characters the labels of all prompts begin
    bool rowMarginals = false;
    int minimap = 0; // its width, 0: none; part of `right`
};

// Room for labels and marginals beside the cells of a view of this width.
[[nodiscard]] HeatmapMargins marginsOf(const TokenMap& map, const HeatmapGeometry& grid, int width);

// What is painted where. The references outlive the painting.
struct HeatmapFrame {
    const TokenMap& map;
    const HeatmapArrangement& shown;
    const HeatmapValues& values;
    const HeatmapGeometry& grid;
    const ErrorScale& scale;
    Aggregate aggregate = Aggregate::Extreme; // of the marginals' bars; the other one is a thin line
    HeatmapMargins margins;
    QRect area; // of the cells, in the view
    int width = 0;
    QPointF offset; // scroll position in content coordinates
    CellKey current;
    CellKey held;
    CellKey hovered;
    std::optional<GridRange> selection;
    bool focused = false;
};

class HeatmapPainter {
public:
    HeatmapPainter(QPainter& painter, const HeatmapFrame& frame, const Tokens& tokens);

    // The cells as one picture in device pixels; `raster` is reused between paints.
    void paintRaster(QImage& raster, double devicePixelRatio) const;
    // The cells as shapes, for vector formats.
    void paintShapes() const;
    // Labels, numbers of the blocks and both marginals.
    void paintAxes() const;
    // Cross-hair of the held cell, cell cursor, pointer and selection.
    void paintMarks() const;

private:
    void paintColumnAxis() const;
    void paintColumnMarginals() const;
    void paintRowMarginals() const;
    void paintRowLabels() const;
    void paintPromptInView() const;
    void paintHeading(const HeatmapRow& row, const QRectF& rect) const;
    void paintLabel(const HeatmapRow& row, const QRectF& line, bool isMarked) const;
    void paintCross(const QRectF& cell) const;
    void outline(const QRectF& cell, const QColor& colour, double width) const;
    [[nodiscard]] QRectF rectOf(const CellKey& key) const; // null if it is not shown
    [[nodiscard]] int columnOf(int block) const;           // as shown; -1 if it is not
    [[nodiscard]] int blockAt(int column) const;
    [[nodiscard]] int firstRow() const;
    [[nodiscard]] int lastRow() const;

    QPainter& m_painter;
    const HeatmapFrame& m_frame;
    const Tokens& m_tokens;
};

// What stands beside a row: the token's piece, or the prompt's beginning.
[[nodiscard]] QString rowLabel(const TokenMap& map, const HeatmapRow& row);

}
