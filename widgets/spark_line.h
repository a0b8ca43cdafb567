// The same token through the blocks: measured dots on a log axis, joined by lines, with the threshold.
#pragma once

#include "widgets/values.h"

#include <QWidget>

#include <vector>

namespace blockcert::widgets {

class SparkLine : public QWidget {
    Q_OBJECT

public:
    explicit SparkLine(QWidget* parent = nullptr);
    // labels[i] is the block number of values[i]; missing values break the line.
    void setSeries(std::vector<int> labels, std::vector<double> values, double threshold);
    void setCurrent(int label);    // the marked block; -1 for none
    void setCompact(bool compact); // no axis: for table rows
    [[nodiscard]] QSize sizeHint() const override;

signals:
    void labelChosen(int label);

protected:
    void paintEvent(QPaintEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    bool event(QEvent* event) override;

private:
    [[nodiscard]] QRectF plotRect() const;
    [[nodiscard]] QPointF pointOf(std::size_t at) const;
    [[nodiscard]] double heightOf(double value) const;
    [[nodiscard]] bool roomierAtLeft() const;
    [[nodiscard]] int nearest(double x) const;

    std::vector<int> m_labels;
    std::vector<double> m_values;
    double m_threshold = missing;
    double m_low = missing; // of the axis
    double m_high = missing;
    int m_current = -1;
    bool m_compact = false;
};

}
