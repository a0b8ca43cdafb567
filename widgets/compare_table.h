// Two runs block by block: A, B and the difference of every number.
#pragma once

#include "widgets/values.h"

#include <QAbstractTableModel>
#include <QTableView>

#include <memory>
#include <optional>
#include <vector>

class QSortFilterProxyModel;

namespace blockcert::widgets {

struct ComparedBlock {
    int block = 0;
    std::optional<BlockRow> a; // absent: the run has no such block
    std::optional<BlockRow> b;
    // Where B − A of the error that decides is farthest from zero, and that difference; none if no token is in both.
    CellKey changeAt = {};
    QString changePiece = {};
    double largestChange = missing;
};

class CompareTableModel : public QAbstractTableModel {
    Q_OBJECT

public:
    enum Column {
        Block,
        EpsilonA,
        EpsilonB,
        EpsilonDelta,
        CoverageA,
        CoverageB,
        CoverageDelta,
        LossA,
        LossB,
        LossDelta,
        CertifiedA,
        CertifiedB,
        ColumnCount
    };

    enum Role { SortRole = Qt::UserRole, BlockRole, WorseRole };

    explicit CompareTableModel(QObject* parent = nullptr);
    // With the relative measure ε and coverage are the relative ones.
    void setRows(std::vector<ComparedBlock> rows, bool isRelative);
    [[nodiscard]] const ComparedBlock* rowOf(int at) const;

    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation,
                                      int role = Qt::DisplayRole) const override;

private:
    [[nodiscard]] double numberOf(const ComparedBlock& row, int column) const; // `missing` where there is none
    [[nodiscard]] QString textOf(const ComparedBlock& row, int column) const;

    std::vector<ComparedBlock> m_rows;
    bool m_isRelative = false;
};

class CompareTable : public QTableView {
    Q_OBJECT

public:
    explicit CompareTable(QWidget* parent = nullptr);
    void setRows(std::vector<ComparedBlock> rows, bool isRelative);
    void setCurrentBlock(int block); // no signal

signals:
    void blockSelected(int block);

protected:
    void resizeEvent(QResizeEvent* event) override;

private:
    void layoutColumns();

    CompareTableModel* m_model = nullptr;
    QSortFilterProxyModel* m_sorted = nullptr;
    bool m_silent = false;
};

}
