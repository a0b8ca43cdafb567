// The five most likely next tokens of the original and of the surrogate, side by side.
#pragma once

#include "widgets/next_tokens.h"
#include "widgets/values.h"

#include <QWidget>

namespace blockcert::widgets {

class TopTokens : public QWidget {
    Q_OBJECT

public:
    explicit TopTokens(QWidget* parent = nullptr);
    void setPredictions(Prediction original, Prediction surrogate);
    [[nodiscard]] QSize sizeHint() const override;

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    struct Row {
        QString piece;
        QString likelihood; // "41.2 %", "≤ 34.1 %"
        double share = 0;   // of the bar
        QString shift;      // "▲ 1", "new", or empty
    };

    [[nodiscard]] static std::vector<Row> rowsOf(const Prediction& prediction, const TopFive* original);
    void paintSide(QPainter& painter, const std::vector<Row>& rows, const QRectF& side, bool marks) const;
    [[nodiscard]] int rowHeight() const;

    std::vector<Row> m_original;
    std::vector<Row> m_surrogate;
    bool m_hasBounds = false;
};

}
