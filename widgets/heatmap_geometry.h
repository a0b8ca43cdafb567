// Where a map's rows and columns lie: pure arithmetic, no painting, tested by itself.
#pragma once

#include <QRectF>
#include <QSizeF>

#include <optional>
#include <vector>

namespace blockcert::widgets {

// One row of a map: a token, a whole prompt, or a heading between them.
struct HeatmapRow {
    static constexpr int promptHeading = -1;
    static constexpr int wholePrompt = -2;
    static constexpr int tagHeading = -3; // before the first prompt of a tag, which `prompt` names

    int prompt = 0;
    int token = 0; // position in the prompt, or one of the above

    [[nodiscard]] bool isHeading() const { return token == promptHeading || token == tagHeading; }

    friend bool operator==(const HeatmapRow&, const HeatmapRow&) = default;
};

struct GridPosition {
    int row = 0; // index into rows(), headings included
    int column = 0;

    friend bool operator==(const GridPosition&, const GridPosition&) = default;
};

// Content coordinates start at the first row and column; the view subtracts its scroll position and adds
// the margins of labels and marginals. Rows are equally high, headings have a height of their own.
class HeatmapGeometry {
public:
    void setRows(std::vector<HeatmapRow> rows);
    void setColumns(int count);
    void setCellSize(double width, double height);
    void setHeadingHeight(double height);

    [[nodiscard]] const std::vector<HeatmapRow>& rows() const { return m_rows; }

    [[nodiscard]] int columns() const { return m_columns; }

    [[nodiscard]] double cellWidth() const { return m_cellWidth; }

    [[nodiscard]] double cellHeight() const { return m_cellHeight; }

    [[nodiscard]] QSizeF contentSize() const;
    [[nodiscard]] QRectF cellRect(GridPosition position) const;
    [[nodiscard]] double rowTop(int row) const;
    // The row at y, headings included; clamped to the content.
    [[nodiscard]] int rowAt(double y) const;
    [[nodiscard]] int columnAt(double x) const;
    // Nothing outside the cells and on headings.
    [[nodiscard]] std::optional<GridPosition> hit(const QPointF& point) const;
    // Index of the row of a token, or of its prompt where a prompt is one row; -1 if it is not shown.
    [[nodiscard]] int rowOf(int prompt, int token) const;
    // The same rows scaled to fit the size, headings included: what a minimap shows.
    [[nodiscard]] HeatmapGeometry fittedTo(const QSizeF& size) const;

private:
    std::vector<HeatmapRow> m_rows;
    std::vector<int> m_headingsBefore; // [row + 1], prefix count
    std::vector<int> m_firstOfPrompt;  // [prompt + 1], into m_rowOfToken
    std::vector<int> m_rowOfToken;     // [token of all prompts, prompt by prompt], -1: not shown
    std::vector<int> m_rowOfPrompt;    // [prompt], where a prompt is one row, else -1
    int m_columns = 0;
    double m_cellWidth = 26;
    double m_cellHeight = 18;
    double m_headingHeight = 30;
};

}
