// The legend of a map: the scale with ticks, the threshold, clip marks and the hatch of missing cells.
#pragma once

#include "widgets/error_scale.h"

#include <QWidget>

namespace blockcert::widgets {

class ErrorLegend : public QWidget {
    Q_OBJECT

public:
    explicit ErrorLegend(QWidget* parent = nullptr);
    void setScale(const ErrorScale& scale, Metric metric);
    [[nodiscard]] QSize sizeHint() const override;
    [[nodiscard]] QSize minimumSizeHint() const override;

protected:
    void paintEvent(QPaintEvent* event) override;
    void changeEvent(QEvent* event) override;

private:
    ErrorScale m_scale;
    Metric m_metric = Metric::Error;
};

[[nodiscard]] QString metricName(Metric metric);      // "Error", "Attn part", …
[[nodiscard]] QString metricTitle(Metric metric);     // "Error ‖ŷ − y‖₂ by token and block"
[[nodiscard]] QString metricPhrase(Metric metric);    // "error ‖ŷ − y‖₂", to stand inside a sentence
[[nodiscard]] QString thresholdSymbol(Metric metric); // "τ_act", empty for margins

}
