// The sortable table of blocks under the map: what was measured and whether it certifies.
#pragma once

#include "widgets/values.h"

#include <QAbstractTableModel>
#include <QTableView>

#include <memory>
#include <optional>
#include <vector>

class QSortFilterProxyModel;

namespace blockcert::widgets {

// Why a block is not certified, in words: "Activation coverage 0.91 is below 0.94".
[[nodiscard]] QString findingText(const BlockFinding& finding);

// Of a certified block whose verdict rests on losses that were not recomputed, though it was verified at that level.
[[nodiscard]] QString lossesText(int level);

class BlockTableModel : public QAbstractTableModel {
    Q_OBJECT

public:
    enum Column { Block, Epsilon, Mae, Activation, Path, Loss, Relative, Worst, Certified, ColumnCount };

    // WorstRole: where Return and a double click go, a CellKey.
    enum Role { SortRole = Qt::UserRole, StateRole /* a Mark */, BlockRole, WorstRole };

    explicit BlockTableModel(QObject* parent = nullptr);
    void setRows(std::shared_ptr<const std::vector<BlockRow>> rows);
    void setThresholds(const Thresholds& thresholds);
    // Without a verdict a certified block is only claimed to be one.
    void setVerdict(const std::optional<RunVerdict>& verdict);
    [[nodiscard]] const BlockRow* rowOf(int row) const;

    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation,
                                      int role = Qt::DisplayRole) const override;

private:
    [[nodiscard]] QString textOf(const BlockRow& row, int column) const;
    [[nodiscard]] Mark markOf(const BlockRow& row) const;
    [[nodiscard]] QString explain(const BlockRow& row, int column) const;

    std::shared_ptr<const std::vector<BlockRow>> m_rows;
    Thresholds m_thresholds;
    std::optional<RunVerdict> m_verdict;
};

class BlockChangeModel;
struct ComparedBlock;

// Of one run, or of how two differ.
class BlockTable : public QTableView {
    Q_OBJECT

public:
    explicit BlockTable(QWidget* parent = nullptr);
    void setRows(std::shared_ptr<const std::vector<BlockRow>> rows);
    // B − A, in the order and with the block that are chosen; setRows goes back to one run.
    void setChanges(std::shared_ptr<const std::vector<ComparedBlock>> rows);
    void setThresholds(const Thresholds& thresholds);
    void setVerdict(const std::optional<RunVerdict>& verdict);
    void setCurrentBlock(int block); // no signal
    [[nodiscard]] int currentBlock() const;

signals:
    void blockSelected(int block);
    void worstActivated(const blockcert::widgets::CellKey& key); // double click, Return

protected:
    void keyPressEvent(QKeyEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;

private:
    void showModel(QAbstractItemModel& model);
    void layoutColumns();
    void activateWorst(const QModelIndex& index);
    void copySelection() const;

    BlockTableModel* m_model = nullptr;
    BlockChangeModel* m_changes = nullptr;
    QSortFilterProxyModel* m_sorted = nullptr;
    bool m_silent = false;
};

}
