// The table of blocks for two runs: B − A of every number, in the columns of the table of one run.
#pragma once

#include "widgets/block_table.h"
#include "widgets/compare_table.h"

#include <QAbstractTableModel>

#include <memory>
#include <vector>

namespace blockcert::widgets {

// Answers the roles of BlockTableModel. Every number has its sign; of a block that one of the runs does not have, and
// of what one did not measure, nothing is known: an en dash, and the tool tip says which run.
class BlockChangeModel : public QAbstractTableModel {
    Q_OBJECT

public:
    using Column = BlockTableModel::Column;

    explicit BlockChangeModel(QObject* parent = nullptr);
    void setRows(std::shared_ptr<const std::vector<ComparedBlock>> rows);

    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation,
                                      int role = Qt::DisplayRole) const override;

private:
    [[nodiscard]] QString textOf(const ComparedBlock& row, int column) const;
    [[nodiscard]] QString explain(const ComparedBlock& row, int column) const;

    std::shared_ptr<const std::vector<ComparedBlock>> m_rows;
};

}
