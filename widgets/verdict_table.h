// Several runs with what verifying them found: sortable, one row a run, updated while it goes on.
#pragma once

#include "widgets/values.h"

#include <QAbstractTableModel>
#include <QTableView>

#include <vector>

class QSortFilterProxyModel;

namespace blockcert::widgets {

class VerdictTableModel : public QAbstractTableModel {
    Q_OBJECT

public:
    enum Column { Verdict, Run, Level, Failed, NotChecked, Seconds, Sentence, ColumnCount };

    enum Role { SortRole = Qt::UserRole, StateRole };

    explicit VerdictTableModel(QObject* parent = nullptr);
    void setRows(std::vector<VerdictRow> rows);
    void setRow(int at, const VerdictRow& row); // one that is there

    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation,
                                      int role = Qt::DisplayRole) const override;

private:
    [[nodiscard]] static QString textOf(const VerdictRow& row, int column);
    [[nodiscard]] static QVariant sortKeyOf(const VerdictRow& row, int column);

    std::vector<VerdictRow> m_rows;
};

class VerdictTable : public QTableView {
    Q_OBJECT

public:
    explicit VerdictTable(QWidget* parent = nullptr);
    void setRows(std::vector<VerdictRow> rows);
    void setRow(int at, const VerdictRow& row);

signals:
    void rowActivated(int at); // double click, Return; the position in the list that was set

protected:
    void keyPressEvent(QKeyEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;

private:
    void layoutColumns();

    VerdictTableModel* m_model = nullptr;
    QSortFilterProxyModel* m_sorted = nullptr;
};

}
