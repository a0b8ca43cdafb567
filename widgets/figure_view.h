// Paints a figure in the window's appearance: the same layout that is written as SVG, with numbers under the pointer.
#pragma once

#include "engine/figure/drawing.h"
#include "engine/figure/figure.h"
#include "widgets/theme.h"
#include "widgets/view_export.h"

#include <QWidget>

#include <memory>
#include <optional>

class QPainter;

namespace blockcert::widgets {

class FigureView : public QWidget {
    Q_OBJECT

public:
    explicit FigureView(QWidget* parent = nullptr);
    // Width and height of its panels follow the widget. Without its own words (title, scope, caption) there is more
    // room for the panels; the caption is then the tool tip.
    void setFigure(std::shared_ptr<const figure::Figure> figure, bool ownWords = true);

    [[nodiscard]] const std::shared_ptr<const figure::Figure>& figure() const { return m_figure; }

    // What is painted now, after the layout.
    [[nodiscard]] const figure::Drawing& drawing() const { return m_drawing; }

    // The measurement in hand, "all blocks: 0.01 → 0.967"; empty without one.
    [[nodiscard]] QString currentText() const;
    [[nodiscard]] ViewExport exported() const;
    [[nodiscard]] QSize sizeHint() const override;
    [[nodiscard]] QSize minimumSizeHint() const override;

signals:
    void pointChosen(double x, double y); // a click on a measurement

protected:
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseReleaseEvent(QMouseEvent* event) override;
    void leaveEvent(QEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void focusOutEvent(QFocusEvent* event) override;

private:
    void relayout();
    void setCurrent(int mark);
    [[nodiscard]] int nearestMark(const QPointF& point) const; // −1: none is near
    [[nodiscard]] figure::Figure fitted() const;

    std::shared_ptr<const figure::Figure> m_figure;
    figure::Drawing m_drawing;
    bool m_ownWords = true;
    int m_current = -1; // index into the drawing's marks
};

// Colours by role: `paper` is what the figure lies on.
[[nodiscard]] QColor inkColour(const figure::Paint& paint, const Tokens& tokens, const QColor& paper);
void paintDrawing(QPainter& painter, const figure::Drawing& drawing, const Tokens& tokens, const QColor& paper);
// In every format; SVG is written by the figure itself, byte for byte as a run writes it.
[[nodiscard]] ViewExport figureExport(const figure::Figure& figure);

}
