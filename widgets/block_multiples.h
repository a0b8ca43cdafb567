// Small multiples: one prompt's errors at every block of a run, side by side on one log scale, the chosen token marked.
#pragma once

#include "widgets/values.h"

#include <QWidget>

#include <memory>

namespace blockcert::widgets {

class BlockMultiples : public QWidget {
    Q_OBJECT

public:
    explicit BlockMultiples(QWidget* parent = nullptr);
    // Under the metric that decides. Where there are more blocks than there is room, those around the chosen one.
    void setPlace(std::shared_ptr<const TokenMap> map, const CellKey& key, Metric metric);

    [[nodiscard]] QSize sizeHint() const override;

signals:
    void blockChosen(int block);

protected:
    void paintEvent(QPaintEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    bool event(QEvent* event) override;

private:
    struct Window {
        int first = 0; // columns of the map
        int count = 0;
        double width = 0; // of one
    };

    [[nodiscard]] Window window() const;
    [[nodiscard]] int columnAt(const QPointF& point) const; // −1: none
    [[nodiscard]] double valueAt(int column, int token) const;

    std::shared_ptr<const TokenMap> m_map;
    CellKey m_key;
    Metric m_metric = Metric::Error;
    double m_low = 0; // decades
    double m_high = 1;
};

}
