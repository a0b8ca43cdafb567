// A grid of coloured numbers with names at both edges: blocks by strengths, prompts by tokens.
#pragma once

#include "widgets/error_scale.h"
#include "widgets/view_export.h"

#include <QAbstractTableModel>
#include <QTableView>

#include <limits>
#include <memory>
#include <vector>

namespace blockcert::widgets {

struct GridCell {
    double value = std::numeric_limits<double>::quiet_NaN(); // NaN: not measured, hatched
    QString text;                                            // in the cell, where there is room
    QString toolTip;
    bool exists = true;    // false: there is no such thing, an empty place
    bool isMarked = false; // framed: on the trade-off front, the worst token
};

struct GridValues {
    QString rowTitle; // what rows are: "block"
    QString columnTitle;
    QStringList rows;
    QStringList columns;
    std::vector<GridCell> cells; // [row, column]
    ErrorScale scale;
    QString quantity; // of the values, for screen readers and export

    [[nodiscard]] const GridCell* cell(int row, int column) const
    {
        const auto at =
            static_cast<std::size_t>(row) * static_cast<std::size_t>(columns.size()) + static_cast<std::size_t>(column);
        return row >= 0 && column >= 0 && column < columns.size() && at < cells.size() ? &cells[at] : nullptr;
    }
};

[[nodiscard]] ExportTable tableOf(const GridValues& values);

class ValueGridModel : public QAbstractTableModel {
    Q_OBJECT

public:
    explicit ValueGridModel(QObject* parent = nullptr);
    void setValues(std::shared_ptr<const GridValues> values);

    [[nodiscard]] const std::shared_ptr<const GridValues>& values() const { return m_values; }

    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation,
                                      int role = Qt::DisplayRole) const override;

private:
    std::shared_ptr<const GridValues> m_values;
};

// GUI thread. Arrow keys move, Return, a click and a double click choose. The current cell stays when new values have
// the same shape.
class ValueGrid : public QTableView {
    Q_OBJECT

public:
    explicit ValueGrid(const QString& accessibleName, QWidget* parent = nullptr);
    void setValues(std::shared_ptr<const GridValues> values); // no signal
    // Narrow cells without text, for hundreds of columns.
    void setCellWidth(int width);
    void setCurrentCell(int row, int column); // no signal
    [[nodiscard]] ViewExport exported() const;

    [[nodiscard]] const std::shared_ptr<const GridValues>& values() const { return m_model->values(); }

signals:
    void cellChosen(int row, int column);
    void cellHovered(int row, int column); // −1, −1: none

protected:
    void mouseMoveEvent(QMouseEvent* event) override;
    void leaveEvent(QEvent* event) override;
    void changeEvent(QEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;

private:
    void layoutCells();

    ValueGridModel* m_model = nullptr;
    int m_cellWidth = 64; // the least
};

}
