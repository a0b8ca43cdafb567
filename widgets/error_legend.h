// The legend of a map: the scale with ticks, the threshold, clip marks and the hatch of missing cells.
#pragma once

#include "widgets/error_scale.h"

#include <QWidget>

#include <cstdint>

class QPainter;

namespace blockcert::widgets {

// The grips at both ends change the range by dragging; a double click or Home fits it to the data again.
class ErrorLegend : public QWidget {
    Q_OBJECT

public:
    explicit ErrorLegend(QWidget* parent = nullptr);
    void setScale(const ErrorScale& scale, Metric metric);
    [[nodiscard]] QSize sizeHint() const override;
    [[nodiscard]] QSize minimumSizeHint() const override;

signals:
    void rangeChosen(double low, double high); // when the grip is let go
    void rangeReset();

protected:
    void paintEvent(QPaintEvent* event) override;
    void changeEvent(QEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void mouseReleaseEvent(QMouseEvent* event) override;
    void mouseDoubleClickEvent(QMouseEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;

private:
    enum class Grip : std::uint8_t { None, Low, High };

    [[nodiscard]] Grip gripAt(const QPointF& point) const;
    // The value under x, beyond the ends as well; of a grip, kept on its side of τ and of the other end.
    [[nodiscard]] double valueUnder(double x, Grip grip) const;
    void moveEnd(Grip grip, double steps);

    ErrorScale m_scale;
    Metric m_metric = Metric::Error;
    Grip m_grip = Grip::None;
    double m_dragged = missing; // where the grip is meanwhile
};

// The same picture anywhere: bar, ticks, threshold, clip marks and words, as far as there is room.
void paintLegend(QPainter& painter, const QRectF& rect, const ErrorScale& scale, Metric metric, const Tokens& tokens);
[[nodiscard]] QRectF legendBar(const QRectF& rect, const ErrorScale& scale);

[[nodiscard]] QString metricName(Metric metric);   // "Error", "Attn part", …
[[nodiscard]] QString metricTitle(Metric metric);  // "Error ‖ŷ − y‖₂ by token and block"
[[nodiscard]] QString metricPhrase(Metric metric); // "error ‖ŷ − y‖₂", to stand inside a sentence
// Of what a difference of two runs is: the surrogate's loss, where one run shows the distance from the original's.
[[nodiscard]] QString differencePhrase(Metric metric);
[[nodiscard]] QString thresholdSymbol(Metric metric); // "τ_act"; empty without one

}
