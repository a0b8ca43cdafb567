// Coverage as the very tokens it counts: a strip for each block, the block in hand with its uncovered tokens by name.
#pragma once

#include "widgets/coverage_painter.h"
#include "widgets/coverage_rows.h"
#include "widgets/values.h"

#include <QAbstractScrollArea>

#include <memory>
#include <optional>
#include <vector>

namespace blockcert::widgets {

// Covered tokens are low and cool, uncovered ones high and warm, undecided ones hollow, unmeasured ones hatched: shape
// says it as well as colour. Where there are more tokens than pixels a pixel shows its worst. Arrow keys move, N and P
// visit what is not covered, Return and a double click activate. GUI thread only.
class CoverageStrip : public QAbstractScrollArea {
    Q_OBJECT

public:
    explicit CoverageStrip(QWidget* parent = nullptr);
    void setMap(std::shared_ptr<const TokenMap> map, std::shared_ptr<const CoverageRows> rows);
    void setCurrent(const CellKey& key); // no signal

    [[nodiscard]] CellKey current() const { return m_current; }

    [[nodiscard]] std::optional<CellKey> tokenAt(const QPointF& viewportPoint) const;
    [[nodiscard]] QRectF stripRect(int row) const; // viewport coordinates
    // The middle of a token's mark in the strip of its block; nothing if it is not among the places.
    [[nodiscard]] std::optional<QPointF> pointOf(const CellKey& key) const;
    bool visitUncovered(bool forwards); // over all blocks, in reading order
    // "Block 11: 0.967 covered (30 of 31 tokens), 1 not covered", for screen readers.
    [[nodiscard]] QString rowSentence(int row) const;
    [[nodiscard]] QSize sizeHint() const override;

signals:
    void tokenChosen(const blockcert::widgets::CellKey& key);
    void activated(const blockcert::widgets::CellKey& key);

protected:
    bool viewportEvent(QEvent* event) override;
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseReleaseEvent(QMouseEvent* event) override;
    void mouseDoubleClickEvent(QMouseEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void changeEvent(QEvent* event) override;
    void scrollContentsBy(int dx, int dy) override;

private:
    // A named token under the strip of the block in hand.
    struct Name {
        int place = 0;
        QRectF rect; // relative to the row's top
        QString text;
    };

    void relayout();
    void layNames();
    void choose(const CellKey& key);
    void move(int rows, int places);
    void paintRow(QPainter& painter, int row) const;
    void paintNames(QPainter& painter, double top) const;
    [[nodiscard]] int currentRow() const; // −1: none
    [[nodiscard]] double rowTop(int row) const;
    [[nodiscard]] int rowAt(double y) const; // −1: none
    [[nodiscard]] CellKey keyOf(int row, int place) const;
    [[nodiscard]] QString pieceOf(const MapSlice::Place& place) const;
    [[nodiscard]] QString toolTipOf(const CellKey& key, TokenCoverage state) const;

    std::shared_ptr<const TokenMap> m_map;
    std::shared_ptr<const CoverageRows> m_rows;

    CoverageLanes m_lanes; // measured when the size, the rows or the fonts change
    std::vector<Name> m_names;
    qint64 m_hiddenNames = 0;
    double m_namesHeight = 0;
    CellKey m_current;
};

}
